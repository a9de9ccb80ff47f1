import { guard } from './lib/guard';
import type { Flush } from './report';
import type { View } from './view';

/** Events of a view that wait are sent at this many ... */
const MAX_WAITING = 100;
/** ... or after this long, while its final report is still to come ... */
const HOLD_MS = 30_000;
/** ... or after this long once it is out. */
const HOLD_AFTER_FINAL_MS = 5_000;

/**
 * Returns a function to call when something joined a view's queue. It sees that
 * it is sent in time, in few reports: the early and the final one take along
 * what there is.
 */
export function createQueue(flush: Flush): (view: View) => void {
  const { setTimeout } = globalThis;
  // By view, whether its final report was out when its timer began.
  const armed = new Map<View, boolean>();

  return (view) => {
    if (view.events.length >= MAX_WAITING) {
      flush(view, undefined, false);
    } else if (view.reported && armed.get(view) !== view.finished) {
      armed.set(view, view.finished);
      setTimeout(
        guard(() => {
          armed.delete(view);
          flush(view, undefined, false);
        }),
        view.finished ? HOLD_AFTER_FINAL_MS : HOLD_MS,
      );
    }
  };
}
