import { Col, type Fields } from '../compact';
import { roundMs } from '../lib/roundMs';
import { selector } from '../lib/selector';
import type { Frames } from './frames';
import type { Vital } from './vitals';

/** Interactions that are kept: with 50 to each that is left out, enough for 500. */
const MAX_LONGEST = 10;
/** Slow events that are kept to find those of one frame. */
const MAX_RECENT = 100;

/** Event Timing's entry, with the field that TypeScript's library lacks. */
export type EventTiming = PerformanceEventTiming & { targetSelector?: string };

interface Interaction {
  id: number;
  durationMs: number;
  /** Its longest events: of one click there can be several. */
  slowest: EventTiming[];
}

/** Shorter interactions are counted, but not told. */
export const EVENT_THRESHOLD_MS = 40;

/** How many interactions there were; browsers that do not count them have none with many. */
const countInteractions = () => (performance as Performance & { interactionCount?: number }).interactionCount || 0;

/**
 * Interaction to Next Paint: the longest interaction, or of many the one that 2 %
 * are longer than, one left out for every 50 (web.dev/articles/inp).
 */
export function createInteractions(frames: Frames, isLoad: boolean): Vital {
  const longest: Interaction[] = [];
  let recent: EventTiming[] = [];
  /** The interaction that INP is due to, and what is told of it. */
  let told: Interaction | undefined;
  let fields: Fields = {};
  const countBefore = countInteractions();

  function take(entries: EventTiming[]): void {
    recent = recent.concat(entries).slice(-MAX_RECENT);
    for (const entry of entries) {
      rank(longest, entry);
    }
    choose(entries);
  }

  /** Finds the interaction that INP is due to, and tells of it. */
  function choose(entries: EventTiming[]): void {
    const found = longest[Math.min(longest.length - 1, Math.floor((countInteractions() - countBefore) / 50))];
    // At each change, since the element may be gone from the page when the view ends,
    // and other events that have to do with it are not recent then.
    if (found && (found !== told || entries.some((e) => sameFrame(e, found.slowest[0])))) {
      const { [Col.inp_element]: element } = fields;
      fields = interactionFields(found.durationMs, found.slowest, recent);
      fields[Col.inp_element] = (found === told && element) || fields[Col.inp_element];
      told = found;
      blame();
    }
  }

  /** Names the script that the interaction waited for, once its frame is known. */
  function blame(): void {
    const first = told?.slowest[0];
    if (first) {
      Object.assign(fields, frames.longestScript(first.startTime, first.startTime + first.duration));
    }
  }

  return {
    take: { event: take, 'first-input': take },
    read() {
      // Short ones, which are only counted, may have come since.
      choose([]);
      if (!fields[Col.inp_script_ms]) {
        blame();
      }
      // Of a load even a short first interaction is told; elsewhere it counts as one frame.
      return !isLoad && fields[Col.inp_ms] === undefined && countInteractions() > countBefore
        ? { [Col.inp_ms]: 8 }
        : fields;
    },
  };
}

/** Puts an event among the longest interactions, longest first. */
function rank(longest: Interaction[], entry: EventTiming): void {
  const { interactionId: id, duration } = entry;
  const known = longest.find((i) => i.id === id);
  if (!id) {
    return;
  }
  if (!known) {
    longest.push({ id, durationMs: duration, slowest: [entry] });
  } else if (duration > known.durationMs) {
    known.durationMs = duration;
    known.slowest = [entry];
  } else if (duration === known.durationMs && entry.startTime === known.slowest[0]?.startTime) {
    known.slowest.push(entry);
  }
  longest.sort((a, b) => b.durationMs - a.durationMs).splice(MAX_LONGEST);
}

/** Whether two events were painted in the same frame; durations are rounded to 8 ms. */
function sameFrame(a: EventTiming, b: EventTiming | undefined): boolean {
  return !!b && Math.abs(a.startTime + a.duration - b.startTime - b.duration) <= 8;
}

/**
 * Describes the interaction that INP is due to by all events that were painted in
 * its frame, as far as they are among the recent ones.
 */
export function interactionFields(inpMs: number, entries: EventTiming[], recent: EventTiming[]): Fields {
  const first = entries[0] as EventTiming;
  const painted = recent.filter((e) => sameFrame(e, first)).concat(entries);
  // A handler that began before this interaction is the frame's too, and a dialogue can outlast the frame.
  const begunMs = Math.max(Math.min(...painted.map((e) => e.processingStart)), first.startTime);
  const shownMs = Math.max(first.startTime + inpMs, begunMs);
  const endedMs = Math.min(Math.max(...painted.map((e) => e.processingEnd)), shownMs);
  const target = entries.find((e) => e.target)?.target;
  return {
    [Col.inp_ms]: roundMs(inpMs),
    // The browser's own selector is left when the element is gone.
    [Col.inp_element]: target ? selector(target) : first.targetSelector,
    [Col.inp_input_delay_ms]: roundMs(begunMs - first.startTime),
    [Col.inp_processing_duration_ms]: roundMs(endedMs - begunMs),
    [Col.inp_presentation_delay_ms]: roundMs(shownMs - endedMs),
  };
}
