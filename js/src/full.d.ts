/**
 * Set by the build: whether the bundle holds what few apps switch on. Those that do
 * not get a smaller script.
 */
declare const __FULL__: boolean;
