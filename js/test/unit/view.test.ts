import { beforeAll, expect, test } from 'vitest';
import { addEvent, createView, Kind, type Meters } from '../../src/view';

beforeAll(() => {
  Object.assign(globalThis, { location: { href: 'https://shop.example/' }, document: { referrer: '' } });
});

test('a view has room for 1,000 events, and for ends of transactions until there are 2,000', () => {
  const view = createView(() => ({}) as Meters);
  const add = (times: number, kind: Kind) => {
    for (let i = 0; i < times; i++) {
      addEvent(view, i, [kind]);
    }
    return view.events.splice(0).length;
  };
  expect(add(1500, Kind.request)).toBe(1000);
  expect(add(400, Kind.transaction_done)).toBe(400);
  expect(add(10, Kind.request)).toBe(0);
  expect(add(700, Kind.transaction_done)).toBe(600);
});
