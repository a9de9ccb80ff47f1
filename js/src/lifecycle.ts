import { guard } from './lib/guard';
import type { MaybePrerendered } from './view';

/** The turns in a page's life that matter to the beacon. */
export interface Turns {
  /** Load is over: loadEventEnd is known, and the page had a quiet moment. */
  loaded(): void;
  /** The page is hidden or, with gone, left: perhaps the last chance to send. */
  hidden(gone: boolean): void;
  /** It came back from the back/forward cache, at a moment of the performance clock. */
  restored(atMs: number): void;
}

const QUIET_MS = 1000;

/** Calls turns as they happen. */
export function watchLifecycle(injected: boolean, turns: Turns): void {
  if (injected) {
    // What a page says to a journey runner any later is lost when it navigates.
    addEventListener(
      'beforeunload',
      guard(() => turns.hidden(true)),
    );
  }
  addEventListener(
    'visibilitychange',
    guard(() => {
      if (document.visibilityState === 'hidden') {
        turns.hidden(false);
      }
    }),
    true,
  );
  addEventListener(
    'pagehide',
    guard(() => turns.hidden(true)),
    true,
  );
  addEventListener(
    'pageshow',
    guard((event: PageTransitionEvent) => {
      if (event.persisted) {
        turns.restored(event.timeStamp);
        settle(turns);
      }
    }),
    true,
  );
  whenActivated(() => whenLoaded(() => settle(turns)));
}

/** Calls turns.loaded after a second, once the page is idle, and within two in any case. */
function settle(turns: Turns): void {
  setTimeout(
    guard(() => {
      const idle: typeof requestIdleCallback | undefined = globalThis.requestIdleCallback;
      if (idle) {
        idle(guard(turns.loaded), { timeout: QUIET_MS });
      } else {
        turns.loaded();
      }
    }),
    QUIET_MS,
  );
}

function whenActivated(then: () => void): void {
  if ((document as MaybePrerendered).prerendering) {
    document.addEventListener('prerenderingchange', guard(then), { once: true });
  } else {
    then();
  }
}

function whenLoaded(then: () => void): void {
  if (document.readyState === 'complete') {
    then();
  } else {
    addEventListener('load', guard(then), { once: true });
  }
}
