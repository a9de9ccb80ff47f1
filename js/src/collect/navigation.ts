import { navigationEntry } from '../lib/navigationEntry';
import { roundMs } from '../lib/roundMs';
import type { PageView } from '../wire';

/**
 * Returns what Navigation Timing knows of the page's load by now. What has not
 * happened yet, or the browser hides, is left out.
 */
export function navigationFields(): Partial<PageView> {
  const n = navigationEntry();
  // Some browsers give zero, negative or future times: no part of such an entry is to be trusted.
  if (!n || !(n.responseStart > 0 && n.responseStart <= performance.now())) {
    return {};
  }
  const since = (ms: number) => (ms > 0 ? roundMs(ms - (n.activationStart || 0)) : undefined);
  const encrypted = n.secureConnectionStart > 0 && n.connectEnd > n.connectStart;
  const plainEnd = n.secureConnectionStart > n.connectStart ? n.secureConnectionStart : n.connectEnd;
  return {
    redirect_ms: roundMs(n.redirectEnd - n.redirectStart),
    dns_ms: roundMs(n.domainLookupEnd - n.domainLookupStart),
    tcp_ms: roundMs(plainEnd - n.connectStart),
    tls_ms: encrypted ? roundMs(n.connectEnd - n.secureConnectionStart) : 0,
    request_ms: roundMs(n.responseStart - n.requestStart),
    download_ms: n.responseEnd > 0 ? roundMs(n.responseEnd - n.responseStart) : undefined,
    dom_interactive_ms: since(n.domInteractive),
    dom_content_loaded_ms: since(n.domContentLoadedEventEnd),
    load_ms: since(n.loadEventEnd),
    transfer_size_bytes: n.responseEnd > 0 ? n.transferSize : undefined,
    status_code: n.responseStatus || undefined,
    ttfb_ms: since(n.responseStart),
  };
}
