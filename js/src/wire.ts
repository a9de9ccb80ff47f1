// The wire contract, the same as the Go types of ../beacon: names, meaning and
// optional fields. A test compares the two.

/** The version of the wire contract that the beacon writes. */
export const WIRE_VERSION = 1;

/** Milliseconds between two moments of the monotonic clock. */
type Ms = number;

export interface Report {
  v: number;
  sent_at_ms: number;
  source: 'rum' | 'synthetic';
  sdk?: string;
  release?: string;
  environment?: string;
  session_id?: string;
  automated?: boolean;
  view?: ViewInfo;
  events: WireEvent[];
}

export type Navigation =
  | 'navigate'
  | 'reload'
  | 'back_forward'
  | 'prerender'
  | 'back_forward_cache'
  | 'soft'
  | 'restore';

/** beacon.View. */
export interface ViewInfo {
  id: string;
  url: string;
  referrer?: string;
  navigation: Navigation;
  viewport_width_px?: number;
  effective_connection_type?: string;
}

/** beacon.Event; one of the payloads is set. */
export interface WireEvent {
  id: string;
  at_ms: number;
  transaction?: TransactionRef;
  trace_id?: string;
  page_view?: PageView;
  request?: RequestTiming;
  error?: PageError;
  transaction_done?: TransactionDone;
}

export interface TransactionRef {
  name: string;
  instance_id: string;
  version: string;
}

export type Phase = 'early' | 'final';

export interface PageView {
  phase: Phase;
  redirect_ms?: Ms;
  dns_ms?: Ms;
  tcp_ms?: Ms;
  tls_ms?: Ms;
  request_ms?: Ms;
  download_ms?: Ms;
  dom_interactive_ms?: Ms;
  dom_content_loaded_ms?: Ms;
  load_ms?: Ms;
  transfer_size_bytes?: number;
  status_code?: number;
  ttfb_ms?: Ms;
  fcp_ms?: Ms;
  lcp_ms?: Ms;
  inp_ms?: Ms;
  cls?: number;
  lcp_element?: string;
  lcp_url?: string;
  inp_element?: string;
  cls_element?: string;
  lcp_resource_load_delay_ms?: Ms;
  lcp_resource_load_duration_ms?: Ms;
  lcp_element_render_delay_ms?: Ms;
  inp_input_delay_ms?: Ms;
  inp_processing_duration_ms?: Ms;
  inp_presentation_delay_ms?: Ms;
  inp_script_ms?: Ms;
  inp_script_url?: string;
  inp_script_invoker?: string;
  blocking_ms?: Ms;
  long_frames?: number;
  duration_ms?: Ms;
}

export type RequestFailure = 'network' | 'aborted' | 'timeout';

/** beacon.Request. */
export interface RequestTiming {
  method?: string;
  url: string;
  initiator: string;
  status_code?: number;
  failure?: RequestFailure;
  error?: string;
  duration_ms: Ms;
  request_ms?: Ms;
  transfer_size_bytes?: number;
}

export type ErrorKind = 'error' | 'unhandledrejection' | 'resource' | 'csp-violation' | 'console';

/** beacon.Error. */
export interface PageError {
  kind: ErrorKind;
  type?: string;
  message: string;
  stack?: string;
  count: number;
}

export type Outcome = 'completed' | 'failed' | 'abandoned' | 'timed_out' | 'unknown';

export interface TransactionDone {
  outcome: Outcome;
  reason?: string;
  duration_ms: Ms;
  wait_ms: Ms;
}
