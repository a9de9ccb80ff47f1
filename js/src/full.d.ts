/**
 * Set by the build: whether the bundle can replace fetch and XMLHttpRequest. Apps that
 * switch on nothing that needs it get a smaller script.
 */
declare const __FULL__: boolean;
