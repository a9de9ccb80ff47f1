import { guard } from './lib/guard';
import { isHidden } from './lib/isHidden';
import { listen } from './lib/listen';
import { whenIdle } from './lib/whenIdle';
import type { MaybePrerendered } from './view';

/** The turns in a page's life that matter to the beacon. */
export interface Turns {
  /** Load is over: loadEventEnd is known, and the page had a quiet moment. */
  loaded(): void;
  /** The page is hidden or, with gone, left: perhaps the last chance to send. */
  hidden(gone: boolean): void;
  /** The browser had stopped the page, and lets it go on, at moments of the performance clock. */
  frozen(fromMs: number, toMs: number): void;
  /** It came back from the back/forward cache, at a moment of the performance clock. */
  restored(atMs: number): void;
}

const QUIET_MS = 1000;

/** Calls turns as they happen. */
export function watchLifecycle(injected: boolean, turns: Turns): void {
  let frozenMs = 0;
  // A page in the back/forward cache is frozen, too.
  let gone = false;
  if (injected) {
    // What a page says to a journey runner any later is lost when it navigates.
    listen('beforeunload', () => turns.hidden(true));
  }
  listen('visibilitychange pagehide', ({ type }) => {
    gone ||= type === 'pagehide';
    if (isHidden() || type === 'pagehide') {
      turns.hidden(gone);
    }
  });
  listen('freeze resume', ({ type, timeStamp }) => {
    if (gone) {
      return;
    }
    if (type === 'resume') {
      turns.frozen(frozenMs, timeStamp);
    }
    frozenMs = timeStamp;
  });
  listen('pageshow', ({ persisted, timeStamp }: PageTransitionEvent) => {
    if (persisted) {
      gone = false;
      turns.restored(timeStamp);
      settle(turns);
    }
  });
  const whenLoaded = () => {
    if (document.readyState === 'complete') {
      settle(turns);
    } else {
      // Captured, those of images would come by as well.
      listen('load', () => settle(turns), false);
    }
  };
  if ((document as MaybePrerendered).prerendering) {
    listen('prerenderingchange', whenLoaded);
  } else {
    whenLoaded();
  }
}

/** Calls turns.loaded after a second, once the page is idle, and within two in any case. */
function settle(turns: Turns): void {
  setTimeout(guard(whenIdle), QUIET_MS, turns.loaded);
}
