import { byteLength } from './lib/byteLength';

/** What browsers keep alive at a time for one page, whoever of its scripts sends it. */
const KEEPALIVE_BYTES = 64 << 10;

/** Sends one report; leaving says that the page may not live to see the answer. */
export type Send = (body: string, leaving: boolean) => void;

/**
 * Returns a Send over HTTP. Bodies are text/plain, so that no preflight comes
 * between a leaving page and its report. Content blockers and full keepalive
 * quotas make it fail silently.
 */
export function createTransport(url: string): Send {
  const { fetch } = globalThis;
  const beacon = navigator.sendBeacon.bind(navigator);

  let onTheWay = 0;

  function byBeacon(body: string): boolean {
    try {
      return beacon(url, body);
    } catch {
      return false;
    }
  }

  function byFetch(body: string): boolean {
    const bytes = byteLength(body);
    // Browsers refuse what is too much, but take it from a page that stays.
    const keepalive = onTheWay + bytes <= KEEPALIVE_BYTES;
    const arrived = () => {
      onTheWay -= bytes;
    };
    try {
      fetch(url, { method: 'POST', body, keepalive, credentials: 'omit' }).then(arrived, arrived);
      onTheWay += bytes;
      return true;
    } catch {
      return false;
    }
  }

  // Blockers stop requests of sendBeacon's type more often than fetches, but
  // browsers keep it alive more surely when the page goes.
  return (body, leaving) => {
    if (leaving) {
      byBeacon(body) || byFetch(body);
    } else {
      byFetch(body) || byBeacon(body);
    }
  };
}
