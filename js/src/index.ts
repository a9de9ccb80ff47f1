import { readSettings } from './config';
import { guard } from './lib/guard';
import { now } from './lib/now';
import { startMonitor } from './monitor';

/** Whether this page is one to measure, in a browser that can. */
function measurable(injected: boolean): boolean {
  const { globalPrivacyControl } = navigator as Navigator & { globalPrivacyControl?: boolean };
  return (
    !!globalThis.PerformanceObserver &&
    !!navigator.sendBeacon &&
    self === top &&
    /^http/.test(location.protocol) &&
    (injected || globalPrivacyControl !== true)
  );
}

/** Takes the page for this copy of the script; false if another has it. */
function claimPage(): boolean {
  const mark = '__throughline';
  if (Object.getOwnPropertyDescriptor(globalThis, mark)) {
    return false;
  }
  Object.defineProperty(globalThis, mark, { value: true });
  return true;
}

guard(() => {
  const begunMs = now();
  const settings = readSettings();
  if (measurable(!!settings.deliver) && claimPage()) {
    startMonitor(settings, begunMs);
  }
})();
