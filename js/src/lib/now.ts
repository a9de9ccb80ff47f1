/** The performance clock, the browser's own. */
export const now = performance.now.bind(performance);
