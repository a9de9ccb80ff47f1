import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../../src/wire';
import { readCompact } from '../readCompact';
import { expectOneView, launchShell, Site, script, send } from './harness';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

const transactions = [
  { name: 'Home', version: 'h1', page: '^/$' },
  { name: 'Pay', version: 'y1', request: { method: 'POST', path: '^/api/pay$' } },
];

/** Injects the beacon as the journey runner does, and returns what it reports. */
async function inject(page: Page): Promise<Report[]> {
  const reports: Report[] = [];
  // The driver's own bindings lose what a page says when it goes.
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Runtime.enable');
  devtools.on('Runtime.bindingCalled', ({ payload }) => reports.push(readCompact(payload)));
  await devtools.send('Runtime.addBinding', { name: '__report' });
  await page.addInitScript(`globalThis.__throughline_inject = {binding: '__report'};${script(transactions, '')}`);
  return reports;
}

test('a journey gets every report, and the page its own script does nothing', async () => {
  const site = await new Site()
    .page(
      '/',
      `<h1>Hello</h1><script>
        document.title = typeof __throughline_inject;
        fetch('/api/pay', { method: 'POST' }).then((r) => r.text());
        throw new Error('first');
      </script>`,
      `<script>Object.defineProperty(navigator, 'globalPrivacyControl', { value: true }); __report = () => {};</script>
      <script src="/t.js"></script>`,
    )
    .on('/api/pay', (_, response) => send(response, 'paid'))
    .listen();
  const context = await browser.newContext();
  const page = await context.newPage();
  const reports = await inject(page);
  await page.goto(site.url('/'));
  expect(await page.title()).toBe('undefined');
  await expect.poll(() => reports.length, { timeout: 10_000 }).toBe(1);
  await page.goto('about:blank');
  await expect.poll(() => reports.length, { timeout: 10_000 }).toBe(2);

  expectOneView(reports);
  expect(reports[0]).toMatchObject({
    source: 'synthetic',
    environment: 'test',
    session_id: expect.stringMatching(/^[0-9a-f]{16}$/),
    view: { url: site.url('/'), navigation: 'navigate' },
  });
  const events = reports.flatMap((r) => r.events);
  expect(events.map((e) => e.page_view?.phase).filter(Boolean)).toEqual(['early', 'final']);
  expect(events.find((e) => e.error)?.error).toMatchObject({ message: 'first', count: 1 });
  const outcomes = events.flatMap((e) =>
    e.transaction_done ? [[e.transaction?.name, e.transaction_done.outcome]] : [],
  );
  expect(outcomes.sort()).toEqual([
    ['Home', 'completed'],
    ['Pay', 'completed'],
  ]);
  expect(reports[0]?.events).toContainEqual(expect.objectContaining({ transaction_done: expect.anything() }));
  expect(site.received).toEqual([]);
  await context.close();
  site.close();
});

test('blank pages and frames are not measured', async () => {
  const site = await new Site().page('/framed', '<iframe src="/inner"></iframe>', '').page('/inner', 'x', '').listen();
  const context = await browser.newContext();
  const page = await context.newPage();
  const reports = await inject(page);
  await page.goto('about:blank');
  await page.goto(site.url('/framed'));
  await page.goto('about:blank');
  await expect.poll(() => reports.length, { timeout: 10_000 }).toBe(1);
  expect(reports[0]?.view?.url).toBe(site.url('/framed'));
  await context.close();
  site.close();
});
