import type { SoftNavigation } from './collect/paints';
import { guard } from './lib/guard';
import { listen, onInput } from './lib/listen';
import { now } from './lib/now';
import { observe } from './lib/observe';
import { wrap } from './lib/wrap';

/** What a page without reloads does with its address. */
export interface Turnings {
  /** The path changed at a moment of the performance clock, for an input of the user or by itself. */
  turned(atMs: number, byUser: boolean): void;
  /** The browser says that an input has changed the address and the page. */
  confirmed(entry: SoftNavigation): void;
}

/** An input that is longer ago has nothing to do with a change of address. */
const INPUT_MS = 5_000;

/**
 * Watches the path of the address. A route begins with the input that brought it
 * about, as in the browser's own soft navigations, so that who waits for data before
 * the address changes has waited in the new view.
 */
export function watchRoutes({ turned, confirmed }: Turnings): void {
  let path = location.pathname;
  let inputMs = Number.NEGATIVE_INFINITY;

  const changed = guard((traversed?: boolean) => {
    if (location.pathname === path) {
      return;
    }
    path = location.pathname;
    const atMs = now();
    const byInput = !traversed && atMs - inputMs < INPUT_MS;
    turned(byInput ? inputMs : atMs, byInput || !!traversed);
    inputMs = Number.NEGATIVE_INFINITY;
  });

  onInput(({ timeStamp }) => {
    inputMs = timeStamp;
  });
  const { navigation } = globalThis as { navigation?: EventTarget };
  if (navigation) {
    navigation.addEventListener('currententrychange', (event) =>
      changed((event as Event & { navigationType?: string }).navigationType === 'traverse'),
    );
  } else {
    for (const name of ['pushState', 'replaceState'] as const) {
      wrap(history, name, () => () => changed());
    }
    listen('popstate', () => changed(true));
  }
  observe<SoftNavigation>('soft-navigation', (entries) => entries.forEach(confirmed));
}
