/** The time on the performance clock. */
export const now = () => performance.now();
