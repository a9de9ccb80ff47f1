/** Returns the origin of an absolute URL. */
export const originOf = (url: string): string => url.split('/', 3).join('/');
