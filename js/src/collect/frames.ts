import { observe } from '../lib/observe';
import { roundMs } from '../lib/roundMs';
import { scrubText, scrubUrl } from '../scrub';
import type { PageView } from '../wire';
import type { Vital } from './vitals';

/** Frames that are kept to find the script that an interaction waited for. */
const MAX_RECENT = 30;
const MAX_INVOKER = 200;
/** No view tells of more. */
const MAX_COUNT = 65_535;
/** A task is long from here on (W3C Long Tasks). */
const LONG_TASK_MS = 50;

interface Script extends PerformanceEntry {
  invoker?: string;
  sourceURL?: string;
}

/** An entry of Long Animation Frames, or of Long Tasks in browsers that have only those. */
type LongFrame = PerformanceEntry & { blockingDuration?: number; scripts?: Script[] };

export interface Frames extends Vital {
  /** What is known of the script that ran longest in a span of the performance clock. */
  longestScript(fromMs: number, toMs: number): Partial<PageView>;
}

/** Long animation frames: how long the page could not have answered input, and which scripts kept it from that. */
export function collectFrames(): Frames {
  let recent: LongFrame[] = [];
  let count = 0;
  let blockingMs = 0;
  const take = (frames: LongFrame[]) => {
    recent = recent.concat(frames).slice(-MAX_RECENT);
    for (const { blockingDuration, duration } of frames) {
      count++;
      blockingMs += blockingDuration ?? duration - LONG_TASK_MS;
    }
  };
  const drain = observe('long-animation-frame', take) || observe('longtask', take);
  return {
    read() {
      drain?.();
      return drain ? { blocking_ms: roundMs(blockingMs), long_frames: Math.min(count, MAX_COUNT) } : {};
    },
    restored() {
      drain?.();
      recent = [];
      count = 0;
      blockingMs = 0;
    },
    longestScript(fromMs, toMs) {
      drain?.();
      let longest: Script | undefined;
      let mostMs = 0;
      for (const script of recent.flatMap((frame) => frame.scripts || [])) {
        const withinMs = Math.min(script.startTime + script.duration, toMs) - Math.max(script.startTime, fromMs);
        if (withinMs > mostMs) {
          mostMs = withinMs;
          longest = script;
        }
      }
      return longest
        ? {
            inp_script_ms: roundMs(mostMs),
            inp_script_url: (longest.sourceURL && scrubUrl(longest.sourceURL)) || undefined,
            inp_script_invoker: scrubText(longest.invoker?.slice(0, MAX_INVOKER) || '') || undefined,
          }
        : {};
    },
  };
}
