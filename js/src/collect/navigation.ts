import { Col, type Fields } from '../compact';
import { navigationEntry } from '../lib/navigationEntry';
import { now } from '../lib/now';
import { roundMs } from '../lib/roundMs';

/**
 * Returns what Navigation Timing knows of the page's load by now. What has not
 * happened yet, or the browser hides, is left out.
 */
export function navigationFields(): Fields {
  const n = navigationEntry();
  // Some browsers give zero, negative or future times: no part of such an entry is to be trusted.
  if (!n || !(n.responseStart > 0 && n.responseStart <= now())) {
    return {};
  }
  const since = (ms: number) => (ms > 0 ? roundMs(ms - (n.activationStart || 0)) : undefined);
  const secureStart = n.secureConnectionStart || n.connectEnd;
  const ended = n.responseEnd > 0;
  return {
    [Col.redirect_ms]: roundMs(n.redirectEnd - n.redirectStart),
    [Col.dns_ms]: roundMs(n.domainLookupEnd - n.domainLookupStart),
    [Col.tcp_ms]: roundMs(secureStart - n.connectStart),
    [Col.tls_ms]: roundMs(n.connectEnd - secureStart),
    [Col.request_ms]: roundMs(n.responseStart - n.requestStart),
    [Col.download_ms]: ended ? roundMs(n.responseEnd - n.responseStart) : undefined,
    [Col.dom_interactive_ms]: since(n.domInteractive),
    [Col.dom_content_loaded_ms]: since(n.domContentLoadedEventEnd),
    [Col.load_ms]: since(n.loadEventEnd),
    [Col.transfer_size_bytes]: ended ? n.transferSize : undefined,
    [Col.status_code]: n.responseStatus || undefined,
    [Col.ttfb_ms]: since(n.responseStart),
  };
}
