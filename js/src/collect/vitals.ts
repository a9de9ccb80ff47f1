import { watchFirstHidden } from '../visibility';
import type { PageView } from '../wire';
import { collectFrames } from './frames';
import { collectInteractions } from './interactions';
import { collectPaints } from './paints';
import { collectShifts } from './shifts';

/** One of the Web Vitals, or two that come together. */
export interface Vital {
  /** What is known of the view by now. */
  read(): Partial<PageView>;
  /** Begins anew, for the view that came back from the back/forward cache at that moment. */
  restored(atMs: number): void;
}

/** Collects the Web Vitals of the page. */
export function collectVitals(): Vital {
  const paints = collectPaints(watchFirstHidden());
  const frames = collectFrames();
  const others = [collectShifts(), collectInteractions(frames), frames];
  let back = false;
  return {
    read() {
      const painted = paints.read();
      const [shifted, ...rest] = others.map((vital) => vital.read());
      // What nobody saw did not shift.
      return { ...painted, ...(back || painted.fcp_ms !== undefined ? shifted : {}), ...Object.assign({}, ...rest) };
    },
    restored(atMs) {
      back = true;
      paints.restored(atMs);
      for (const vital of others) {
        vital.restored(atMs);
      }
    },
  };
}
