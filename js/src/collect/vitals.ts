import { Col, type Fields, keys } from '../compact';
import { onInput } from '../lib/listen';
import { observe } from '../lib/observe';
import { whenIdle } from '../lib/whenIdle';
import type { Visibility } from '../visibility';
import { createFrames, type LongFrame } from './frames';
import { createInteractions, EVENT_THRESHOLD_MS } from './interactions';
import { createPaints, type SoftNavigation, type Start } from './paints';
import { createShifts } from './shifts';

/** One of the Web Vitals of a view, or two that come together. */
export interface Vital {
  /** Takes in entries that began in the view, of one of the types that it asks for. */
  take: Record<string, (entries: never[]) => void>;
  /** What is known of the view by now. */
  read(): Fields;
}

/** The Web Vitals of one view. */
export interface Vitals extends Vital {
  /** The browser says that the view is a soft navigation, and when it was painted. */
  navigated(entry: SoftNavigation): void;
  /** What is painted from now on is an answer to the user's input. */
  settle(): void;
  /** The view is drawn again: it came back from the back/forward cache. */
  restored(): void;
}

/**
 * Hands the browser's entries, of the types that the first view's vitals take, to those of the view that they are of.
 * Returns a function that takes at once what the browser has not delivered yet.
 */
export function observeVitals(
  first: Vitals,
  of: (entry: PerformanceEntry) => Vitals,
  current: () => Vitals,
): () => void {
  const drains = keys(first.take).map((type) =>
    observe(
      type,
      (entries) => {
        for (const vitals of new Set(entries.map(of))) {
          vitals.take[type]?.(entries.filter((entry) => of(entry) === vitals) as never[]);
        }
      },
      { durationThreshold: EVENT_THRESHOLD_MS },
    ),
  );
  const drainAll = () => {
    for (const drain of drains) {
      drain?.();
    }
  };
  onInput(() => {
    const vitals = current();
    whenIdle(() => {
      drainAll();
      vitals.settle();
    });
  });
  return drainAll;
}

/** Begins to collect the Web Vitals of a view; recent are long frames, which all views share. */
export function createVitals(view: Start, visibility: Visibility, recent: LongFrame[]): Vitals {
  const frames = createFrames(recent);
  const paints = createPaints(view, visibility);
  const shifts = createShifts();
  const interactions = createInteractions(frames, !view.beganMs);
  return {
    // In the order in which they are asked for what the browser has not delivered yet.
    take: { ...paints.take, ...shifts.take, ...interactions.take, ...frames.take },
    read() {
      const painted = paints.read();
      return {
        ...painted,
        // What nobody saw did not shift.
        ...(view.beganMs || painted[Col.fcp_ms] !== undefined ? shifts.read() : {}),
        ...interactions.read(),
        ...frames.read(),
      };
    },
    settle: paints.settle,
    navigated: paints.navigated,
    restored: paints.restored,
  };
}
