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

/** Calls turns as they happen. Call it after web-vitals, whose last values hidden needs. */
export function watchLifecycle(injected: boolean, turns: Turns): void {
  if (injected) {
    // What a page says to a journey runner any later is lost when it navigates.
    addEventListener(
      'beforeunload',
      guard(() => turns.hidden(true)),
    );
  }
  // Browsers tell of leaving by pagehide while the page is still visible, and
  // then by visibilitychange. web-vitals reports its last values at the second,
  // to listeners on window; so ours listens there too, on document, which comes
  // after window. Browsers that skip it have no vitals to wait for.
  const waits = PerformanceObserver.supportedEntryTypes?.includes('event') === true;
  let leaving = false;

  document.addEventListener(
    'visibilitychange',
    guard(() => {
      const gone = leaving;
      leaving = false;
      // Some pages pretend to be visible for ever.
      if (gone || document.visibilityState === 'hidden') {
        turns.hidden(gone);
      }
    }),
    true,
  );
  addEventListener(
    'pagehide',
    guard(() => {
      leaving = waits && document.visibilityState !== 'hidden';
      if (!leaving) {
        turns.hidden(true);
      }
    }),
    true,
  );
  addEventListener(
    'pageshow',
    guard((event: PageTransitionEvent) => {
      leaving = false;
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
