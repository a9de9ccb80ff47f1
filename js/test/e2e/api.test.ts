import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Config } from '../../src/config';
import type { Action, PageError } from '../../src/wire';
import { expectOneView, launchShell, Site, script, send, setVisibility } from './harness';
import { hasFinal, leave, visit as visitIn } from './visits';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

const visit = (site: Site, run: (page: Page) => Promise<unknown>, options = {}) => visitIn(browser, site, run, options);

const actions = (site: Site): Action[] => site.events.flatMap((e) => e.action ?? []);
const errors = (site: Site): PageError[] => site.events.flatMap((e) => e.error ?? []);
const bodies = (site: Site) => site.received.map((r) => r.body).join();
const serve = (site: Site, more: Partial<Config>) =>
  site.on('/t.js', (_, response) => send(response, script([], '/collect', more), 'text/javascript'));
const throwing = (message: string) => `setTimeout(() => { throw new Error('${message}') })`;

test.concurrent('events come with what the page says of them', async () => {
  const site = new Site().page('/', 'x');
  const thrown = await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(`
      throughline.event('signed up');
      throughline.event('ordered', { plan: 'pro', items: 3, gift: true, none: null, nothing: undefined, zero: 0,
        page: 'https://user:pass@shop.example/a?token=secret' });
      throughline.push(['event', 'pushed', { a: 'b' }]);
    `);
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
  });
  expect(thrown).toEqual([]);
  expect(actions(site)).toEqual([
    { kind: 'event', name: 'signed up', count: 1 },
    {
      kind: 'event',
      name: 'ordered',
      count: 1,
      attributes: { plan: 'pro', items: '3', gift: 'true', zero: '0', page: 'https://shop.example/a' },
    },
    { kind: 'event', name: 'pushed', count: 1, attributes: { a: 'b' } },
  ]);
});

test.concurrent('attributes and users hold from then on, until they are taken back', async () => {
  const site = new Site().page('/', 'x');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(`
      throughline.attribute('plan', 'pro');
      throughline.attribute('size', 3);
      throughline.attribute('plan', 'free');
      throughline.user(42);
    `);
    await site.until(() => site.received.length === 1);
    await page.evaluate(`
      throughline.attribute('size', undefined);
      throughline.user();
      throughline.event('later');
    `);
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
    const [early, final] = site.received.map((r) => r.report);
    expect(early).toMatchObject({ attributes: { plan: 'free', size: '3' }, user_id: '42' });
    expect(final).toMatchObject({ attributes: { plan: 'free' } });
    expect(final?.attributes).not.toHaveProperty('size');
    expect(final).not.toHaveProperty('user_id');
  });
});

test.concurrent('errors that the page has handled are told', async () => {
  const site = new Site().page('/', 'x');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(`
      for (let i = 0; i < 3; i++) throughline.error(new TypeError('cannot /pay?token=secret'));
      throughline.error('a text');
      throughline.error();
      throughline.error({ code: 7, mail: 'secret' });
      throughline.error({ get message() { throw new Error('trap') } });
      throughline.error({ message: 'm'.repeat(1e6), name: 'n'.repeat(1e6), stack: 's'.repeat(1e6) });
    `);
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
    expect(errors(site)).toEqual([
      { kind: 'error', type: 'TypeError', message: 'cannot /pay', stack: expect.any(String), count: 3 },
      { kind: 'error', message: 'a text', count: 1 },
      { kind: 'error', message: 'undefined', count: 1 },
      { kind: 'error', message: 'Object {code, mail}', count: 1 },
      { kind: 'error', message: 'Object {message}', count: 1 },
      {
        kind: 'error',
        type: 'n'.repeat(64),
        message: 'm'.repeat(1024),
        stack: 's'.repeat(4096),
        count: 1,
      },
    ]);
    expect(bodies(site)).not.toContain('secret');
  });
});

test.concurrent('calls from before the script are heard', async () => {
  const stub = `<script>
    throughline = [['event', 'first', { a: 1 }], ['attribute', 'plan', 'pro'], ['user', 'u1']];
    throughline.push(['error', new Error('before')]);
    throughline.push(['nonsense'], 7, null, undefined, [], {});
    throughline.push(['event', 'last']);
  </script>`;
  const site = new Site().page('/', 'x', `${stub}<script async src="/t.js"></script>`);
  const thrown = await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(`throughline.push(['event', 'after'])`);
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
  });
  expect(thrown).toEqual([]);
  expect(actions(site).map((a) => a.name)).toEqual(['first', 'last', 'after']);
  expect(errors(site).map((e) => e.message)).toEqual(['before']);
  expect(site.received[0]?.report).toMatchObject({ attributes: { plan: 'pro' }, user_id: 'u1' });
});

test.concurrent('a view of the page begins a new one', async () => {
  const site = new Site().page('/', 'x');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length === 1);
    await page.evaluate(`throughline.event('in the first'); throughline.view(); throughline.event('in the second')`);
    await leave(page);
    await site.until(() => site.pageViews.filter((v) => v.phase === 'final').length === 2);
    const views = new Map(
      site.received.map(({ report }) => [report.view?.id, report.view?.navigation_detection] as const),
    );
    expect([...views.values()]).toEqual([undefined, 'manual']);
    const named = (name: string) =>
      site.received.find((r) => r.report.events.some((e) => e.action?.name === name))?.report.view;
    expect(named('in the first')?.navigation).toBe('navigate');
    expect(named('in the second')).toMatchObject({ navigation: 'soft', navigation_detection: 'manual' });
  });
});

test.concurrent('whatever pages hand over, they hear nothing of it', async () => {
  const site = new Site().page('/', 'x');
  let returned: unknown;
  const thrown = await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length === 1);
    returned = await page.evaluate(`(() => {
      const fail = () => { throw new Error('hostile') };
      const circle = {}; circle.circle = circle;
      const values = [
        undefined, null, NaN, 7, 7n, true, '', 'x'.repeat(1e3), Symbol('s'), circle, [], fail, window, document.body,
        Object.create(null), { toString: fail }, { valueOf: fail, [Symbol.toPrimitive]: fail },
        new Proxy({}, { get: fail, ownKeys: fail, getPrototypeOf: fail }), new Proxy(fail, { apply: fail }),
        { get a() { return fail() } }, Object.fromEntries(Array.from({ length: 1000 }, (_, i) => ['k' + i, i])),
        { ['k'.repeat(1e6)]: 'v'.repeat(1e6) }, JSON.parse('{"__proto__": "x", "constructor": "y", "": "z"}'),
        '\\ud800', '\\u2028</script>',
      ];
      const results = [];
      for (const name of ['event', 'error', 'user', 'attribute', 'push', 'consent']) {
        for (const a of values) {
          for (const b of name === 'event' || name === 'attribute' ? values : [undefined]) {
            if (b || b === undefined || name !== 'event') results.push(throughline[name](a, b));
          }
          if (a || name !== 'event') results.push(throughline.push([name, a, a]));
        }
      }
      const long = 'x'.repeat(1e6);
      results.push(
        throughline.event(long), throughline.event('long', long), throughline.event('long', { [long]: long }),
        throughline.error(long), throughline.user(long), throughline.attribute(long, long), throughline.push(long),
      );
      throughline.consent(true);
      throughline.user('u1');
      return results.some((result) => result !== undefined);
    })()`);
    expect(await page.evaluate('({}).x')).toBeUndefined();
    await leave(page);
    await site.until(hasFinal(site));
  });
  expect(thrown).toEqual([]);
  expect(returned).toBe(false);
  const [, report] = site.received.map((r) => r.report);
  expect(Object.keys(report?.attributes ?? {}).length).toBeLessThanOrEqual(20);
  for (const { attributes = {} } of actions(site)) {
    expect(Object.keys(attributes).length).toBeLessThanOrEqual(20);
    for (const text of Object.entries(attributes).flat()) {
      expect(text.length).toBeLessThanOrEqual(200);
    }
  }
});

test('an event may come with nothing to say of it', { concurrent: true }, async () => {
  const site = new Site().page('/', 'x');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(`
      for (const nothing of [undefined, null, '', 0, false, NaN, 0n]) throughline.event('x', nothing);
    `);
    await leave(page);
    await page.waitForTimeout(1_500);
    expectOneView(site.received.map((r) => r.report));
    expect(actions(site)).toEqual(Array(7).fill({ kind: 'event', name: 'x', count: 1 }));
  });
});

test('a long user of other scripts spoils no report', { concurrent: true }, async () => {
  const site = new Site().page('/', 'x');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(`throughline.user('語'.repeat(100))`);
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
  });
});

test('an event without a name is none', { concurrent: true }, async () => {
  const site = new Site().page('/', 'x');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(`throughline.event('')`);
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
  });
});

test.concurrent('without consent nothing is kept and nothing sent, with it all of the view is told', async () => {
  const site = serve(new Site(), { consent: true })
    .page('/', `<img src="/missing.svg"><script>throughline.push(['event', 'early']); ${throwing('early')}</script>`)
    .on('/ok', (_, response) => send(response, 'fine'));
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(() => fetch('/ok').then((r) => r.text()));
    await page.evaluate(setVisibility, 'hidden' as const);
    await page.evaluate(setVisibility, 'visible' as const);
    for (const no of ['undefined', '1', '"true"', '{}', 'false']) {
      await page.evaluate(`throughline.consent(${no})`);
    }
    await page.waitForTimeout(2_500);
    expect(site.log.filter((line) => line.startsWith('POST'))).toEqual([]);
    expect(await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length)).toBe(0);

    await page.evaluate('throughline.consent(true)');
    await site.until(() => site.received.length > 0);
    expect(await page.evaluate(() => localStorage.length)).toBe(1);
    expect(site.pageViews[0]).toMatchObject({
      phase: 'early',
      load_ms: expect.any(Number),
      ttfb_ms: expect.any(Number),
      fcp_ms: expect.any(Number),
    });
    expect(
      errors(site)
        .map((e) => e.message)
        .sort(),
    ).toEqual(['early', `img not loaded: ${site.url('/missing.svg')}`]);
    expect(actions(site).map((a) => a.name)).toContain('early');
    expect(site.events.flatMap((e) => e.request?.url ?? [])).toContain(site.url('/ok'));

    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
  });
});

test.concurrent('consent of before the load, or of before the script, counts', async () => {
  const site = serve(new Site(), { consent: true })
    .page('/in', '<script>throughline.consent(true)</script>')
    .page('/before', 'x', `<script>throughline = [['consent', true]]</script><script src="/t.js"></script>`);
  await visit(site, async (page) => {
    for (const [i, path] of ['/in', '/before'].entries()) {
      await page.goto(site.url(path));
      await site.until(() => site.pageViews.filter((v) => v.phase === 'early').length > i);
    }
    await leave(page);
    await site.until(() => site.pageViews.filter((v) => v.phase === 'final').length === 2);
  });
});

test.concurrent('consent that is taken back ends it', async () => {
  const site = serve(new Site(), { consent: true }).page('/', 'x').page('/next', 'x');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate('throughline.consent(true)');
    await site.until(() => site.received.length > 0);
    const keys = () => page.evaluate(() => Object.keys(localStorage));
    expect(await keys()).toEqual(['throughline.session']);
    await page.evaluate('throughline.consent(false)');
    expect(await keys()).toEqual([]);
    const sent = site.received.length;
    await page.evaluate(`${throwing('unseen')}; throughline.event('unseen'); throughline.view()`);
    await page.waitForTimeout(2_000);
    await page.goto(site.url('/next'));
    await page.waitForTimeout(2_500);
    await leave(page);
    await page.waitForTimeout(500);
    expect(site.received).toHaveLength(sent);
    expect(bodies(site)).not.toContain('unseen');
  });
});

test.concurrent('who needs no consent may still refuse', async () => {
  const site = new Site().page(
    '/',
    'x',
    `<script>throughline = [['consent', false]]</script><script src="/t.js"></script>`,
  );
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.waitForTimeout(2_500);
    await leave(page);
    await page.waitForTimeout(500);
    expect(site.log.filter((line) => line.startsWith('POST'))).toEqual([]);
  });
});

test('with consent the present view and the one before are told', { concurrent: true }, async () => {
  const site = serve(new Site(), { consent: true }).page('/', 'x');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.waitForTimeout(2_500);
    await page.evaluate(`throughline.event('first'); throughline.view()`);
    await page.waitForTimeout(1_500);
    await page.evaluate(`throughline.event('second'); throughline.view()`);
    await page.waitForTimeout(1_500);
    await page.evaluate(`throughline.event('third'); throughline.consent(true)`);
    await leave(page);
    await site.until(hasFinal(site));
    await page.waitForTimeout(1_000);
    expect(
      actions(site)
        .map((a) => a.name)
        .sort(),
    ).toEqual(['second', 'third']);
  });
});

test.concurrent('Global Privacy Control goes before consent', async () => {
  const head = `<script>
    Object.defineProperty(navigator, 'globalPrivacyControl', { value: true });
    throughline = [['consent', true]];
  </script><script src="/t.js"></script>`;
  for (const consent of [true, false]) {
    const site = serve(new Site(), { consent }).page('/', `<script>${throwing('x')}</script>`, head);
    await visit(site, async (page) => {
      await page.goto(site.url('/'));
      await page.evaluate(`throughline.push(['consent', true])`);
      await page.waitForTimeout(2_500);
      expect(await page.evaluate(() => localStorage.length + document.cookie.length)).toBe(0);
      await leave(page);
      await page.waitForTimeout(500);
      expect(site.log.filter((line) => line.startsWith('POST'))).toEqual([]);
    });
  }
});

test('where nothing is measured, calls by push do no harm', { concurrent: true }, async () => {
  const head = `<script>Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })</script>`;
  const site = new Site().page(
    '/',
    `<script>(globalThis.throughline ||= []).push(['event', 'x'])</script>`,
    `${head}<script src="/t.js"></script>`,
  );
  const thrown = await visit(site, async (page) => {
    await page.goto(site.url('/'));
  });
  expect(thrown).toEqual([]);
});

test.concurrent('of sessions outside the sample errors alone are told', async () => {
  const site = serve(new Site(), { sampleRate: 0, errorSampleRate: 1 })
    .page('/', `<button id="b">x</button><script>${throwing('told')}</script>`)
    .page('/calm', 'x')
    .on('/ok', (_, response) => send(response, 'fine'));
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.click('#b');
    await page.evaluate(() => fetch('/ok').then((r) => r.text()));
    await page.evaluate(`throughline.event('untold')`);
    await site.until(() => site.received.length > 0);
    await page.evaluate(throwing('last'));
    await page.goto(site.url('/calm'));
    await site.until(() => errors(site).length > 1);
    await page.waitForTimeout(2_500);
    await leave(page);
    await page.waitForTimeout(500);
    expectOneView(site.received.map((r) => r.report));
    expect(site.events.map((e) => Object.keys(e).pop())).toEqual(['error', 'error']);
    expect(errors(site).map((e) => e.message)).toEqual(['told', 'last']);
    for (const { report } of site.received) {
      expect(report.error_weight ?? 1).toBe(1);
      expect(report.view?.url).toBe(site.url('/'));
    }
  });
});

test.concurrent('a rate of nothing sends nothing', async () => {
  const site = serve(new Site(), { sampleRate: 0, errorSampleRate: 0 }).page('/', `<script>${throwing('x')}</script>`);
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.waitForTimeout(2_500);
    await page.evaluate(throwing('x'));
    await leave(page);
    await page.waitForTimeout(500);
    expect(site.log.filter((line) => line.startsWith('POST'))).toEqual([]);
  });
});

test.concurrent('half the sessions are told, at twice the weight', async () => {
  const site = serve(new Site(), { sampleRate: 0.5, errorSampleRate: 0.5 })
    // Each load is one of a new session.
    .page('/', 'x', '<script>localStorage.clear()</script><script src="/t.js"></script>')
    .page('/last', 'x', '<script src="/all.js"></script>')
    .on('/all.js', (_, response) => send(response, script(), 'text/javascript'));
  await visit(site, async (page) => {
    for (let i = 0; i < 40; i++) {
      await page.goto(site.url('/'));
    }
    await page.goto(site.url('/last'));
    await site.until(() => site.received.some((r) => r.report.view?.url === site.url('/last')));
    const told = site.received.map((r) => r.report).filter((r) => r.view?.url === site.url('/'));
    expect(new Set(told.map((r) => r.session_id)).size).toBe(told.length);
    expect(told.length).toBeGreaterThanOrEqual(10);
    expect(told.length).toBeLessThanOrEqual(30);
    for (const { sample_weight, error_weight, session_id } of told) {
      expect([sample_weight, error_weight]).toEqual([2, 2]);
      expect(session_id).toMatch(/^[0-7]/);
    }
  });
});

test.concurrent('all pages of a session are in the sample, or none', async () => {
  const site = serve(new Site(), { sampleRate: 0.25, errorSampleRate: 0.5 })
    .page('/a', `<script>${throwing('a')}</script>`)
    .page('/b', `<script>${throwing('b')}</script>`)
    .page('/plain', 'x', '');
  await visit(site, async (page) => {
    for (const first of ['3fffffff', '40000000', '7fffffff', '80000000']) {
      await page.goto(site.url('/plain'));
      const id = `${first}00000000`;
      await page.evaluate((id) => localStorage.setItem('throughline.session', `${id}.${Date.now()}.${Date.now()}`), id);
      for (const path of ['/a', '/b']) {
        await page.goto(site.url(path));
        await page.waitForTimeout(200);
      }
      await leave(page);
      await page.waitForTimeout(500);
    }
    const told = site.received.map(({ report: r }) => [
      r.session_id?.slice(0, 8),
      r.view?.url.slice(-2),
      r.events.some((e) => e.page_view),
      r.events.filter((e) => e.error).length,
      r.sample_weight,
      r.error_weight,
    ]);
    expect(told).toEqual([
      ['3fffffff', '/a', true, 1, 4, 2],
      ['3fffffff', '/b', true, 1, 4, 2],
      ['40000000', '/a', false, 1, 4, 2],
      ['40000000', '/b', false, 1, 4, 2],
      ['7fffffff', '/a', false, 1, 4, 2],
      ['7fffffff', '/b', false, 1, 4, 2],
    ]);
  });
});
