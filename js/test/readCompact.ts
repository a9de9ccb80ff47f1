// Reads the compact form of the wire, as beacon/compact.go does.
import type { Report, RequestTiming, WireEvent } from '../src/wire';

type Json = Record<string, unknown>;

const words = (text: string) => text.trim().split(/\s+/);

const reportColumns = words(`v sent_at_ms flags sdk release environment session_id user_id
  sequence sample_weight error_weight attributes view transactions events`);
const viewColumns = words(`id start_at_ms url referrer navigation navigation_detection
  viewport_width_px viewport_height_px effective_connection_type`);
const eventColumns = words('offset_ms transaction trace_id');

/** By number, the payloads of events: name, columns, and what is taken for granted. */
const kinds: [name: string, columns: string[], usual: Json][] = [
  [
    'page_view',
    words(`phase redirect_ms dns_ms tcp_ms tls_ms request_ms download_ms
      dom_interactive_ms dom_content_loaded_ms load_ms transfer_size_bytes status_code ttfb_ms fcp_ms
      device_memory_gb cpu_cores device_pixel_ratio rtt_ms downlink_mbps preferences beacon_init_ms
      lcp_ms lcp_element lcp_url lcp_resource_load_delay_ms lcp_resource_load_duration_ms lcp_element_render_delay_ms
      cls cls_element blocking_ms long_frames
      duration_ms visible_ms abandoned scroll_depth beacon_handler_ms beacon_sent_bytes
      inp_ms inp_element inp_input_delay_ms inp_processing_duration_ms inp_presentation_delay_ms
      inp_script_ms inp_script_url inp_script_invoker`),
    {},
  ],
  [
    'request',
    words('method url initiator status_code failure error duration_ms request_ms transfer_size_bytes'),
    { initiator: 'fetch' },
  ],
  ['error', words('message stack type count kind'), { message: '', kind: 'error', count: 1 }],
  ['transaction_done', words('duration_ms wait_ms outcome reason'), { outcome: 'completed' }],
  ['action', words('name target kind count duration_ms attributes'), { kind: 'click', count: 1 }],
  ['measure', words('kind name duration_ms detail'), {}],
  ['resources', words('type host count failed cached transfer_size_bytes duration_ms longest_ms'), { count: 1 }],
];

/** The words of columns that have few, which the beacon writes by their places, from 1 on. */
const wordsOf: Record<string, string[]> = {
  'view navigation': words('navigate reload back_forward prerender back_forward_cache soft restore'),
  'view navigation_detection': words('native heuristic manual'),
  'page_view phase': words('early final'),
  'page_view abandoned': words('before_first_paint before_lcp'),
  'request failure': words('network aborted timeout'),
  'error kind': words('error unhandledrejection console resource csp-violation'),
  'transaction_done outcome': words('completed failed abandoned'),
  'action kind': words('click rage_click dead_click error_click event page_state'),
  'measure kind': words('mark measure element server_timing'),
};

function inWords(name: string, fields: Json): Json {
  for (const column of Object.keys(fields)) {
    const known = wordsOf[`${name} ${column}`];
    const value = fields[column];
    if (known && typeof value === 'number') {
      fields[column] = known[value - 1];
    }
    if (column === 'attributes') {
      const texts = value as string[];
      fields[column] = Object.fromEntries(
        texts.filter((_, i) => i % 2 === 0).map((name, i) => [name, texts[2 * i + 1]]),
      );
    }
  }
  return fields;
}

/** The fields of a report whose values are URLs. */
const urls = ['referrer', 'url', 'lcp_url', 'inp_script_url'];

function readRow(row: unknown[], columns: string[], usual: Json = {}): Json {
  const fields = { ...usual };
  let at = 0;
  for (const value of row) {
    if (typeof value === 'number' && value < 0) {
      at -= value;
    } else {
      fields[columns[at++] as string] = value;
    }
  }
  return fields;
}

/** Reads a body that the beacon has sent; the ids of events are made up of their places. */
export function readCompact(body: string): Report {
  const { v, flags = 0, view, transactions = [], events, ...report } = readRow(JSON.parse(body), reportColumns);
  if (v !== 3) {
    throw new Error(`version ${v}`);
  }
  const { start_at_ms, ...info } = inWords('view', readRow(view as unknown[], viewColumns, { navigation: 'navigate' }));
  const origin = String(info.url).split('/', 3).join('/');
  const whole = (fields: Json) => {
    for (const name of urls.filter((name) => String(fields[name]).startsWith('/'))) {
      fields[name] = origin + fields[name];
    }
    return fields;
  };
  const refs = (transactions as unknown[][]).map((row) => readRow(row, ['name', 'instance_id', 'version']));
  const read = ([kind, ...row]: unknown[], index: number): Json => {
    const [name, columns, usual] = kinds[kind as number] as (typeof kinds)[number];
    const fields = readRow(row, [...eventColumns, ...columns], usual);
    const { offset_ms = 0, transaction, trace_id, ...payload } = inWords(name, fields);
    const ref = transaction ? refs[(transaction as number) - 1] : undefined;
    if ('preferences' in payload) {
      const names = ['reduced_motion', 'more_contrast', 'dark', 'save_data'];
      payload.preferences = names.filter((_, i) => (payload.preferences as number) & (2 ** i)).join();
    }
    const place = Number(report.sequence ?? 0) * 65_536 + index + 1;
    const id = (BigInt(`0x${info.id}`) ^ BigInt(place)).toString(16).padStart(16, '0');
    return {
      id,
      at_ms: (start_at_ms as number) + (offset_ms as number),
      ...(ref ? { transaction: { instance_id: id, ...ref } } : {}),
      ...(trace_id ? { trace_id } : {}),
      [name]: whole(payload),
    };
  };
  return {
    v: 1,
    source: (flags as number) & 1 ? 'synthetic' : 'rum',
    ...((flags as number) & 2 ? { automated: true } : {}),
    ...inWords('report', report),
    view: whole(info),
    events: withEnds((events as unknown[][]).map(read) as unknown as WireEvent[]),
  } as unknown as Report;
}

/** Adds the ends of requests that are transactions, which the collector tells from them. */
function withEnds(events: WireEvent[]): WireEvent[] {
  const ends = events
    .filter(({ id, request, transaction }) => request && transaction?.instance_id === id)
    .map(({ request, ...event }, i): WireEvent => {
      const { failure, status_code = 0, duration_ms } = request as RequestTiming;
      const reason = failure || (status_code >= 400 ? `status ${status_code}` : undefined);
      return {
        ...event,
        id: `${i}`.padStart(16, 'e'),
        transaction_done: {
          outcome: failure === 'aborted' ? 'abandoned' : reason ? 'failed' : 'completed',
          ...(reason ? { reason } : {}),
          duration_ms,
          wait_ms: duration_ms,
        },
      };
    });
  return [...events, ...ends];
}
