import { type Identity, offerApi } from './api';
import { createClicks } from './collect/clicks';
import { collectConsole } from './collect/console';
import { collectErrors, countError, type Found } from './collect/errors';
import type { LongFrame } from './collect/frames';
import { createLoads } from './collect/loads';
import { collectMeasures } from './collect/measures';
import { navigationFields } from './collect/navigation';
import type { SoftNavigation } from './collect/paints';
import { collectRequests, type FinishedRequest, type Requests } from './collect/requests';
import { createScrolling } from './collect/scrolling';
import { collectViolations } from './collect/violations';
import { createVitals, observeVitals } from './collect/vitals';
import { Abandonment, ActionKind, Came, Col, Detection, Failure, Outcome, Phase, unless } from './compact';
import type { Settings } from './config';
import { guard, spent } from './lib/guard';
import { listen } from './lib/listen';
import { navigationEntry } from './lib/navigationEntry';
import { now } from './lib/now';
import { roundMs } from './lib/roundMs';
import { traceId } from './lib/traceId';
import { type Turns, watchLifecycle } from './lifecycle';
import { createQueue, HOLD_MS } from './queue';
import { createFlush, type Flush } from './report';
import { watchRoutes } from './routes';
import { createSession } from './session';
import {
  beginPage,
  compile,
  type Definition,
  MAX_SPANS,
  matchPage,
  matchRequest,
  quietAfter,
  SETTLE_MS,
  settlePage,
} from './transactions';
import { createTransport } from './transport';
import { addEvent, createView, Kind, measured, startOf, type View } from './view';
import { type Visibility, watchVisibility } from './visibility';

/** How long after its end a view waits for what the browser tells late of it, such as its last interaction. */
const LATE_MS = 1_000;
/** What happens to a page that does something, within or without its document. */
const ANSWERS = 'scroll blur input change reset toggle beforeunload';

/** What the parts of a running beacon share. */
interface Monitor {
  definitions: Definition[];
  flush: Flush;
  /** Sees that what joined a view's queue is sent in time. */
  queued(view: View): void;
  requests: Requests;
  visibility: Visibility;
  /** Takes in what the browser has measured and not delivered yet. */
  drainVitals(): void;
  current: View;
  /** The view before it; the same if there was none. */
  previous: View;
  recentFrames: LongFrame[];
  /** Whether the user is gone, as far as is known. */
  gone?: boolean;
}

/** Measures the page for as long as it lives. */
export function startMonitor(settings: Settings, begunMs: number): void {
  const { deliver, config, collectUrl } = settings;
  const definitions = compile(config.transactions);
  const identity: Identity = { consent: !config.consent };
  const session = createSession(() => localStorage);
  const flush = createFlush(settings, identity, session, deliver || createTransport(settings.collectUrl as string));
  const visibility = watchVisibility();
  const recentFrames: LongFrame[] = [];
  const view = beginView({ definitions, visibility, recentFrames });
  const monitor: Monitor = {
    definitions,
    recentFrames,
    flush,
    queued: createQueue(flush),
    requests: collectRequests(
      (request) => addRequest(monitor, request),
      (entry, request) => {
        const { loads, clicks } = viewAt(monitor, entry.startTime);
        loads.take(entry, request);
        clicks.answered();
      },
      collectUrl,
      ({ method, path }) => matchRequest(definitions, method, path),
      config.traceOrigins,
    ),
    visibility,
    drainVitals: observeVitals(
      view.vitals,
      ({ startTime, entryType }) => viewAt(monitor, startTime, entryType === 'interaction-contentful-paint').vitals,
      () => monitor.current.vitals,
    ),
    current: view,
    previous: view,
  };
  const found = (error: Found, atMs = now()) => {
    const { current: view } = monitor;
    countError(view.errors, error, atMs);
    view.clicks.answered(true);
    monitor.queued(view);
  };
  collectErrors(found);
  if (config.consoleErrors) {
    collectConsole(found);
  }
  collectViolations(found, collectUrl);
  collectMeasures(
    (atMs, ...columns) => add(monitor, viewAt(monitor, atMs), atMs, [Kind.measure, ...columns]),
    (ms) => startOf(viewAt(monitor, ms)),
    config.userTiming ? new RegExp(config.userTiming) : undefined,
  );
  collectActions(monitor);
  const turns = turnsOf(monitor);
  watchLifecycle(!!deliver, turns);
  watchRoutes({
    turned: (atMs, byUser) => turnTo(monitor, atMs, byUser ? Detection.heuristic : undefined),
    confirmed: (entry) => confirm(monitor, entry),
  });
  offerApi({
    identity,
    event: (name, attributes) =>
      add(monitor, monitor.current, now(), [
        Kind.action,
        name,
        undefined,
        ActionKind.event,
        undefined,
        undefined,
        attributes,
      ]),
    error: found,
    view: () => turnTo(monitor, now(), Detection.manual),
    decided() {
      if (!identity.consent) {
        session();
      } else if (document.readyState === 'complete') {
        turns.loaded();
      }
    },
  });
  measured(view, { [Col.beacon_init_ms]: roundMs(now() - begunMs) });
}

/**
 * Returns the view in which something began. What began with the click that brought a view about is of
 * the one before, unless it comes with the view.
 */
function viewAt({ current, previous }: Monitor, ms: number, comesWithView?: boolean): View {
  const { beganMs } = current;
  return ms > beganMs || (comesWithView && ms >= beganMs) ? current : previous;
}

function add(monitor: Monitor, view: View, atMs: number, row: unknown[]): void {
  addEvent(view, atMs, row);
  monitor.queued(view);
}

function collectActions(monitor: Monitor): void {
  listen('click', (event) => {
    const { current: view } = monitor;
    const row = view.clicks.take(event);
    if (row) {
      add(monitor, view, event.timeStamp, row);
    }
  });
  listen(ANSWERS, () => {
    const { clicks, scrolling } = monitor.current;
    clicks.answered();
    scrolling.look();
  });
}

function turnsOf(monitor: Monitor): Turns {
  const { visibility } = monitor;
  return {
    loaded() {
      if (monitor.current.info.navigation !== Came.soft) {
        tellEarly(monitor);
      }
    },
    hidden(gone) {
      const { current: view, previous } = monitor;
      gather(monitor, true, gone);
      if (previous !== view) {
        finish(monitor, previous, true);
      }
      const shownMs = visibility.shownMs();
      if (view.finished && shownMs > (view.endedMs as number) && shownMs < now()) {
        addState(view, 'hidden', view.endedMs as number, shownMs);
        addState(view, 'visible', shownMs, now());
        view.endedMs = now();
      }
      finish(monitor, view, true);
    },
    frozen: (fromMs, toMs) => addState(monitor.current, 'frozen', fromMs, toMs),
    restored(atMs) {
      const view = switchTo(monitor, atMs, Came.back_forward_cache);
      view.vitals.restored();
      measured(view, { [Col.ttfb_ms]: 0 });
    },
  };
}

/** Sends the early report of the view, if it has none yet. */
function tellEarly(monitor: Monitor): void {
  gather(monitor);
  const { current: view, flush } = monitor;
  if (!view.reported) {
    const { [Col.fcp_ms]: fcp } = view.vitals.read();
    measured(view, { [Col.fcp_ms]: fcp });
    flush(view, Phase.early);
  }
  setTimeout(guard(gather), SETTLE_MS, monitor);
}

/** Tells that the page was in a state, behind its final report. */
function addState(view: View, name: string, fromMs: number, toMs: number): void {
  addEvent(view, fromMs, [Kind.action, name, undefined, ActionKind.page_state, undefined, roundMs(toMs - fromMs)]);
}

/** Sends what is known of a view, its final report if that is not out. */
function finish({ flush, visibility, drainVitals }: Monitor, view: View, leaving?: boolean): void {
  if (view.finished) {
    flush(view, undefined, leaving);
    return;
  }
  drainVitals();
  view.endedMs ??= now();
  const endMs = view.endedMs;
  const startMs = startOf(view);
  measured(view, view.vitals.read());
  const shownMs = Math.max(visibility.shownMs(), startMs);
  const loading = !view.beganMs && !navigationEntry()?.loadEventEnd;
  measured(view, {
    [Col.duration_ms]: roundMs(endMs - startMs),
    [Col.visible_ms]: roundMs(endMs - shownMs),
    [Col.scroll_depth]: view.scrolling.depth(),
    [Col.beacon_handler_ms]: roundMs(spent.totalMs),
    [Col.beacon_sent_bytes]: view.sentBytes,
    [Col.abandoned]:
      !loading || shownMs > endMs
        ? undefined
        : view.known.has(`${Col.fcp_ms}`)
          ? Abandonment.before_lcp
          : Abandonment.before_first_paint,
  });
  flush(view, Phase.final, leaving);
}

function beginView(
  { definitions, visibility, recentFrames }: Pick<Monitor, 'definitions' | 'visibility' | 'recentFrames'>,
  beganMs?: number,
  navigation?: Came,
  detection?: Detection,
): View {
  const view = createView(
    (start) => ({
      vitals: createVitals(start, visibility, recentFrames),
      loads: createLoads(),
      clicks: createClicks(),
      scrolling: createScrolling(),
    }),
    beganMs,
    navigation,
    detection,
  );
  const definition = matchPage(definitions, location.pathname);
  view.page = definition && beginPage(definition);
  return view;
}

/** Ends the view, and begins the next one. */
function switchTo(monitor: Monitor, atMs: number, navigation: Came, detection?: Detection): View {
  const { current: view, previous } = monitor;
  if (previous !== view) {
    finish(monitor, previous);
  }
  monitor.previous = view;
  monitor.current = beginView(monitor, atMs, navigation, detection);
  return monitor.current;
}

/** The path has changed, or the page says that it is another. */
function turnTo(monitor: Monitor, atMs: number, detection: Detection | undefined): void {
  const { current: view } = monitor;
  view.clicks.answered();
  if (!detection && !view.reported && !view.beganMs) {
    // The page puts its address right before anybody has done anything: the view is of where that led.
    const { info, page } = beginView(monitor);
    view.info.url = info.url;
    view.page ||= page;
    return;
  }
  // Requests go on, but what the page was is over.
  gather(monitor);
  judgePage(monitor, true);
  view.endedMs = atMs;
  const next = switchTo(monitor, atMs, Came.soft, detection || Detection.heuristic);
  next.turnedMs = now();
  takeOver(view, next);
  setTimeout(guard(finish), LATE_MS, monitor, view);
  // Nobody waits for the early report of a route, but who stays is not to be lost with the tab.
  setTimeout(
    guard(() => monitor.current === next && tellEarly(monitor)),
    HOLD_MS,
  );
}

/** Files under a view what was filed under the one before, and turns out to have begun in it. */
function takeOver(before: View, view: View): void {
  for (const event of before.events.splice(0)) {
    const later = event.atMs > view.beganMs;
    if (later && event.transaction === before.page?.ref) {
      event.transaction = view.page?.ref;
    }
    (later ? view : before).events.push(event);
  }
}

/** Takes in what the browser says of a soft navigation. */
function confirm(monitor: Monitor, entry: SoftNavigation): void {
  const { current: view } = monitor;
  const { startTime } = entry;
  if (view.info.detection === Detection.heuristic && !view.reported && Math.abs(startTime - view.beganMs) < LATE_MS) {
    view.info.detection = Detection.native;
    view.beganMs = startTime;
    view.vitals.navigated(entry);
  }
}

/** Files a finished request under the view in which it began. */
function addRequest(monitor: Monitor, request: FinishedRequest): void {
  const { startMs, endMs, method, path, failure, row } = request;
  const view = viewAt(monitor, startMs);
  view.clicks.answered();
  addEvent(
    view,
    startMs,
    row,
    request.traceId,
    __FULL__ ? matchRequest(monitor.definitions, method || '', path as string) : undefined,
  );
  const { page } = view;
  if (page && page.spans.length < MAX_SPANS) {
    // What a route had still to get when it was left has no end.
    const left = __FULL__ && monitor.gone && view.beganMs && failure === Failure.aborted;
    page.spans.push([startMs, left ? Number.POSITIVE_INFINITY : endMs]);
  }
  monitor.queued(view);
  // It may be the last one that the page's transaction waited for.
  if (view.reported) {
    judgePage(monitor);
  }
}

/** Takes in what the browser knows by now. */
function gather(monitor: Monitor, leaving?: boolean, gone?: boolean): void {
  const { current: view } = monitor;
  monitor.gone = gone;
  monitor.requests.drain(leaving, gone);
  monitor.drainVitals();
  if (!view.finished && !view.beganMs) {
    measured(view, navigationFields());
    view.traceId = traceId(navigationEntry());
  }
  // Who switches tabs may come back: what the page is goes on.
  judgePage(monitor, gone);
}

function judgePage({ current: view, requests, queued }: Monitor, gone?: boolean): void {
  const entry = navigationEntry();
  const { page, beganMs } = view;
  const nowMs = now();
  const openMs = requests.openMs();
  const done =
    page &&
    settlePage(page, {
      startMs: startOf(view),
      nowMs,
      // What comes back from the cache is there at once, a route when what it asks for is.
      loadedMs: beganMs
        ? view.info.navigation === Came.back_forward_cache
          ? beganMs
          : quietAfter(page.spans, openMs, view.turnedMs as number, nowMs)
        : entry?.loadEventEnd || 0,
      status: (!beganMs && entry?.responseStatus) || 0,
      openMs,
      gone,
    });
  if (done) {
    const durationMs = roundMs(done.durationMs);
    addEvent(
      view,
      startOf(view),
      [
        Kind.transaction_done,
        durationMs,
        Math.min(roundMs(done.waitMs), durationMs),
        unless(Outcome.completed, done.outcome),
        done.reason,
      ],
      view.traceId,
    );
    queued(view);
  }
}
