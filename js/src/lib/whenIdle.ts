import { guard } from './guard';

/** Calls then when the page has nothing to do, within a second; some browsers cannot tell. */
export function whenIdle(then: () => void): void {
  const idle: typeof requestIdleCallback | undefined = globalThis.requestIdleCallback;
  if (idle) {
    idle(guard(then), { timeout: 1000 });
  } else {
    setTimeout(guard(then));
  }
}
