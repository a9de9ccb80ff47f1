import { observe } from '../lib/observe';
import { roundMs } from '../lib/roundMs';
import { selector } from '../lib/selector';
import type { PageView } from '../wire';
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
  entries: EventTiming[];
}

/**
 * Interaction to Next Paint: the longest interaction, or of many the one that 2 %
 * are longer than, one left out for every 50 (web.dev/articles/inp).
 */
export function collectInteractions(frames: Frames): Vital {
  let longest: Interaction[] = [];
  let recent: EventTiming[] = [];
  /** The interaction that INP is due to, and what is told of it. */
  let told: Interaction | undefined;
  let fields: Partial<PageView> = {};
  let countBefore = 0;
  let restored = false;
  const count = createCounter();

  function take(entries: EventTiming[]): void {
    recent = recent.concat(entries).slice(-MAX_RECENT);
    for (const entry of entries) {
      count.see(entry);
      rank(longest, entry);
    }
    const found = longest[Math.min(longest.length - 1, Math.floor((count.read() - countBefore) / 50))];
    // At each change, since the element may be gone from the page when the view ends,
    // and other events that have to do with it are not recent then.
    if (found && (found !== told || entries.some((e) => sameFrame(e, found.entries[0])))) {
      const { inp_element } = fields;
      fields = interactionFields(found.durationMs, found.entries, recent);
      fields.inp_element = (found === told && inp_element) || fields.inp_element;
      told = found;
      blame();
    }
  }

  /** Names the script that the interaction waited for, once its frame is known. */
  function blame(): void {
    const first = told?.entries[0];
    if (first) {
      Object.assign(fields, frames.longestScript(first.startTime, first.startTime + first.duration));
    }
  }

  const drains = [observe('event', take, { durationThreshold: count.known ? 40 : 16 }), observe('first-input', take)];
  return {
    read() {
      for (const drain of drains) {
        drain?.();
      }
      if (!fields.inp_script_ms) {
        blame();
      }
      // Where even the first interaction is too short to be told, it counts as one frame.
      return restored && fields.inp_ms === undefined && count.read() > countBefore ? { inp_ms: 8 } : fields;
    },
    restored() {
      this.read();
      countBefore = count.read();
      longest = [];
      told = undefined;
      fields = {};
      restored = true;
    },
  };
}

/** Counts interactions, also where the browser does not: it numbers them in steps of 7. */
function createCounter() {
  const counted = () => (performance as Performance & { interactionCount?: number }).interactionCount;
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  return {
    known: counted() !== undefined,
    see({ interactionId: id }: EventTiming) {
      if (id) {
        least = Math.min(least, id);
        most = Math.max(most, id);
      }
    },
    read: () => counted() ?? (most && (most - least) / 7 + 1),
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
    longest.push({ id, durationMs: duration, entries: [entry] });
  } else if (duration > known.durationMs) {
    known.durationMs = duration;
    known.entries = [entry];
  } else if (duration === known.durationMs && entry.startTime === known.entries[0]?.startTime) {
    known.entries.push(entry);
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
export function interactionFields(inpMs: number, entries: EventTiming[], recent: EventTiming[]): Partial<PageView> {
  const first = entries[0] as EventTiming;
  const painted = recent.filter((e) => sameFrame(e, first)).concat(entries);
  // A handler that began before this interaction is the frame's too, and a dialogue can outlast the frame.
  const begunMs = Math.max(Math.min(...painted.map((e) => e.processingStart)), first.startTime);
  const shownMs = Math.max(first.startTime + inpMs, begunMs);
  const endedMs = Math.min(Math.max(...painted.map((e) => e.processingEnd)), shownMs);
  const target = entries.find((e) => e.target)?.target;
  return {
    inp_ms: roundMs(inpMs),
    // The browser's own selector is left when the element is gone.
    inp_element: (target ? selector(target) : first.targetSelector) || undefined,
    inp_input_delay_ms: roundMs(begunMs - first.startTime),
    inp_processing_duration_ms: roundMs(endedMs - begunMs),
    inp_presentation_delay_ms: roundMs(shownMs - endedMs),
  };
}
