import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { WIRE_VERSION } from '../../src/wire';
import { refusal } from '../contract';
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

const fixtures = readdirSync(new URL('testdata/wire/', contract));
const examples = fixtures.filter((name) => /^good_.*\.json$/.test(name));
const refused = fixtures.filter((name) => /^bad_.*\.json$/.test(name));
const read = (name: string) => readFileSync(new URL(`testdata/wire/${name}`, contract), 'utf8');

test('there are examples of the contract', () => {
  expect(examples.length).toBeGreaterThan(3);
});

test.each(examples)('%s holds known fields only', (name) => {
  const report = JSON.parse(read(name));
  const beyond = unknownFields(report).filter((path) => !notTheBeacons.includes(path.split('.')[1] as string));
  expect(beyond.length > 0).toBe(name === 'good_unknown_fields.json');
});

test.each(examples)('%s is accepted', (name) => {
  expect(refusal(JSON.parse(read(name)))).toBeUndefined();
});

test('there are examples of what the contract refuses', () => {
  expect(refused.length).toBeGreaterThan(20);
});

test.each(refused)('%s is refused for the reason in its name', (name) => {
  const rest = name.slice('bad_'.length);
  if (rest === 'malformed_truncated.json') {
    expect(() => JSON.parse(read(name))).toThrow();
    return;
  }
  const { expect: expected, ...report } = JSON.parse(read(name));
  const found = refusal(report);
  expect(found).toMatchObject(expected);
  expect(rest.startsWith(`${found?.reason}_`)).toBe(true);
});
