// The compact form of the wire, which beacon/compact.go describes: arrays whose
// places say what is meant.
/** beacon.CompactVersion. */
export const COMPACT_VERSION = 3;

/** The columns of a page view: its fields are kept by these. */
export enum Col {
  phase,
  redirect_ms,
  dns_ms,
  tcp_ms,
  tls_ms,
  request_ms,
  download_ms,
  dom_interactive_ms,
  dom_content_loaded_ms,
  load_ms,
  transfer_size_bytes,
  status_code,
  ttfb_ms,
  fcp_ms,
  device_memory_gb,
  cpu_cores,
  device_pixel_ratio,
  rtt_ms,
  downlink_mbps,
  preferences,
  beacon_init_ms,
  lcp_ms,
  lcp_element,
  lcp_url,
  lcp_resource_load_delay_ms,
  lcp_resource_load_duration_ms,
  lcp_element_render_delay_ms,
  cls,
  cls_element,
  blocking_ms,
  long_frames,
  duration_ms,
  visible_ms,
  abandoned,
  scroll_depth,
  beacon_handler_ms,
  beacon_sent_bytes,
  inp_ms,
  inp_element,
  inp_input_delay_ms,
  inp_processing_duration_ms,
  inp_presentation_delay_ms,
  inp_script_ms,
  inp_script_url,
  inp_script_invoker,
}

/** Fields of a page view. */
export type Fields = { [column in Col]?: string | number };

// The values of columns that have few, as their places in the lists of beacon/compactcolumn.go, from 1 on.

export enum Came {
  prerender = 4,
  back_forward_cache,
  soft,
  restore,
}

export enum Detection {
  native = 1,
  heuristic,
  manual,
}

export enum Phase {
  early = 1,
  final,
}

export enum Abandonment {
  before_first_paint = 1,
  before_lcp,
}

export enum Failure {
  network = 1,
  aborted,
  timeout,
}

export enum ErrorKind {
  error = 1,
  unhandledrejection,
  console,
  not_loaded,
  csp_violation,
}

export enum Outcome {
  completed = 1,
  failed,
  abandoned,
}

export enum ActionKind {
  click = 1,
  rage_click,
  dead_click,
  error_click,
  event,
  page_state,
}

/** Marks and measures have the names of their types of entries. */
export enum MeasureKind {
  element = 3,
  server_timing,
}

const { stringify } = JSON;
const { isArray } = Array;
export const { keys, entries } = Object;

/**
 * Writes rows as JSON, and objects as rows of their names and values in turns. What is undefined, empty or no
 * number is skipped: a negative number says how many places. Unlike JSON.stringify it never asks for toJSON, which
 * some pages add to Array.prototype, where it spoils every array.
 */
export function writeRow(row: unknown[]): string {
  let text = '';
  let skipped = 0;
  // Which sees what the row has no value at, too.
  for (const value of row) {
    const json = isArray(value)
      ? writeRow(value)
      : value === Object(value)
        ? writeRow(entries(value as object).flat())
        : stringify(value);
    if (/^(undefined|null|""|\[])$/.test(json)) {
      skipped++;
    } else {
      text += `${skipped ? `,${-skipped}` : ''},${json}`;
      skipped = 0;
    }
  }
  return `[${text.slice(1)}]`;
}

/** Returns value, or undefined if it is what the reader takes for granted. */
export const unless = <T>(usual: T, value: T | undefined) => (value === usual ? undefined : value);

/** Leaves the page's origin out of a URL. */
export function shorten(url: string | undefined): string | undefined {
  return url?.startsWith(`${location.origin}/`) ? url.slice(location.origin.length) : url;
}
