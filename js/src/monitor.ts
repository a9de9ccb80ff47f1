import { collectConsole } from './collect/console';
import { collectErrors, countError } from './collect/errors';
import { navigationFields } from './collect/navigation';
import type { OpenRequest } from './collect/notes';
import { collectRequests, type FinishedRequest, type Requests } from './collect/requests';
import { collectViolations } from './collect/violations';
import { collectVitals, type Vital } from './collect/vitals';
import type { Settings } from './config';
import { guard } from './lib/guard';
import { navigationEntry } from './lib/navigationEntry';
import { roundMs } from './lib/roundMs';
import { traceId } from './lib/traceId';
import { type Turns, watchLifecycle } from './lifecycle';
import { createQueue } from './queue';
import { createFlush, type Flush } from './report';
import { createSession } from './session';
import {
  addSpan,
  beginPage,
  compile,
  type Definition,
  judgeRequest,
  matchPage,
  matchRequest,
  newInstance,
  SETTLE_MS,
  settlePage,
} from './transactions';
import { createTransport } from './transport';
import { addEvent, createView, measured, startOf, type View } from './view';
import type { PageError } from './wire';

/** What the parts of a running beacon share. */
interface Monitor {
  definitions: Definition[];
  flush: Flush;
  /** Sees that what joined a view's queue is sent in time. */
  queued(view: View): void;
  requests: Requests;
  vitals: Vital;
  /** Whether every request of the page is known while it runs. */
  seesAll: boolean;
  view: View;
  /** The view before the last return from the back/forward cache. */
  previous: View;
}

/** Measures the page for as long as it lives. */
export function startMonitor(settings: Settings): void {
  const injected = !!settings.deliver;
  const definitions = compile(settings.transactions);
  // Only request transactions need to know of requests what the browser does not tell.
  const matters = definitions.some((d) => d.path)
    ? ({ method, path }: OpenRequest) => !!matchRequest(definitions, method, path)
    : undefined;
  const send = settings.deliver || createTransport(settings.collectUrl as string);
  const flush = createFlush(
    settings,
    createSession(() => localStorage),
    send,
  );
  const view = beginView(definitions, 0);
  const monitor: Monitor = {
    definitions,
    flush,
    queued: createQueue(flush),
    requests: collectRequests((request) => addRequest(monitor, request), settings.ownUrl, matters),
    vitals: collectVitals(),
    // Requests that began before fetch and XMLHttpRequest were replaced are not known while they run.
    seesAll: !!matters && document.scripts.length < 2,
    view,
    previous: view,
  };
  const found = (error: PageError, atMs = performance.now()) => {
    countError(monitor.view.errors, error, atMs);
    monitor.queued(monitor.view);
  };
  collectErrors(found);
  if (settings.consoleErrors) {
    guard(collectConsole)(found);
  }
  collectViolations(found, settings.ownUrl);
  watchLifecycle(injected, turnsOf(monitor));
}

function turnsOf(monitor: Monitor): Turns {
  const { flush } = monitor;
  return {
    loaded() {
      const { view, vitals } = monitor;
      gather(monitor, false, false);
      if (!view.reported) {
        const { fcp_ms } = vitals.read();
        measured(view, { fcp_ms });
        flush(view, 'early', false);
      }
      setTimeout(guard(gather), SETTLE_MS, monitor, false, false);
    },
    hidden(gone) {
      const { view, previous } = monitor;
      gather(monitor, true, gone);
      if (!view.finished) {
        measured(view, monitor.vitals.read());
        measured(view, { duration_ms: roundMs(performance.now() - startOf(view)) });
      }
      if (previous !== view) {
        flush(previous, undefined, true);
      }
      flush(view, view.finished ? undefined : 'final', true);
    },
    restored(atMs) {
      monitor.vitals.restored(atMs);
      monitor.previous = monitor.view;
      monitor.view = beginView(monitor.definitions, atMs);
      measured(monitor.view, { ttfb_ms: 0 });
    },
  };
}

function beginView(definitions: Definition[], restoredMs: number): View {
  const view = createView(restoredMs);
  const definition = matchPage(definitions, location.pathname);
  view.page = definition && beginPage(definition);
  return view;
}

/** Files a finished request under the view in which it began. */
function addRequest(monitor: Monitor, { startMs, endMs, timing, path, traceId: trace_id }: FinishedRequest): void {
  const view = startMs < startOf(monitor.view) ? monitor.previous : monitor.view;
  const definition = matchRequest(monitor.definitions, timing.method || '', path);
  const transaction = definition && newInstance(definition);
  addEvent(view, startMs, { trace_id, request: timing }, transaction);
  if (transaction) {
    const transaction_done = judgeRequest(endMs - startMs, timing.status_code || 0, timing.failure);
    addEvent(view, startMs, { trace_id, transaction_done }, transaction);
  }
  if (view.page) {
    addSpan(view.page, [startMs, endMs]);
  }
  monitor.queued(view);
  // It may be the last one that the page's transaction waited for.
  if (view.reported) {
    judgePage(monitor, false);
  }
}

/** Takes in what the browser knows by now. */
function gather(monitor: Monitor, leaving: boolean, gone: boolean): void {
  const { view } = monitor;
  monitor.requests.drain(leaving, gone);
  if (!view.finished && !view.restoredMs) {
    measured(view, navigationFields());
    view.traceId = traceId(navigationEntry());
  }
  // Who switches tabs may come back: what the page is goes on.
  judgePage(monitor, gone);
}

function judgePage({ view, requests, seesAll, queued }: Monitor, gone: boolean): void {
  const entry = navigationEntry();
  const { page, restoredMs } = view;
  const done =
    page &&
    settlePage(page, {
      startMs: startOf(view),
      nowMs: performance.now(),
      // What comes back from the cache is there at once.
      loadedMs: restoredMs || entry?.loadEventEnd || 0,
      status: (!restoredMs && entry?.responseStatus) || 0,
      openMs: requests.open().map((request) => request.startMs),
      allKnown: seesAll || restoredMs > 0,
      gone,
    });
  if (done) {
    addEvent(view, startOf(view), { trace_id: view.traceId, transaction_done: done });
    queued(view);
  }
}
