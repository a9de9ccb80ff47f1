import { ErrorKind } from '../compact';
import { listen } from '../lib/listen';
import { scrubUrl } from '../scrub';
import type { Found } from './errors';

/**
 * Calls found with each violation of the page's Content Security Policy, but for
 * those that keep reports from collectUrl: telling of them would be one more. The
 * texts are those that the collector makes of the browser's own reports.
 */
export function collectViolations(found: (error: Found) => void, collectUrl = ''): void {
  listen(
    'securitypolicyviolation',
    ({
      effectiveDirective,
      disposition,
      blockedURI,
      sourceFile,
      lineNumber,
      columnNumber,
    }: SecurityPolicyViolationEvent) => {
      // Words such as inline and data stand beside URLs.
      const blocked = (/:\/\//.test(blockedURI) && scrubUrl(blockedURI)) || (blockedURI.split(':')[0] as string);
      // Of what was redirected the browser tells the origin only.
      if (effectiveDirective === 'connect-src' && collectUrl.startsWith(blocked)) {
        return;
      }
      const place = scrubUrl(sourceFile);
      found({
        kind: ErrorKind.csp_violation,
        type: effectiveDirective,
        message: `${effectiveDirective} ${disposition === 'report' ? 'would block' : 'blocked'} ${blocked}`,
        stack: place && `at ${place}:${lineNumber}:${columnNumber}`,
      });
    },
  );
}
