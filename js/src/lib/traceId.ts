/**
 * Returns the trace id that the back end told of in a Server-Timing entry named
 * traceparent, whose description is a W3C traceparent.
 */
export function traceId(entry?: PerformanceResourceTiming): string | undefined {
  for (const { name, description } of entry?.serverTiming ?? []) {
    if (name === 'traceparent') {
      return /^[\da-f]{2}-(?!0{32})([\da-f]{32})-/.exec(description)?.[1];
    }
  }
  return undefined;
}
