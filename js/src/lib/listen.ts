import { guard } from './guard';

/**
 * Calls then at each event of these types, with a space between, that reaches the window: before the page hears
 * of it or, without capture, among the page's own listeners there.
 */
export function listen<E extends Event>(types: string, then: (event: E) => void, capture = true): void {
  for (const type of types.split(' ')) {
    addEventListener(type, guard(then as (event: Event) => void), { capture, passive: true });
  }
}

/** Calls then at each input of the user: clicks that scripts make are none. */
export function onInput(then: (event: Event) => void): void {
  listen('keydown click', (event) => {
    if (event.isTrusted) {
      then(event);
    }
  });
}
