import { byteLength } from './lib/byteLength';
import { guard } from './lib/guard';
import { listen } from './lib/listen';

/** What browsers keep alive at a time for one page, whoever of its scripts sends it. */
const KEEPALIVE_BYTES = 64 << 10;

/** The function of the Fetch specification that browsers call when the page goes, or after a while. */
type FetchLater = (url: string, init: RequestInit & { activateAfter: number }) => unknown;

/** Sends one report; leaving says that the page may not live to see the answer. */
export type Send = (body: string, leaving?: boolean) => void;

/** Size of the reports that wait for a collector that cannot take them, or cannot be reached. */
const MAX_KEPT_BYTES = 128 << 10;
/** How long a collector that asks for a pause gets one, at least and at most. */
const PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 300_000;

/**
 * Returns a Send over HTTP. Bodies are text/plain, so that no preflight comes
 * between a leaving page and its report. Content blockers and full keepalive
 * quotas make it fail silently.
 *
 * What the collector refuses for now, or does not hear, is kept and goes again:
 * after the pause that it asks for, when the browser is online again, with the
 * next report that arrives, or as the page goes. Never just because time has
 * passed: who is blocked is not to see a request fail every other minute.
 */
export function createTransport(url: string): Send {
  const { fetch, fetchLater } = globalThis as typeof globalThis & { fetchLater?: FetchLater };
  const beacon = navigator.sendBeacon.bind(navigator);

  let onTheWay = 0;
  const kept: string[] = [];
  let pauseMs = PAUSE_MS;
  let paused = false;

  const withBody = (body: string, keepalive: boolean) =>
    ({ method: 'POST', body, keepalive, activateAfter: 0, credentials: 'omit' }) as const;

  // The browser sends what is for later by itself, whatever becomes of the page, and it is no ping.
  // It may not be allowed here, or be too much at a time.
  const asItGoes = (body: string) => guard(() => fetchLater?.(url, withBody(body, true)))() || guard(beacon)(url, body);

  const byFetch = guard((body: string) => {
    const bytes = byteLength(body);
    const ended = guard((answer?: Response) => {
      onTheWay -= bytes;
      answered(body, answer?.status, answer?.headers);
    });
    // Browsers refuse what is too much, but take it from a page that stays.
    fetch(url, withBody(body, onTheWay + bytes <= KEEPALIVE_BYTES)).then(ended, ended);
    onTheWay += bytes;
    return true;
  });

  function answered(body: string, status?: number, headers?: Headers): void {
    const refused = status === 429 || status === 503;
    if (!status || refused) {
      keep(body);
    }
    if (paused) {
      return;
    }
    if (refused) {
      // As long as was asked for, and longer each time, and not as long as all others do.
      const askedMs = Number(headers?.get('retry-after')) * 1000;
      paused = true;
      setTimeout(
        guard(() => {
          paused = false;
          again();
        }),
        Math.min(Math.max(askedMs || 0, pauseMs) * (1 + Math.random() / 2), MAX_PAUSE_MS),
      );
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    } else if (status) {
      pauseMs = PAUSE_MS;
      again();
    }
  }

  function keep(body: string): void {
    if (byteLength(kept.join('') + body) <= MAX_KEPT_BYTES) {
      kept.push(body);
    }
  }

  /** Sends what was kept; its receiver compares the two clocks by when it was sent. */
  function again(by: (body: string) => unknown = byFetch): void {
    for (const body of kept.splice(0)) {
      by(body.replace(/^\[3,\d+/, `[3,${Date.now()}`)) || keep(body);
    }
  }

  listen('online', () => paused || again());
  // Not captured, so that the last reports go first. Any later the browser has given up
  // what is on its way, though it arrives.
  listen('pagehide', () => again(asItGoes), false);

  // Blockers stop requests of sendBeacon's type more often than fetches, but
  // browsers keep it alive more surely when the page goes.
  return (body, leaving) => {
    if (leaving) {
      asItGoes(body) || byFetch(body);
    } else if (paused) {
      keep(body);
    } else {
      byFetch(body) || asItGoes(body);
    }
  };
}
