/** Ends whatever is under way. */
export function refuse(reason: string): never {
  throw new TypeError("refused: " + reason);
}
