import { createHash } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TransactionConfig } from '../../src/config';
import type { PageError } from '../../src/wire';
import { expectOneView, launchShell, Site, script, send, setVisibility } from './harness';
import { hasFinal, leave, visit as visitIn } from './visits';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

const visit = (site: Site, run: (page: Page) => Promise<unknown>, options = {}) => visitIn(browser, site, run, options);

const errors = (site: Site): PageError[] => site.events.flatMap((e) => e.error ?? []);
const bodies = (site: Site) => site.received.map((r) => r.body).join('\n');
const sessions = (site: Site) => new Set(site.received.map((r) => r.report.session_id));
// A request definition that matches nothing here makes the beacon watch fetch and XMLHttpRequest.
const watching: TransactionConfig[] = [{ name: 'Other', version: '1', request: { path: '^/never$' } }];

test.concurrent('a storage that is emptied all the time keeps one session on the page', async () => {
  const site = new Site().page(
    '/',
    '<script>setInterval(() => { localStorage.clear(); cleared = true; }, 100)</script>',
  );
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    for (let i = 1; i < 4; i++) {
      await page.evaluate('cleared = false');
      await page.waitForFunction('cleared');
      await page.evaluate('throughline.view()');
      await page.evaluate(setVisibility, 'hidden' as const);
      await page.evaluate(setVisibility, 'visible' as const);
      await site.until(() => site.pageViews.filter((v) => v.phase === 'final').length === i + 1);
    }
    expect(new Set(site.received.map((r) => r.report.view?.id)).size).toBe(4);
    expect(sessions(site).size).toBe(1);
  });
});

const brokenStorage: Record<string, string> = {
  'is blocked': `Object.defineProperty(window, 'localStorage', { get() { throw new Error('hostile') } })`,
  'is none': `Object.defineProperty(window, 'localStorage', { value: null })`,
  'cannot be read': `Storage.prototype.getItem = () => { throw new Error('hostile') }`,
  'is full': `Storage.prototype.setItem = () => { throw new Error('hostile') }`,
  'keeps nothing': `Storage.prototype.setItem = () => {}`,
  'holds nonsense': `localStorage.setItem('throughline.session', 'x'.repeat(1e6))`,
};

test.concurrent('a storage that is broken does no harm', async () => {
  const site = new Site();
  const paths = Object.values(brokenStorage).map((code, i) => {
    site.page(`/${i}`, 'x', `<script>${code}</script><script src="/t.js"></script>`);
    return `/${i}`;
  });
  const thrown = await visit(site, async (page) => {
    for (const path of paths) {
      await page.goto(site.url(path));
      await page.evaluate('throughline.view()');
      await leave(page);
      const own = () => site.received.filter((r) => r.report.view?.url === site.url(path));
      await site.until(() => own().length === 2);
      const [first, second] = own().map((r) => r.report.session_id);
      expect(first).toMatch(/^[0-9a-f]{16}$/);
      expect(second).toBe(first);
    }
  });
  expect(thrown).toEqual([]);
});

test.concurrent('whatever becomes of the clock, times are those of the view', async () => {
  const site = new Site().page('/', 'x');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    const at = (await page.evaluate(`(() => {
      const real = Date.now;
      const at = {};
      const hours = { none: 0, back: -30, forward: 30 };
      return (async () => {
        for (const [name, by] of Object.entries(hours)) {
          Date.now = () => real() + by * 3600000;
          at[name] = performance.timeOrigin + performance.now();
          throughline.event(name);
          setTimeout(() => { throw new Error(name) });
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
        return at;
      })();
    })()`)) as Record<string, number>;
    await site.until(() => site.received.length > 0);
    await page.evaluate('Date.now = () => 1');
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
    expect(sessions(site).size).toBe(1);
    for (const [name, ms] of Object.entries(at)) {
      const named = site.events.filter((e) => e.action?.name === name || e.error?.message === name);
      expect(named).toHaveLength(2);
      for (const { at_ms } of named) {
        expect(Math.abs(at_ms - ms)).toBeLessThan(5_000);
      }
    }
    const final = site.pageViews.find((v) => v.phase === 'final');
    expect(final?.duration_ms).toBeGreaterThan(900);
    expect(final?.duration_ms).toBeLessThan(3_600_000);
  });
});

const fail = `() => { throw new Error('hostile') }`;
/** What pages may replace by what throws, and whether the beacon tells of the page nevertheless. */
const replaced: Record<string, { before?: boolean; after?: boolean }> = {
  'JSON.stringify': { after: true },
  'Array.prototype.map': {},
  'Array.prototype.filter': {},
  'Array.prototype.toJSON': { before: true, after: true },
  'Object.entries': {},
  'String.prototype.replace': {},
  'Map.prototype.values': {},
  'Date.now': {},
  'crypto.getRandomValues': {},
  'navigator.sendBeacon': { after: true },
  addEventListener: { after: true },
  fetch: { before: true, after: true },
  'Element.prototype.closest': { before: true, after: true },
  'MutationObserver.prototype.observe': { before: true, after: true },
  'PerformanceObserver.prototype.observe': { after: true },
  'PerformanceObserver.prototype.takeRecords': {},
  PerformanceObserver: { after: true },
};

for (const when of ['before', 'after'] as const) {
  test.concurrent(`of what pages replace by what throws, ${when} the script, they hear nothing`, async () => {
    const site = new Site(watching);
    const names = Object.keys(replaced);
    for (const name of names) {
      const replace = `<script>${name} = ${fail}</script>`;
      const load = '<script src="/t.js"></script>';
      site.page(
        `/${name}`,
        `<button id="b" style="width: 90px; height: 90px">x</button><img src="/missing.png">
        <script>setTimeout(() => { throw new Error('own') })</script>`,
        when === 'before' ? replace + load : load + replace,
      );
    }
    const thrown = await visit(site, async (page) => {
      for (const name of names) {
        await page.goto(site.url(`/${name}`));
        await page.mouse.click(30, 30);
        await page.waitForTimeout(100);
      }
      await leave(page);
      await page.waitForTimeout(1_000);
    });
    expect(thrown.filter((message) => message !== 'own')).toEqual([]);
    expect(thrown).toHaveLength(names.length);
    const told = site.received
      .filter((r) => r.report.events.some((e) => e.page_view?.phase === 'final'))
      .map((r) => r.report.view?.url?.split('/').pop());
    expect(names.filter((name) => replaced[name]?.[when] && !told.includes(name))).toEqual([]);
  });
}

const heard: Record<string, string> = {
  'Function.prototype.bind': 'before',
  'performance.now': 'before',
  'PerformanceObserverEntryList.prototype.getEntries': 'after',
  'MutationObserver.prototype.disconnect': 'after',
};
for (const [name, when] of Object.entries(heard)) {
  test(`pages that replace ${name} ${when} the script hear nothing`, { concurrent: true }, async () => {
    const replace = `<script>${name} = ${fail}</script>`;
    const load = '<script src="/t.js"></script>';
    const site = new Site().page(
      '/',
      '<button style="width: 90px; height: 90px">x</button>',
      when === 'before' ? replace + load : load + replace,
    );
    const thrown = await visit(site, async (page) => {
      await page.goto(site.url('/'));
      await page.mouse.click(30, 30);
      await page.waitForTimeout(3_000);
    });
    expect(thrown).toEqual([]);
  });
}

test.concurrent('frozen prototypes are no obstacle', async () => {
  const site = new Site(watching)
    .page(
      '/',
      `<button id="b" onclick="throw new Error('own')">Pay</button>`,
      `<script>
        for (const { prototype } of [Object, Array, Function, String, RegExp, Map, Set, WeakMap, Promise, Error, EventTarget, Event,
          Node, Element, HTMLElement, History, Storage, XMLHttpRequest, Request, Headers, PerformanceObserver, Performance]) {
          Object.freeze(prototype);
        }
        for (const object of [Object, Array, JSON, Math, Reflect, history, navigator, performance, console, crypto]) {
          Object.freeze(object);
        }
      </script><script src="/t.js"></script>`,
    )
    .on('/ok', (_, response) => send(response, 'fine'));
  const thrown = await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.click('#b');
    await page.evaluate(() => fetch('/ok', { method: 'POST' }).then((r) => r.text()));
    await page.evaluate(`throughline.event('constructor', { plan: 'pro' })`);
    await site.until(() => site.received.length > 0);
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
    expect(site.events.flatMap((e) => e.request?.method ?? [])).toEqual(['POST']);
    expect(site.events.flatMap((e) => e.action?.kind ?? []).sort()).toEqual(['error_click', 'event']);
  });
  expect(thrown).toEqual(['own']);
});

/** What libraries of zones do to a page: they wrap whatever calls back. */
const zones = `
  const wrap = (fn) => typeof fn !== 'function' ? fn : fn.zoned ||= function (...args) { zoned++; return fn.apply(this, args); };
  window.zoned = 0;
  const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (type, fn, options) { return add.call(this ?? window, type, wrap(fn), options); };
  EventTarget.prototype.removeEventListener = function (type, fn, options) { return remove.call(this ?? window, type, fn?.zoned ?? fn, options); };
  for (const name of ['setTimeout', 'setInterval', 'requestAnimationFrame', 'requestIdleCallback', 'queueMicrotask']) {
    const native = window[name];
    window[name] = function (fn, ...args) { return native.call(window, wrap(fn), ...args); };
  }
  for (const name of ['MutationObserver', 'PerformanceObserver', 'ResizeObserver']) {
    const Native = window[name];
    window[name] = class extends Native { constructor(fn) { super(wrap(fn)); } };
  }
  const Native = window.Promise;
  window.Promise = class ZoneAwarePromise {
    static resolve(value) { return new ZoneAwarePromise((resolve) => resolve(value)); }
    static reject(value) { return new ZoneAwarePromise((_, reject) => reject(value)); }
    constructor(run) { this.inner = new Native(wrap(run)); }
    then(...fns) { const next = this.inner.then(...fns.map(wrap)); return new ZoneAwarePromise((resolve, reject) => next.then(resolve, reject)); }
    catch(fn) { return this.then(undefined, fn); }
  };
  const { fetch } = window;
  window.fetch = function (...args) { return window.Promise.resolve(fetch.apply(this, args)); };
  for (const name of ['open', 'send']) {
    const native = XMLHttpRequest.prototype[name];
    XMLHttpRequest.prototype[name] = function (...args) { zoned++; return native.apply(this, args); };
  }`;

for (const when of ['before', 'after']) {
  test.concurrent(`zones that come ${when} the script are no obstacle`, async () => {
    const zone = `<script>{${zones}}</script>`;
    const load = '<script src="/t.js"></script>';
    const site = new Site(watching)
      .page(
        '/',
        `<button id="b" onclick="this.title = 'x'">Pay</button>`,
        when === 'before' ? zone + load : load + zone,
      )
      .on('/ok', (_, response) => send(response, 'fine'));
    const thrown = await visit(site, async (page) => {
      await page.goto(site.url('/'));
      await page.click('#b');
      await page.evaluate(`
        fetch('/ok', { method: 'POST' }).then((r) => r.text()).then((text) => { answer = text });
        xhr = new XMLHttpRequest(); xhr.open('PUT', '/ok'); xhr.onload = () => { other = xhr.responseText }; xhr.send();
        setTimeout(() => { throw new Error('own') });
        undefined;
      `);
      await page.waitForFunction(`globalThis.answer === 'fine' && globalThis.other === 'fine'`);
      expect(await page.evaluate('zoned')).toBeGreaterThan(0);
      await site.until(() => site.received.length > 0);
      await leave(page);
      await site.until(hasFinal(site));
      expectOneView(site.received.map((r) => r.report));
      expect(site.events.flatMap((e) => e.request?.method ?? []).sort()).toEqual(['POST', 'PUT']);
      expect(site.events.flatMap((e) => e.action?.name ?? [])).toEqual(['Pay']);
      expect(errors(site).map((e) => e.message)).toEqual(['own']);
    });
    expect(thrown).toEqual(['own']);
  });
}

test.concurrent('copies of the script that come later are none', async () => {
  const site = new Site(watching)
    .page('/', '<h1>x</h1>')
    .on('/lean.js', (_, response) => send(response, script(), 'text/javascript'));
  const thrown = await visit(site, async (page) => {
    const add = (src: string) =>
      page.evaluate(
        (src) =>
          new Promise((resolve) => {
            const element = Object.assign(document.createElement('script'), { src, onload: resolve });
            document.head.append(element);
          }),
        src,
      );
    await page.goto(site.url('/'));
    await add('/lean.js');
    await site.until(() => site.received.length > 0);
    await add('/t.js?2');
    await page.evaluate(`setTimeout(() => { throw new Error('own') }); throughline.event('one')`);
    await page.evaluate(setVisibility, 'hidden' as const);
    await site.until(hasFinal(site));
    await page.evaluate(setVisibility, 'visible' as const);
    await add('/lean.js?3');
    // As long as the early report of a copy would take.
    await page.waitForTimeout(2_500);
    await leave(page);
    await site.until(() => site.received.length === 3);
    await page.waitForTimeout(500);
    expectOneView(site.received.map((r) => r.report));
    expect(site.pageViews.map((v) => v.phase)).toEqual(['early', 'final']);
    expect(errors(site)).toMatchObject([{ message: 'own', count: 1 }]);
    expect(site.events.flatMap((e) => (e.action?.kind === 'event' ? e.action.name : []))).toEqual(['one']);
  });
  expect(thrown).toEqual(['own']);
});

test.concurrent('a script that comes after the load tells of the load all the same', async () => {
  const site = new Site()
    .page('/', '<h1>Text</h1><img src="/a.svg">', '')
    .on('/a.svg', (_, response) =>
      send(response, '<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"/>', 'image/svg+xml'),
    );
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.waitForTimeout(500);
    await page.evaluate(() => document.head.append(Object.assign(document.createElement('script'), { src: '/t.js' })));
    await site.until(() => site.received.length > 0);
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
    expect(Object.assign({}, ...site.pageViews)).toMatchObject({
      ttfb_ms: expect.any(Number),
      load_ms: expect.any(Number),
      fcp_ms: expect.any(Number),
      lcp_ms: expect.any(Number),
      status_code: 200,
    });
    expect(site.events.find((e) => e.resources?.type === 'img')?.resources?.count).toBe(1);
  });
});

test.concurrent('five hundred equal errors take little room, and are all counted', async () => {
  const site = new Site().page(
    '/',
    `<script>
      function brokenHandlerOfThePage() { throw new TypeError('Cannot read properties of undefined'); }
      window.seen = 0;
      addEventListener('error', () => seen++);
      for (let i = 0; i < 500; i++) setTimeout(brokenHandlerOfThePage, 4 * i);
    </script>`,
  );
  const thrown = await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    await page.waitForFunction('seen === 500');
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
  });
  expect(thrown).toHaveLength(500);
  expect(errors(site).reduce((sum, e) => sum + e.count, 0)).toBe(500);
  expect(Buffer.byteLength(bodies(site))).toBeLessThan(2_560);
});

test.concurrent('a strict policy and the integrity of the script are no obstacle', async () => {
  const text = script();
  const integrity = `sha384-${createHash('sha384').update(text).digest('base64')}`;
  const other = await new Site().listen();
  other.on('/t.js', (_, response) => send(response, text, 'text/javascript', { 'access-control-allow-origin': '*' }));
  const from = new URL(other.url('/')).origin;
  const policy = (more: string) => ({
    'content-security-policy': `default-src 'self'${more}; require-trusted-types-for 'script'; trusted-types 'none'`,
  });
  const tag = (src: string) => `<script src="${src}" integrity="${integrity}" crossorigin="anonymous"></script>`;
  const site = new Site()
    .on('/t.js', (_, response) => send(response, text, 'text/javascript'))
    .page('/own', '<button id="b">x</button><img src="/missing.png">', tag('/t.js'), policy(''))
    .page('/other', 'x', tag(`${from}/t.js`), policy(` ${from}`));
  const noise: string[] = [];
  const thrown = await visit(site, async (page) => {
    page.on('console', (message) => noise.push(message.text()));
    await page.goto(site.url('/own'));
    await page.click('#b');
    await site.until(() => site.received.length === 1);
    await page.goto(site.url('/other'));
    await other.until(() => other.received.length === 1);
    await leave(page);
    await other.until(() => other.received.length === 2);
    await site.until(() => site.received.length === 2);
  });
  other.close();
  expect(thrown).toEqual([]);
  expect(noise.filter((line) => !line.includes('404'))).toEqual([]);
  expect(errors(site).map((e) => e.kind)).toEqual(['resource']);
  expect(errors(other)).toEqual([]);
});

/** Parts of paths that may say who somebody is. */
const secrets = [
  'bob.secret@mail.example',
  'bob.secret%40mail.example',
  '550e8400-e29b-41d4-a716-446655440000',
  '0af7651916cd43dd8448eb211c80319c',
  '49152001234',
  'aB3dE5fG7hI9jK1lM-_n',
];
const path = `/u/${secrets.join('/')}`;
const scrubbed = '/u/[email]/[email]/[id]/[id]/[id]/[id]';
const tail = '?token=querysecret&mail=bob.secret@mail.example#fragmentsecret';
const leaks = (site: Site) =>
  [...secrets, 'querysecret', 'fragmentsecret', 'passwordsecret', 'bob.secret'].filter((s) => bodies(site).includes(s));

test.concurrent('of addresses no secret leaves, wherever they stand', async () => {
  const image = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400"><!-- ${'x'.repeat(9000)} -->
    <rect width="600" height="400"/></svg>`;
  const site = new Site(watching)
    .page(`${path}/from`, `<a id="go" href="${path}${tail}">Go</a>`, '<meta name="referrer" content="unsafe-url">')
    .page(
      path,
      `<img src="${path}/large.svg${tail}"><img src="${path}/missing.png${tail}">
      <button id="slow">Pay</button><script src="${path}/app.js${tail}"></script>`,
    )
    .on(`${path}/large.svg`, (_, response) => send(response, image, 'image/svg+xml'))
    .on(`${path}/data`, (_, response) => send(response, 'fine'))
    .on(`${path}/app.js`, (_, response) =>
      send(
        response,
        `slow.onclick = function pay() { const t = performance.now(); while (performance.now() - t < 150); };`,
        'text/javascript',
      ),
    );
  await visit(site, async (page) => {
    await page.goto(site.url(`${path}/from${tail}`));
    await page.click('#go');
    await page.waitForURL((url) => !url.pathname.endsWith('from'));
    await page.evaluate(
      async ([path, tail]) => {
        const ask = (url: string) =>
          new Promise((resolve) => {
            const xhr = new XMLHttpRequest();
            xhr.open('GET', url);
            xhr.onloadend = resolve;
            xhr.send();
          });
        await fetch(`${path}/data${tail}`).then((r) => r.text());
        await ask(`${path}/data${tail}`);
        await fetch(`${path}/none${tail}`).then((r) => r.text());
        const { host } = location;
        await fetch(`http://bob.secret:passwordsecret@${host}/data`).catch(() => {});
        await ask(`http://bob.secret:passwordsecret@${host}${path}/data`);
      },
      [path, tail] as const,
    );
    await site.until(() => site.pageViews.length > 0);
    await page.click('#slow');
    await page.evaluate(
      () => new Promise((resolve) => new PerformanceObserver(resolve).observe({ type: 'event', buffered: true })),
    );
    await page.evaluate((url) => history.pushState(0, '', url), `${path}/routed${tail}`);
    await leave(page);
    await site.until(() => site.pageViews.filter((v) => v.phase === 'final').length === 2);

    const views = site.received.map((r) => r.report.view);
    expect(views.map((v) => v?.url)).toEqual(
      expect.arrayContaining([site.url(scrubbed), site.url(`${scrubbed}/routed`)]),
    );
    expect(views.map((v) => v?.referrer)).toContain(site.url(`${scrubbed}/from`));
    const asked = site.events.flatMap((e) => (e.request ? [`${e.request.initiator} ${e.request.url}`] : []));
    for (const what of ['fetch data', 'fetch none', 'xmlhttprequest data', 'img missing.png']) {
      const [initiator, name] = what.split(' ');
      expect(asked).toContain(`${initiator} ${site.url(`${scrubbed}/${name}`)}`);
    }
    expect(errors(site).map((e) => e.message)).toContain(`img not loaded: ${site.url(`${scrubbed}/missing.png`)}`);
    const view = Object.assign({}, ...site.pageViews);
    expect(view.lcp_url).toBe(site.url(`${scrubbed}/large.svg`));
    expect(view.inp_script_url).toBe(site.url(`${scrubbed}/app.js`));
    expect(leaks(site)).toEqual([]);
  });
});

test.concurrent('of addresses that a policy blocks no secret leaves', async () => {
  const site = new Site().page('/', `<img src="${path}/x.png${tail}">`, undefined, {
    'content-security-policy': "default-src 'self'; img-src 'none'",
  });
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await leave(page);
    await site.until(hasFinal(site));
    expect(errors(site).map((e) => e.message)).toContain(`img-src blocked ${site.url(`${scrubbed}/x.png`)}`);
    expect(leaks(site)).toEqual([]);
  });
});

const texts = (path: string) => `<script>
  setTimeout(() => { throw new Error('cannot load https://bob.secret:passwordsecret@shop.example${path}${tail}') });
  Promise.reject(new Error('cannot load ${path}${tail}'));
  throughline.error('cannot load //shop.example${path}${tail}');
  throughline.event('failed', { url: 'https://shop.example${path}${tail}' });
  console.error('cannot load', 'https://shop.example${path}${tail}');
</script>`;

test.concurrent('of addresses in texts no credentials, query or fragment leaves', async () => {
  const site = new Site()
    .on('/t.js', (_, response) => send(response, script([], '/collect', { consoleErrors: true }), 'text/javascript'))
    .page('/', `${texts('/x')}<script src="/app.js${tail}"></script>`)
    .on('/app.js', (_, response) =>
      send(response, `setTimeout(function named() { failed = true; throw new Error('in app'); })`, 'text/javascript'),
    );
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.waitForFunction('globalThis.failed');
    await leave(page);
    await site.until(hasFinal(site));
    expect(
      errors(site)
        .map((e) => e.message)
        .sort(),
    ).toEqual([
      'cannot load //shop.example/x',
      'cannot load /x',
      'cannot load https://shop.example/x',
      'cannot load https://shop.example/x',
      'in app',
    ]);
    expect(errors(site).find((e) => e.message === 'in app')?.stack).toContain(`at named (${site.url('/app.js')}:1:`);
    expect(leaks(site)).toEqual([]);
  });
});

test('of the paths of addresses in texts no secret leaves', { concurrent: true }, async () => {
  const site = new Site().page('/', texts(path));
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await leave(page);
    await site.until(hasFinal(site));
    expect(leaks(site)).toEqual([]);
  });
});

test('of the paths of scripts no secret leaves with stacks', { concurrent: true }, async () => {
  const site = new Site()
    .page('/', `<script src="${path}/app.js"></script>`)
    .on(`${path}/app.js`, (_, response) =>
      send(response, `setTimeout(function named() { failed = true; throw new Error('in app'); })`, 'text/javascript'),
    );
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.waitForFunction('globalThis.failed');
    await leave(page);
    await site.until(hasFinal(site));
    expect(errors(site)).toHaveLength(1);
    expect(leaks(site)).toEqual([]);
  });
});

/** What scrubPath of scrub.ts does not take for an id. */
const unknownShapes: Record<string, string> = {
  'UUIDs in capitals': '550E8400-E29B-41D4-A716-446655440000',
  'short e-mail addresses': 'a@b.co',
  'session ids of Java': 'cart.jsp;jsessionid=1A530637289A03B07199A44E8D531427',
  'JSON Web Tokens': 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  'tokens in Base64': 'dGhpcyBpcyBhIHNlY3JldCB0b2tlbg==',
};
for (const [name, segment] of Object.entries(unknownShapes)) {
  test(`no ${name} leave`, { concurrent: true }, async () => {
    const site = new Site().page(`/u/${segment}`, 'x');
    await visit(site, async (page) => {
      await page.goto(site.url(`/u/${segment}`));
      await leave(page);
      await site.until(hasFinal(site));
      expect(bodies(site)).not.toContain(segment.replace('cart.jsp;', ''));
    });
  });
}
