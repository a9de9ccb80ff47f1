import { Col, type Fields, shorten } from '../compact';
import { supports } from '../lib/observe';
import { roundMs } from '../lib/roundMs';
import { scrubText, scrubUrl } from '../scrub';
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
export type LongFrame = PerformanceEntry & { blockingDuration?: number; scripts?: Script[] };

export interface Frames extends Vital {
  /** What is known of the script that ran longest in a span of the performance clock. */
  longestScript(fromMs: number, toMs: number): Fields;
}

/**
 * Long animation frames of a view: how long the page could not have answered input, and which scripts kept it from
 * that. All views share what is recent: the frame of the click that ends one is the next one's.
 */
export function createFrames(recent: LongFrame[]): Frames {
  let count = 0;
  let blockingMs = 0;
  const take = (frames: LongFrame[]) => {
    recent.push(...frames);
    recent.splice(0, recent.length - MAX_RECENT);
    for (const { blockingDuration, duration } of frames) {
      count++;
      blockingMs += blockingDuration ?? duration - LONG_TASK_MS;
    }
  };
  const type = ['long-animation-frame', 'longtask'].find(supports);
  return {
    take: type ? { [type]: take } : {},
    read: () => (type ? { [Col.blocking_ms]: roundMs(blockingMs), [Col.long_frames]: Math.min(count, MAX_COUNT) } : {}),
    longestScript(fromMs, toMs) {
      let longest: Script | undefined;
      let mostMs = 0;
      for (const script of recent.flatMap((frame) => frame.scripts || [])) {
        const withinMs = script.startTime + script.duration - Math.max(script.startTime, fromMs);
        // Nothing is painted while a script runs, so it ends within; toMs is rounded.
        if (script.startTime < toMs && withinMs > mostMs) {
          mostMs = withinMs;
          longest = script;
        }
      }
      return longest
        ? {
            [Col.inp_script_ms]: roundMs(mostMs),
            [Col.inp_script_url]: shorten(scrubUrl(longest.sourceURL)),
            [Col.inp_script_invoker]: scrubText(longest.invoker?.slice(0, MAX_INVOKER) || ''),
          }
        : {};
    },
  };
}
