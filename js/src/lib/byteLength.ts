/** Returns the length of text in UTF-8. */
export function byteLength(text: string): number {
  return new Blob([text]).size;
}
