import { Col, type Fields } from '../compact';
import type { ViewInfo } from '../view';

interface Connection {
  effectiveType?: string;
  rtt?: number;
  downlink?: number;
  saveData?: boolean;
}

type Device = Navigator & { connection?: Connection; deviceMemory?: number };

/** What the browser tells of the user's device, connection and preferences. */
export function deviceFields(): Fields {
  const { connection, deviceMemory, hardwareConcurrency } = navigator as Device;
  return {
    [Col.device_memory_gb]: deviceMemory,
    [Col.cpu_cores]: hardwareConcurrency,
    [Col.device_pixel_ratio]: Math.round(devicePixelRatio * 100) / 100,
    [Col.rtt_ms]: connection?.rtt,
    [Col.downlink_mbps]: connection?.downlink,
    // In the order of beacon.PreferenceNames, each a bit.
    [Col.preferences]: ['reduced-motion: reduce', 'contrast: more', 'color-scheme: dark'].reduce(
      (bits, feature, i) => bits + (matchMedia(`(prefers-${feature})`).matches ? 2 ** i : 0),
      connection?.saveData ? 8 : 0,
    ),
  };
}

/** What is known of the viewport once the page has a layout, and of the connection. */
export function viewportInfo(): Partial<ViewInfo> {
  const { clientWidth, clientHeight } = document.documentElement || {};
  return {
    widthPx: clientWidth,
    heightPx: clientHeight,
    connection: (navigator as Device).connection?.effectiveType,
  };
}
