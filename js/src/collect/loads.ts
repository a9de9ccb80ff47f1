import { roundMs } from '../lib/roundMs';
import { URL } from '../lib/url';
import type { FinishedRequest } from './requests';

/** So many resources are told in full: those that failed, and the slowest, if they took so long. */
const MAX_NOTABLE = 5;
const SLOW_MS = 250;
/** Types and hosts that are told apart. */
const MAX_KINDS = 50;

/** The columns of a sum: of what, how many of them, failed and cached, bytes, milliseconds of all and of the slowest. */
type Sum = [
  type: string,
  host: string | undefined,
  count: number,
  failed: number,
  cached: number,
  sizeBytes: number,
  sumMs: number,
  longestMs: number,
];

/** What one view loads, but for fetch and XMLHttpRequest. */
export interface Loads {
  take(entry: PerformanceResourceTiming, request: FinishedRequest): void;
  /** Sums up what came since the last time, by type and host. */
  sums(): Sum[];
  /** Those that failed, and the slowest, since the last time. */
  notable(): FinishedRequest[];
}

/** Begins to sum up what a view loads. */
export function createLoads(): Loads {
  let sums = new Map<string, Sum>();
  let worst: [badness: number, request: FinishedRequest][] = [];

  return {
    take({ initiatorType, name, duration, transferSize, decodedBodySize, responseStatus }, request) {
      const { host } = new URL(name);
      const bad = responseStatus >= 400;
      const key = initiatorType + host;
      let sum = sums.get(key);
      if (!sum && sums.size < MAX_KINDS) {
        sum = [initiatorType, host === location.host ? undefined : host, 0, 0, 0, 0, 0, 0];
        sums.set(key, sum);
      }
      if (sum) {
        sum[2]++;
        sum[3] += bad ? 1 : 0;
        sum[4] += !transferSize && decodedBodySize ? 1 : 0;
        sum[5] += transferSize;
        sum[6] = roundMs(sum[6] + duration);
        sum[7] = Math.max(sum[7], roundMs(duration));
      }
      if (bad || duration >= SLOW_MS) {
        worst.push([bad ? Number.POSITIVE_INFINITY : duration, request]);
        worst = worst.sort((a, b) => b[0] - a[0]).slice(0, MAX_NOTABLE);
      }
    },
    sums() {
      const all = [...sums.values()];
      sums = new Map();
      return all;
    },
    notable() {
      return worst.splice(0).map(([, request]) => request);
    },
  };
}
