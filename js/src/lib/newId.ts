const source = crypto;

/** Returns 64 random bits as 16 lower-case hexadecimal characters. */
export function newId(): string {
  let id = '';
  for (const byte of source.getRandomValues(new Uint8Array(8))) {
    id += (byte + 256).toString(16).slice(1);
  }
  return id;
}
