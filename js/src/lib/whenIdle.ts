import { guard } from './guard';

/** Calls then when the page has nothing to do, within a second; some browsers cannot tell. */
export function whenIdle(then: () => void): void {
  // Of the options a timer reads no delay.
  const { requestIdleCallback: idle = setTimeout as unknown as typeof requestIdleCallback } = globalThis;
  idle(guard(then), { timeout: 1000 });
}
