// The wire contract as beacon/validate.go has it, so that what the beacon sends
// is held to the same fixtures as what the collector accepts.

/** Why something is not accepted, and where: index is -1 for the report itself. */
export interface Refusal {
  index: number;
  field: string;
  reason: string;
}

type Json = Record<string, unknown>;
/** Says what is wrong with a value that is there, or with undefined. */
type Rule = (value: unknown) => string | undefined;
type Rules = Record<string, Rule>;

const MAX_NAME_BYTES = 200;
const MAX_URL_BYTES = 2048;
const MAX_MS = 4 * 3_600_000;
const MAX_EVENTS = 500;

const bytes = (text: string) => new TextEncoder().encode(text).length;
const typed =
  (type: string, rule: (value: never) => string | undefined): Rule =>
  (value) =>
    typeof value === type ? rule(value as never) : 'malformed';
const optional =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined || value === '' ? undefined : rule(value);
const required =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined || value === '' ? 'missing' : rule(value);

const hex = (length: number) =>
  typed('string', (v: string) => (new RegExp(`^[0-9a-f]{${length}}$`).test(v) ? undefined : 'invalid'));
const name = typed('string', (v: string) => (bytes(v) > MAX_NAME_BYTES ? 'too_long' : undefined));
const MAX_WORD_BYTES = 32;
const word = typed('string', (v: string) =>
  bytes(v) > MAX_WORD_BYTES ? 'too_long' : /^[A-Za-z_-]*$/.test(v) ? undefined : 'invalid',
);
const MAX_CODE_BYTES = 64;
const code = typed('string', (v: string) =>
  bytes(v) > MAX_CODE_BYTES ? 'too_long' : /^[A-Za-z0-9._-]*$/.test(v) ? undefined : 'invalid',
);
const text = typed('string', () => undefined);
const url = typed('string', (v: string) => {
  if (bytes(v) > MAX_URL_BYTES) {
    return 'too_long';
  }
  return /^https?:\/\/[^/?#]+/.test(v) ? undefined : 'invalid';
});
const within = (least: number, most: number) =>
  typed('number', (v: number) => (v >= least && v <= most ? undefined : 'out_of_range'));
const oneOf = (...words: string[]) => typed('string', (v: string) => (words.includes(v) ? undefined : 'invalid'));

const id = required(hex(16));
const instant = required(within(1, Number.MAX_SAFE_INTEGER));
const ms = optional(within(0, MAX_MS));
const duration = required(within(0, MAX_MS));
const size = optional(within(0, 2 ** 40));
const status = optional(within(0, 999));

const MAX_ATTRIBUTES = 20;
const attributes = typed('object', (v: Json) => {
  const values = Object.values(v);
  return values.length > MAX_ATTRIBUTES
    ? 'too_many'
    : values.some((value) => typeof value !== 'string')
      ? 'malformed'
      : '' in v
        ? 'missing'
        : undefined;
});

const initiator = required((v) => word(v) ?? (v === 'nel' ? 'invalid' : undefined));

const preferences = typed('string', (v: string) =>
  v.split(',').every((p) => ['reduced_motion', 'more_contrast', 'dark', 'save_data'].includes(p))
    ? undefined
    : 'invalid',
);

const runOutcome = required(oneOf('passed', 'failed', 'agent_error', 'skipped'));

const report: Rules = {
  v: (v) => (v === 1 ? undefined : 'unknown_version'),
  sent_at_ms: instant,
  source: required(oneOf('rum', 'synthetic')),
  sdk: optional(name),
  release: optional(name),
  environment: optional(name),
  automated: optional(typed('boolean', () => undefined)),
  sequence: optional(within(0, 65_535)),
  sample_weight: optional(within(0, 1_000_000)),
  error_weight: optional(within(0, 1_000_000)),
  user_id: optional(text),
  attributes: optional(attributes),
};

const view: Rules = {
  id,
  url: required(url),
  referrer: optional(url),
  navigation: required(
    oneOf('navigate', 'reload', 'back_forward', 'prerender', 'back_forward_cache', 'soft', 'restore'),
  ),
  navigation_detection: optional(oneOf('native', 'heuristic', 'manual')),
  viewport_width_px: optional(within(0, 65_535)),
  viewport_height_px: optional(within(0, 65_535)),
  effective_connection_type: optional(oneOf('slow-2g', '2g', '3g', '4g')),
};

const times = `redirect dns tcp tls request download dom_interactive dom_content_loaded load ttfb fcp lcp inp
  lcp_resource_load_delay lcp_resource_load_duration lcp_element_render_delay inp_input_delay
  inp_processing_duration inp_presentation_delay inp_script blocking duration visible rtt beacon_init beacon_handler`;

const payloads: Record<string, Rules> = {
  page_view: {
    phase: required(oneOf('early', 'final')),
    ...Object.fromEntries(times.split(/\s+/).map((field) => [`${field}_ms`, ms])),
    cls: optional(within(0, 1000)),
    transfer_size_bytes: size,
    status_code: status,
    lcp_url: optional(url),
    lcp_element: optional(text),
    inp_element: optional(text),
    cls_element: optional(text),
    inp_script_url: optional(url),
    inp_script_invoker: optional(text),
    long_frames: optional(within(0, 65_535)),
    abandoned: optional(oneOf('before_first_paint', 'before_lcp')),
    scroll_depth: optional(within(0, 1)),
    device_memory_gb: optional(within(0, 65_536)),
    cpu_cores: optional(within(0, 65_535)),
    device_pixel_ratio: optional(within(0, 100)),
    downlink_mbps: optional(within(0, 1_000_000)),
    preferences: optional(preferences),
    beacon_sent_bytes: size,
  },
  request: {
    method: optional(word),
    url: required(url),
    initiator,
    status_code: status,
    failure: optional(oneOf('network', 'aborted', 'timeout')),
    error: optional(code),
    duration_ms: duration,
    request_ms: ms,
    transfer_size_bytes: size,
  },
  error: {
    kind: required(oneOf('error', 'unhandledrejection', 'resource', 'csp-violation', 'console')),
    type: optional(name),
    message: optional(text),
    stack: optional(text),
    count: required(within(1, 1_000_000)),
  },
  transaction_done: {
    outcome: required(oneOf('completed', 'failed', 'abandoned', 'timed_out', 'unknown')),
    reason: optional(name),
    duration_ms: duration,
    wait_ms: duration,
  },
  action: {
    kind: required(oneOf('click', 'rage_click', 'dead_click', 'error_click', 'event', 'page_state')),
    name: required(text),
    target: optional(text),
    count: required(within(1, 65_535)),
    duration_ms: ms,
    attributes: optional(attributes),
  },
  measure: {
    kind: required(oneOf('mark', 'measure', 'element', 'server_timing')),
    name: required(text),
    duration_ms: duration,
    detail: optional(text),
  },
  resources: {
    type: initiator,
    host: optional(text),
    count: required(within(1, 65_535)),
    failed: optional(within(0, 65_535)),
    cached: optional(within(0, 65_535)),
    transfer_size_bytes: size,
    duration_ms: required(within(0, MAX_MS * 65_535)),
    longest_ms: duration,
  },
  journey_run: { outcome: runOutcome, slot_at_ms: instant, steps: required(within(0, 1000)) },
  journey_step: { index: required(within(0, 1000)), name: required(name), type: required(word), outcome: runOutcome },
};

function apply(rules: Rules, value: Json, path = ''): Omit<Refusal, 'index'> | undefined {
  for (const [field, rule] of Object.entries(rules)) {
    const reason = rule(value[field]);
    if (reason) {
      return { field: path + field, reason };
    }
  }
  return undefined;
}

/** Returns why the report as a whole, or else its first bad event, is not accepted; undefined if it is. */
export function refusal(r: Json): Refusal | undefined {
  const whole = apply(report, r) ?? refuseParts(r);
  if (whole) {
    return { index: -1, ...whole };
  }
  for (const [index, event] of (r.events as Json[]).entries()) {
    const bad = index >= MAX_EVENTS ? { field: '', reason: 'too_many' } : refuseEvent(event, r);
    if (bad) {
      return { index, ...bad };
    }
  }
  return undefined;
}

function refuseParts(r: Json): Omit<Refusal, 'index'> | undefined {
  const { view: v, journey, session_id, source, events } = r;
  if (v !== undefined && typeof v !== 'object') {
    return { field: 'view', reason: 'malformed' };
  }
  if (session_id || v) {
    const reason = id(session_id);
    if (reason) {
      return { field: 'session_id', reason };
    }
  }
  const { navigation, navigation_detection } = (v || {}) as Json;
  const bad =
    v &&
    (apply(view, v as Json, 'view.') ??
      (navigation_detection && navigation !== 'soft'
        ? { field: 'view.navigation_detection', reason: 'invalid' }
        : undefined));
  if (bad) {
    return bad;
  }
  if (source === 'synthetic' && !journey) {
    return { field: 'journey', reason: 'missing' };
  }
  if (source === 'rum' && journey) {
    return { field: 'journey', reason: 'invalid' };
  }
  return (events as Json[]).length ? undefined : { field: 'events', reason: 'missing' };
}

function refuseEvent(event: Json, r: Json): Omit<Refusal, 'index'> | undefined {
  const transaction = event.transaction as Json | undefined;
  const bad =
    apply({ id, at_ms: instant, trace_id: optional(hex(32)) }, event) ??
    (transaction &&
      apply(
        { name: required(name), instance_id: id, version: (r.source === 'synthetic' ? optional : required)(name) },
        transaction,
        'transaction.',
      ));
  if (bad) {
    return bad;
  }
  const kinds = Object.keys(payloads).filter((kind) => event[kind] !== undefined);
  const kind = kinds[0];
  if (!kind || kinds.length > 1) {
    return { field: '', reason: kind ? 'invalid' : 'missing' };
  }
  const ofRun = kind === 'transaction_done' && r.journey;
  if (kind.startsWith('journey') ? r.source !== 'synthetic' : !(r.view || ofRun)) {
    return { field: '', reason: 'invalid' };
  }
  const payload = event[kind] as Json;
  const inside = apply(payloads[kind] as Rules, payload, `${kind}.`);
  if (inside) {
    return inside;
  }
  if (kind === 'transaction_done' && !transaction) {
    return { field: 'transaction', reason: 'missing' };
  }
  if (kind === 'transaction_done' && (payload.wait_ms as number) > (payload.duration_ms as number)) {
    return { field: 'transaction_done.wait_ms', reason: 'out_of_range' };
  }
  if (kind === 'resources' && (payload.failed as number) > (payload.count as number)) {
    return { field: 'resources.failed', reason: 'out_of_range' };
  }
  if (kind === 'journey_run' && (payload.steps_done as number) > (payload.steps as number)) {
    return { field: 'journey_run.steps_done', reason: 'out_of_range' };
  }
  return undefined;
}
