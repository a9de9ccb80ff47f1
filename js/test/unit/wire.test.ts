import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { WIRE_VERSION } from '../../src/wire';
import { unknownFields, wireFields } from '../wireFields';

const contract = new URL('../../../beacon/', import.meta.url);

/** The JSON names of the fields of each Go struct of the contract. */
function goStructs(): Record<string, string[]> {
  const structs: Record<string, string[]> = {};
  for (const file of ['report.go', 'event.go']) {
    const source = readFileSync(new URL(file, contract), 'utf8');
    for (const [, name, body] of source.matchAll(/^type (\w+) struct \{\n(.*?)^\}/gms)) {
      structs[name as string] = [...(body as string).matchAll(/`json:"(\w+)/g)].map((m) => m[1] as string);
    }
  }
  return structs;
}

// What only the journey runner writes.
const notTheBeacons = ['journey', 'journey_run', 'journey_step'];

test.each(Object.keys(wireFields))('%s has the fields that the Go type has', (name) => {
  const fields = goStructs()[name]?.filter((field) => !notTheBeacons.includes(field));
  expect(wireFields[name]?.sort()).toEqual(fields?.sort());
});

test('the version is the Go one', () => {
  const source = readFileSync(new URL('limits.go', contract), 'utf8');
  expect(source).toContain(`const Version = ${WIRE_VERSION}\n`);
});

const examples = readdirSync(new URL('testdata/wire/', contract)).filter((name) => /^good_.*\.json$/.test(name));

test('there are examples of the contract', () => {
  expect(examples.length).toBeGreaterThan(3);
});

test.each(examples)('%s holds known fields only', (name) => {
  const report = JSON.parse(readFileSync(new URL(`testdata/wire/${name}`, contract), 'utf8'));
  const beyond = unknownFields(report).filter((path) => !notTheBeacons.includes(path.split('.')[1] as string));
  expect(beyond.length > 0).toBe(name === 'good_unknown_fields.json');
});
