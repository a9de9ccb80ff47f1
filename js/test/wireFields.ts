import type {
  Action,
  Measure,
  PageError,
  PageView,
  Report,
  RequestTiming,
  Resources,
  TransactionDone,
  TransactionRef,
  ViewInfo,
  WireEvent,
} from '../src/wire';

// Field names of the wire types. The compiler sees that none is missing or too many.
const all = <T>(fields: Record<keyof T, true>) => Object.keys(fields);

/** Fields of the Go struct of that name that the beacon may send. */
export const wireFields: Record<string, string[]> = {
  Report: all<Report>({
    v: true,
    sent_at_ms: true,
    source: true,
    sdk: true,
    release: true,
    environment: true,
    session_id: true,
    automated: true,
    sequence: true,
    sample_weight: true,
    error_weight: true,
    user_id: true,
    attributes: true,
    view: true,
    events: true,
  }),
  View: all<ViewInfo>({
    id: true,
    url: true,
    referrer: true,
    navigation: true,
    navigation_detection: true,
    viewport_width_px: true,
    viewport_height_px: true,
    effective_connection_type: true,
  }),
  Event: all<WireEvent>({
    id: true,
    at_ms: true,
    transaction: true,
    trace_id: true,
    page_view: true,
    request: true,
    error: true,
    transaction_done: true,
    action: true,
    measure: true,
    resources: true,
  }),
  TransactionRef: all<TransactionRef>({ name: true, instance_id: true, version: true }),
  PageView: all<PageView>({
    phase: true,
    redirect_ms: true,
    dns_ms: true,
    tcp_ms: true,
    tls_ms: true,
    request_ms: true,
    download_ms: true,
    dom_interactive_ms: true,
    dom_content_loaded_ms: true,
    load_ms: true,
    transfer_size_bytes: true,
    status_code: true,
    ttfb_ms: true,
    fcp_ms: true,
    lcp_ms: true,
    inp_ms: true,
    cls: true,
    lcp_element: true,
    lcp_url: true,
    inp_element: true,
    cls_element: true,
    lcp_resource_load_delay_ms: true,
    lcp_resource_load_duration_ms: true,
    lcp_element_render_delay_ms: true,
    inp_input_delay_ms: true,
    inp_processing_duration_ms: true,
    inp_presentation_delay_ms: true,
    inp_script_ms: true,
    inp_script_url: true,
    inp_script_invoker: true,
    blocking_ms: true,
    long_frames: true,
    duration_ms: true,
    visible_ms: true,
    abandoned: true,
    scroll_depth: true,
    device_memory_gb: true,
    cpu_cores: true,
    device_pixel_ratio: true,
    rtt_ms: true,
    downlink_mbps: true,
    preferences: true,
    beacon_init_ms: true,
    beacon_handler_ms: true,
    beacon_sent_bytes: true,
  }),
  Request: all<RequestTiming>({
    method: true,
    url: true,
    initiator: true,
    status_code: true,
    failure: true,
    error: true,
    duration_ms: true,
    request_ms: true,
    transfer_size_bytes: true,
  }),
  Error: all<PageError>({ kind: true, type: true, message: true, stack: true, count: true }),
  TransactionDone: all<TransactionDone>({ outcome: true, reason: true, duration_ms: true, wait_ms: true }),
  Action: all<Action>({ kind: true, name: true, target: true, count: true, duration_ms: true, attributes: true }),
  Measure: all<Measure>({ kind: true, name: true, duration_ms: true, detail: true }),
  Resources: all<Resources>({
    type: true,
    host: true,
    count: true,
    failed: true,
    cached: true,
    transfer_size_bytes: true,
    duration_ms: true,
    longest_ms: true,
  }),
};

/** Fields of a report that the wire does not know, as paths. */
export function unknownFields(report: object): string[] {
  return [
    ...excess('Report', report),
    ...('view' in report ? excess('View', report.view as object) : []),
    ...('events' in report ? (report.events as object[]).flatMap(unknownEventFields) : []),
  ];
}

const payloads: Record<string, string> = {
  transaction: 'TransactionRef',
  page_view: 'PageView',
  request: 'Request',
  error: 'Error',
  transaction_done: 'TransactionDone',
  action: 'Action',
  measure: 'Measure',
  resources: 'Resources',
};

function unknownEventFields(event: object): string[] {
  const nested = Object.entries(event).flatMap(([name, value]) => {
    const type = payloads[name];
    return type ? excess(type, value) : [];
  });
  return [...excess('Event', event), ...nested];
}

function excess(type: string, value: object): string[] {
  return Object.keys(value)
    .filter((name) => !wireFields[type]?.includes(name))
    .map((name) => `${type}.${name}`);
}
