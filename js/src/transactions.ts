import { Outcome } from './compact';
import type { TransactionConfig } from './config';
import { newId } from './lib/newId';
import { type Span, unionLength } from './lib/unionLength';

/** How long after its load a page may wait for requests that began before. */
export const SETTLE_MS = 10_000;

/** Requests of one page that are kept for its wait. */
export const MAX_SPANS = 500;

/** A business transaction of one step, ready to match. */
export interface Definition {
  name: string;
  version: string;
  page?: RegExp;
  path?: RegExp;
  /** Upper case; undefined for any. */
  method?: string;
}

/** An attempt at a transaction; one that a request is has no id of its own. */
export type TransactionRef = Pick<Definition, 'name' | 'version'> & { instance_id?: string };

/** How an attempt ended. */
export interface TransactionDone {
  outcome: Outcome;
  reason?: string;
  durationMs: number;
  waitMs: number;
}

/** The attempt at a business transaction that a page view is. */
export interface PageTransaction {
  ref: TransactionRef;
  /** Finished requests of the view, on the performance clock. */
  spans: Span[];
  done: boolean;
}

/** What is known of a page when its transaction is judged; times on the performance clock. */
export interface PageState {
  startMs: number;
  nowMs: number;
  /** End of the load event; 0 before. */
  loadedMs: number;
  /** Document's HTTP status; 0 if unknown. */
  status: number;
  /** When the requests that still run began, as far as known. */
  openMs: number[];
  /** Whether the user left; a page that is merely hidden goes on. */
  gone?: boolean;
}

/** Makes definitions ready; the broken ones are left out. */
export function compile(configs: TransactionConfig[] = []): Definition[] {
  const definitions: Definition[] = [];
  for (const { page, request, ...named } of configs) {
    try {
      definitions.push({
        ...named,
        page: page ? new RegExp(page) : undefined,
        path: __FULL__ && request ? new RegExp(request.path) : undefined,
        method: request?.method,
      });
    } catch {
      // Not a regular expression in this browser.
    }
  }
  return definitions;
}

/** Returns the first definition that a page with this path is. */
export function matchPage(definitions: Definition[], path: string): Definition | undefined {
  return definitions.find((d) => d.page?.test(path));
}

/** Returns the first definition that a request is; method is '' if unknown. */
export function matchRequest(definitions: Definition[], method: string, path: string): Definition | undefined {
  return definitions.find((d) => d.path?.test(path) && (!d.method || d.method === method));
}

/** Begins the attempt that a page view is. */
export function beginPage(definition: Definition): PageTransaction {
  return { ref: { ...definition, instance_id: newId() }, spans: [], done: false };
}

/**
 * Judges the attempt that a page view is: it ends when the page has loaded and the
 * requests that began before have ended. Since these may run unseen it goes on, and
 * undefined returns, until the user leaves or SETTLE_MS after the load. What runs for
 * longer is taken for a long poll, for which nobody waits.
 */
export function settlePage(page: PageTransaction, state: PageState): TransactionDone | undefined {
  const { startMs, nowMs, loadedMs, gone } = state;
  if (page.done) {
    return undefined;
  }
  if (!loadedMs) {
    return gone ? finish(page, Outcome.abandoned, nowMs - startMs, nowMs - startMs) : undefined;
  }
  const early = nowMs < loadedMs + SETTLE_MS;
  if (early && !gone) {
    return undefined;
  }
  const spans: Span[] = [[startMs, Math.max(startMs, loadedMs)]];
  for (const [from, to] of page.spans) {
    if (from < loadedMs && to <= loadedMs + SETTLE_MS) {
      spans.push([Math.max(from, startMs), to]);
    }
  }
  if (__FULL__ && early) {
    for (const begunMs of state.openMs) {
      if (begunMs < loadedMs) {
        spans.push([Math.max(begunMs, startMs), nowMs]);
      }
    }
  }
  const failed = state.status >= 400;
  const endMs = Math.max(...spans.map((span) => span[1]));
  const done = finish(page, failed ? Outcome.failed : Outcome.completed, endMs - startMs, unionLength(spans));
  return failed ? { ...done, reason: `status ${state.status}` } : done;
}

/** Requests that begin so soon after one another belong together. */
const PAUSE_MS = 100;

/**
 * Returns when the last of the requests ended that follow, one upon the other, from a
 * moment on; 0 if one of them still runs. One that runs for longer than SETTLE_MS is
 * taken for a long poll.
 */
export function quietAfter(spans: Span[], openMs: number[], fromMs: number, nowMs: number): number {
  const running = __FULL__
    ? openMs.filter((ms) => ms >= fromMs && nowMs - ms < SETTLE_MS).map((ms): Span => [ms, Infinity])
    : [];
  let reachedMs = fromMs;
  for (const [from, to] of spans.concat(running).sort((a, b) => a[0] - b[0])) {
    reachedMs = from <= reachedMs + PAUSE_MS ? Math.max(reachedMs, to) : reachedMs;
  }
  return reachedMs < Infinity ? reachedMs : 0;
}

function finish(page: PageTransaction, outcome: Outcome, durationMs: number, waitMs: number): TransactionDone {
  page.done = true;
  page.spans = [];
  return { outcome, durationMs, waitMs };
}
