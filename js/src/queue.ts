import { guard } from './lib/guard';
import type { Flush } from './report';
import type { View } from './view';

/** Events of a view that wait are sent at this many ... */
const MAX_WAITING = 100;
/** ... or after this long, while its final report is still to come ... */
export const HOLD_MS = 30_000;
/** ... or after this long once it is out. */
const HOLD_AFTER_FINAL_MS = 5_000;

/**
 * Returns a function to call when something joined a view's queue. It sees that
 * it is sent in time, in few reports: the early and the final one take along
 * what there is.
 */
export function createQueue(flush: Flush): (view: View) => void {
  return (view) => {
    if (view.events.length >= MAX_WAITING) {
      flush(view);
      return;
    }
    const holdMs = view.finished ? HOLD_AFTER_FINAL_MS : HOLD_MS;
    if (view.reported && view.armedMs !== holdMs) {
      view.armedMs = holdMs;
      setTimeout(
        guard(() => {
          view.armedMs = 0;
          flush(view);
        }),
        holdMs,
      );
    }
  };
}
