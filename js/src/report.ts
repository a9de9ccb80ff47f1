import type { Identity } from './api';
import { deviceFields, viewportInfo } from './collect/device';
import { readServerTimings } from './collect/measures';
import { COMPACT_VERSION, ErrorKind, Phase, shorten, unless, writeRow } from './compact';
import type { Settings } from './config';
import { byteLength } from './lib/byteLength';
import { isHidden } from './lib/isHidden';
import { newId } from './lib/newId';
import { scrubUrl } from './scrub';
import { isSampled, type Session } from './session';
import type { TransactionRef } from './transactions';
import type { Send } from './transport';
import { Kind, type MaybePrerendered, measured, type QueuedEvent, startOf, type View } from './view';

// Set by the build, from package.json.
declare const __SDK_VERSION__: string;

/** Browsers allow 64 KiB for all keepalive requests of a page together. */
const MAX_BODY_BYTES = 60 << 10;

/** Sends what is known of a view; with a phase, as its early or final report. */
export type Flush = (view: View, phase?: Phase, leaving?: boolean) => void;

/** Returns a Flush that takes sessions from session, given the wall clock, and hands bodies to send. */
export function createFlush(settings: Settings, identity: Identity, session: Session, send: Send): Flush {
  const { sampleRate = 1, errorSampleRate = 1 } = settings.config;
  const errorRate = Math.max(sampleRate, errorSampleRate);

  return (view, phase, leaving) => {
    // A page that was never looked at tells nothing, nor one whose user has not agreed.
    if ((document as MaybePrerendered).prerendering || !identity.consent) {
      return;
    }
    let events = takeEvents(view, phase, leaving);
    if (!events.length) {
      return;
    }
    const nowMs = Date.now();
    // Traffic of a page in the background does not keep a session alive.
    if (phase || !view.sessionId || !isHidden()) {
      const current = session(nowMs);
      view.sessionId = view.sessionId || current;
    }
    if (!isSampled(view.sessionId, sampleRate)) {
      events = isSampled(view.sessionId, errorRate) ? events.filter((event) => event.row[0] === Kind.error) : [];
    }
    const startMs = startOf(view);
    const transactions = [...new Set(events.flatMap((event) => event.transaction || []))];
    const rows = events.map(({ atMs, transaction, trace_id, row: [kind, ...columns] }) =>
      writeRow([
        kind,
        unless(0, Math.max(Math.round(atMs - startMs), 0)),
        unless(0, transactions.indexOf(transaction as TransactionRef) + 1),
        trace_id,
        ...columns,
      ]),
    );
    const { info } = view;
    info.id ||= newId();
    while (rows.length) {
      const head = writeRow([
        COMPACT_VERSION,
        nowMs,
        (settings.deliver ? 1 : 0) + (navigator.webdriver === true ? 2 : 0),
        `throughline-js/${__SDK_VERSION__}`,
        settings.release,
        settings.environment,
        view.sessionId,
        identity.userId,
        view.reports++,
        1 / sampleRate,
        1 / errorRate,
        identity.attributes,
        [
          info.id,
          Math.round(performance.timeOrigin + startMs),
          scrubUrl(info.url),
          shorten(scrubUrl(info.referrer)),
          unless('navigate', info.navigation),
          info.detection,
          info.widthPx,
          info.heightPx,
          info.connection,
        ],
        transactions.map((t) => [t.name, t.instance_id, t.version]),
        // In the place of the events.
        0,
      ]);
      const body = pack(head.slice(0, -2), rows);
      view.sentBytes += byteLength(body);
      send(body, leaving);
    }
  };
}

/** Takes all that waits in the view, the most telling first. */
function takeEvents(view: View, phase?: Phase, leaving?: boolean): QueuedEvent[] {
  const events: QueuedEvent[] = [];
  const startMs = startOf(view);
  const add = (atMs: number, row: unknown[], trace_id?: string) =>
    events.push({ atMs, transaction: view.page?.ref, trace_id, row });
  // Only now, when the page has a layout, and what the server says of it is there.
  if (!view.reports) {
    Object.assign(view.info, viewportInfo());
    if (!view.beganMs) {
      readServerTimings((atMs, ...columns) => add(atMs, [Kind.measure, ...columns], view.traceId));
    }
  }
  if (phase) {
    if (!view.reported) {
      measured(view, deviceFields());
    }
    const columns = Object.assign([phase], view.fields);
    add(startMs, [Kind.page_view, ...columns], view.traceId);
    view.fields = {};
    view.reported = true;
    view.finished = view.finished || phase === Phase.final;
    for (const sum of view.loads.sums()) {
      add(startMs, [Kind.resources, ...sum]);
    }
  }
  for (const { sinceMs, error } of view.errors.values()) {
    if (error.count) {
      const { message, stack, type, count, kind } = error;
      add(sinceMs, [Kind.error, message, stack, type, unless(1, count), unless(ErrorKind.error, kind)]);
      error.count = 0;
    }
  }
  for (const { startMs, row } of view.loads.notable()) {
    add(startMs, row);
  }
  // What becomes of the last click is not known yet, if there is time to wait for it.
  const pending = leaving ? undefined : view.clicks.pending();
  for (const event of view.events.splice(0)) {
    (event.row === pending ? view.events : events).push(event);
  }
  return events;
}

/** Takes as many rows of events into a body as the byte limit allows, one at least. */
function pack(head: string, rows: string[]): string {
  let room = MAX_BODY_BYTES - byteLength(head);
  let count = 0;
  do {
    room -= byteLength(rows[count++] as string) + 1;
  } while (count < rows.length && room > byteLength(rows[count] as string) + 4);
  return `${head}[${rows.splice(0, count).join()}]]`;
}
