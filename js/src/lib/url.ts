/** The browser's own, whatever the page names URL later. */
export const { URL } = globalThis;
