import type { Settings } from './config';
import { byteLength } from './lib/byteLength';
import { newId } from './lib/newId';
import { serialize } from './lib/serialize';
import type { Send } from './transport';
import { type MaybePrerendered, startOf, type View, wallClock } from './view';
import { type Phase, WIRE_VERSION, type WireEvent } from './wire';

// Set by the build, from package.json.
declare const __SDK_VERSION__: string;

/** Browsers allow 64 KiB for all keepalive requests of a page together. */
const MAX_BODY_BYTES = 60 << 10;

/** Sends what is known of a view; with a phase, as its early or final report. */
export type Flush = (view: View, phase: Phase | undefined, leaving: boolean) => void;

/** Returns a Flush that takes sessions from session, given the wall clock, and hands bodies to send. */
export function createFlush(settings: Settings, session: (nowMs: number) => string, send: Send): Flush {
  return (view, phase, leaving) => {
    // A page that was never looked at tells nothing.
    const events = (document as MaybePrerendered).prerendering ? [] : takeEvents(view, phase);
    if (!events.length) {
      return;
    }
    const now = Date.now();
    // Traffic of a page in the background does not keep a session alive.
    if (phase || !view.sessionId || document.visibilityState === 'visible') {
      const current = session(now);
      view.sessionId ||= current;
    }
    describeDevice(view);
    const head = {
      v: WIRE_VERSION,
      sent_at_ms: now,
      source: settings.deliver ? 'synthetic' : 'rum',
      sdk: `throughline-js/${__SDK_VERSION__}`,
      release: settings.release,
      environment: settings.environment,
      session_id: view.sessionId,
      automated: navigator.webdriver === true || undefined,
      view: view.info,
    };
    for (const body of pack(serialize(head), events.map(serialize))) {
      send(body, leaving);
    }
  };
}

/** Takes all that waits in the view, the most telling first. */
function takeEvents(view: View, phase: Phase | undefined): WireEvent[] {
  const events: WireEvent[] = [];
  const transaction = view.page?.ref;
  if (phase) {
    events.push({
      id: newId(),
      at_ms: wallClock(startOf(view)),
      transaction,
      trace_id: view.traceId,
      page_view: { phase, ...view.fields },
    });
    view.fields = {};
    view.reported = true;
    view.finished ||= phase === 'final';
  }
  for (const { sinceMs, error } of view.errors.values()) {
    if (error.count) {
      events.push({ id: newId(), at_ms: wallClock(sinceMs), transaction, error: { ...error } });
      error.count = 0;
    }
  }
  return events.concat(view.events.splice(0));
}

/** Adds what is known of the device only once the page has a layout; it stays the same for the view. */
function describeDevice({ info, known }: View): void {
  if (!known.has('device')) {
    known.add('device');
    info.viewport_width_px = document.documentElement?.clientWidth || undefined;
    const { connection } = navigator as Navigator & { connection?: { effectiveType?: string } };
    info.effective_connection_type = connection?.effectiveType;
  }
}

/** Spreads events over as few bodies as the byte limit allows. */
function pack(head: string, events: string[]): string[] {
  const open = `${head.slice(0, -1)},"events":[`;
  const room = MAX_BODY_BYTES - byteLength(open) - 2;
  const bodies: string[][] = [];
  let left = 0;
  for (const event of events) {
    const size = byteLength(event) + 1;
    if (size > left) {
      bodies.push([]);
      left = room;
    }
    bodies[bodies.length - 1]?.push(event);
    left -= size;
  }
  return bodies.map((body) => `${open}${body.join()}]}`);
}
