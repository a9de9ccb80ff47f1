import { readSettings } from './config';
import { guard } from './lib/guard';
import { startMonitor } from './monitor';

/** Whether this page is one to measure, in a browser that can. */
function measurable(injected: boolean): boolean {
  const { PerformanceObserver, URL } = globalThis;
  const { globalPrivacyControl } = navigator as Navigator & { globalPrivacyControl?: boolean };
  return (
    !!PerformanceObserver &&
    !!URL &&
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
  const settings = readSettings();
  if (measurable(!!settings.deliver) && claimPage()) {
    startMonitor(settings);
  }
})();
