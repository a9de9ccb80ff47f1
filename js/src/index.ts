import { readSettings } from './config';
import { guard } from './lib/guard';
import { now } from './lib/now';
import { URL } from './lib/url';
import { startMonitor } from './monitor';

/** Whether this page is one to measure. In browsers that cannot, all ends with what they lack. */
function measurable(injected: boolean): boolean {
  const user = navigator as Navigator & { globalPrivacyControl?: boolean };
  return (
    self === top &&
    // Of two copies the first measures the page.
    !(globalThis as { throughline?: { consent?: unknown } }).throughline?.consent &&
    /^http/.test(location.protocol) &&
    (injected || !(user.globalPrivacyControl || user.doNotTrack === '1')) &&
    !!URL
  );
}

guard(() => {
  const begunMs = now();
  const settings = readSettings();
  if (measurable(!!settings.deliver)) {
    startMonitor(settings, begunMs);
  }
})();
