// The wire contract, the same as the Go types of ../beacon: names, meaning and
// optional fields. A test compares the two.

/** The version of the wire contract that these types are; compact.ts writes its compact form. */
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
  sequence?: number;
  sample_weight?: number;
  error_weight?: number;
  user_id?: string;
  attributes?: Record<string, string>;
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

export type Detection = 'native' | 'heuristic' | 'manual';

/** beacon.View. */
export interface ViewInfo {
  id: string;
  url: string;
  referrer?: string;
  navigation: Navigation;
  navigation_detection?: Detection;
  viewport_width_px?: number;
  viewport_height_px?: number;
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
  action?: Action;
  measure?: Measure;
  resources?: Resources;
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
  visible_ms?: Ms;
  abandoned?: Abandonment;
  scroll_depth?: number;
  device_memory_gb?: number;
  cpu_cores?: number;
  device_pixel_ratio?: number;
  rtt_ms?: Ms;
  downlink_mbps?: number;
  preferences?: string;
  beacon_init_ms?: Ms;
  beacon_handler_ms?: Ms;
  beacon_sent_bytes?: number;
}

export type Abandonment = 'before_first_paint' | 'before_lcp';

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

export type ActionKind = 'click' | 'rage_click' | 'dead_click' | 'error_click' | 'event' | 'page_state';

/** beacon.Action. */
export interface Action {
  kind: ActionKind;
  name: string;
  target?: string;
  count: number;
  duration_ms?: Ms;
  attributes?: Record<string, string>;
}

export type MeasureKind = 'mark' | 'measure' | 'element' | 'server_timing';

/** beacon.Measure. */
export interface Measure {
  kind: MeasureKind;
  name: string;
  duration_ms: Ms;
  detail?: string;
}

/** beacon.Resources. */
export interface Resources {
  type: string;
  host?: string;
  count: number;
  failed?: number;
  cached?: number;
  transfer_size_bytes?: number;
  duration_ms: Ms;
  longest_ms: Ms;
}
