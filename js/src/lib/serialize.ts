const { stringify } = JSON;
const { keys } = Object;
const { isArray } = Array;

/**
 * Writes plain data as JSON and leaves out undefined and not-a-number fields.
 * Unlike JSON.stringify it never asks an object for toJSON, which some pages
 * add to Array.prototype, where it spoils every array.
 */
export function serialize(value: unknown): string {
  if (isArray(value)) {
    return `[${value.map(serialize).join()}]`;
  }
  if (value === null || typeof value !== 'object') {
    return stringify(value);
  }
  const fields: string[] = [];
  for (const key of keys(value)) {
    const field = (value as Record<string, unknown>)[key];
    if (field !== undefined && (typeof field !== 'number' || Number.isFinite(field))) {
      fields.push(`${stringify(key)}:${serialize(field)}`);
    }
  }
  return `{${fields.join()}}`;
}
