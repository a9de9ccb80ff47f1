import { guard } from '../lib/guard';
import { scrubUrl } from '../scrub';
import type { PageError } from '../wire';

/**
 * Calls found with each violation of the page's Content Security Policy, but for
 * those that keep reports from ownUrl: telling of them would be one more. The
 * texts are those that the collector makes of the browser's own reports.
 */
export function collectViolations(found: (error: PageError) => void, ownUrl = ''): void {
  document.addEventListener(
    'securitypolicyviolation',
    guard((event: SecurityPolicyViolationEvent) => {
      const { effectiveDirective, disposition, blockedURI, sourceFile, lineNumber, columnNumber } = event;
      // Words such as inline and data stand beside URLs, which may be those of WebSockets.
      const socket = /^wss?:/.test(blockedURI);
      const url = /:\/\//.test(blockedURI) && scrubUrl(socket ? blockedURI.replace('ws', 'http') : blockedURI);
      const blocked = url ? (socket ? url.replace('http', 'ws') : url) : blockedURI.split(':')[0] || 'inline or eval';
      // Of what was redirected the browser tells the origin only.
      if (effectiveDirective === 'connect-src' && ownUrl.startsWith(blocked)) {
        return;
      }
      const place = sourceFile && scrubUrl(sourceFile);
      found({
        kind: 'csp-violation',
        type: effectiveDirective,
        message: `${effectiveDirective} ${disposition === 'report' ? 'would block' : 'blocked'} ${blocked}`,
        stack: place ? `at ${[place, lineNumber, columnNumber].filter(Boolean).join(':')}` : undefined,
        count: 1,
      });
    }),
  );
}
