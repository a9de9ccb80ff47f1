import { beforeAll, expect, test } from 'vitest';
import { addEvent, createView } from '../../src/view';

beforeAll(() => {
  Object.assign(globalThis, { location: { href: 'https://shop.example/' }, document: { referrer: '' } });
});

test('a view has room for 1,000 events, and for ends of transactions until there are 2,000', () => {
  const view = createView();
  const request = { url: 'https://shop.example/api', initiator: 'fetch', duration_ms: 1 };
  const end = { outcome: 'completed', duration_ms: 1, wait_ms: 1 } as const;
  const add = (times: number, payload: Parameters<typeof addEvent>[2]) => {
    for (let i = 0; i < times; i++) {
      addEvent(view, i, payload);
    }
    return view.events.splice(0).length;
  };
  expect(add(1500, { request })).toBe(1000);
  expect(add(400, { transaction_done: end })).toBe(400);
  expect(add(10, { request })).toBe(0);
  expect(add(700, { transaction_done: end })).toBe(600);
});
