import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Action } from '../../src/wire';
import { expectOneView, launchShell, Site, send } from './harness';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

const actions = (site: Site): Action[] => site.events.flatMap((e) => e.action ?? []);
const told = (site: Site) => actions(site).map(({ kind, name, target }) => [kind, name, target]);

/** A pixel that each browser can draw. */
const pixel = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';

/** Runs a visit to a page that is settled, and leaves it; errors that reached the page are given back. */
async function visit(site: Site, run: (page: Page) => Promise<void>, path = '/'): Promise<Error[]> {
  await site.listen();
  const context = await browser.newContext();
  const thrown: Error[] = [];
  try {
    const page = await context.newPage();
    page.on('pageerror', (error) => thrown.push(error));
    await page.goto(site.url(path));
    await site.until(() => site.received.length > 0);
    await run(page);
    await page.goto('about:blank');
    await site.until(() => site.pageViews.some((v) => v.phase === 'final'));
    if (new Set(site.received.map((r) => r.report.view?.id)).size === 1) {
      expectOneView(site.received.map((r) => r.report));
    }
  } finally {
    await context.close();
    site.close();
  }
  return thrown;
}

/** Longer than a click waits to be dead. */
const DEAD_MS = 3_000;

test.concurrent('clicks have the name that the makers of the page gave', async () => {
  const site = new Site().page(
    '/',
    `<div data-throughline-name="checkout"><button id="in"><b>Pay</b></button></div>
    <button id="own" data-throughline-name="pay" aria-label="Other">Other</button>
    <button id="label" aria-label="Close">x</button>
    <button id="text">  Buy
       <i>it</i>   now </button>
    <button id="long">${'long '.repeat(30)}</button>
    <a id="link" href="#here">To the <b class="b a">shop</b></a>
    <a id="image" href="#here"><img alt="Home" src="${pixel}" width="20" height="20"></a>
    <div id="role" role="tab">Details</div>
    <div id="handler" onclick="1">Does something</div>
    <label for="mail">Your
      mail</label> <input id="mail" name="field" value="secret">
    <input id="city" name="city" value="secret">
    <input id="hidden" aria-label="Street" name="street" value="secret">
    <select id="size" name="size"><option>secret</option></select>`,
  );
  await visit(site, async (page) => {
    for (const at of [
      '#in b',
      '#own',
      '#label',
      '#text i',
      '#long',
      '#link b',
      '#image img',
      '#role',
      '#handler',
      '#mail',
      '#city',
      '#hidden',
      '#size',
    ]) {
      await page.click(at);
    }
  });
  expect(told(site).map(([, ...named]) => named)).toEqual([
    ['checkout', '#in'],
    ['pay', '#own'],
    ['Close', '#label'],
    ['Buy it now', '#text'],
    ['long '.repeat(30).slice(0, 60), '#long'],
    ['To the shop', '#link'],
    ['Home', '#image'],
    ['Details', '#role'],
    ['Does something', '#handler'],
    ['Your mail', '#mail'],
    ['city', '#city'],
    ['Street', '#hidden'],
    ['size', '#size'],
  ]);
  expect(site.received.map((r) => r.body).join()).not.toContain('secret');
});

test.concurrent('what users write, and what is not made to be clicked, is never told', async () => {
  const site = new Site().page(
    '/',
    `<form onsubmit="return false"><input id="value" value="secret"><input id="send" type="submit" value="secret"></form>
    <textarea id="area">secret</textarea>
    <div id="edit" contenteditable>secret <a id="inner" href="#x">secret</a></div>
    <p id="text">secret <span class="z b">secret</span></p>
    <div><ul class="list"><li>secret</li></ul></div>`,
  );
  await visit(site, async (page) => {
    for (const at of ['#value', '#send', '#area', '#edit', '#inner', '#text', '#text span', 'li']) {
      await page.click(at, { position: { x: 3, y: 3 } });
    }
    await page.fill('#value', 'secret');
    await page.click('#value');
    await page.type('#area', 'secret');
    await page.click('#area');
  });
  expect(told(site).map(([, ...named]) => named)).toEqual([
    ['#value', '#value'],
    ['#send', '#send'],
    ['#area', '#area'],
    ['#edit', '#edit'],
    ['#inner', '#inner'],
    ['#text', '#text'],
    ['#text>span.b.z', '#text>span.b.z'],
    ['html>body>div>ul.list>li', 'html>body>div>ul.list>li'],
    ['#value', '#value'],
    ['#area', '#area'],
  ]);
  expect(site.received.map((r) => r.body).join()).not.toContain('secret');
});

test('a label around a field is told without what is in the field', { concurrent: true }, async () => {
  const site = new Site().page(
    '/',
    `<label>Notes <textarea>secret</textarea></label>
    <label>Size <select><option>secret</option></select></label>`,
  );
  await visit(site, async (page) => {
    await page.click('textarea');
    await page.click('select');
  });
  expect(actions(site)).toHaveLength(2);
  expect(site.received.map((r) => r.body).join()).not.toContain('secret');
});

test('a click at the label of a field is one', { concurrent: true }, async () => {
  const site = new Site().page('/', '<label id="l">Agree <input id="box" type="checkbox"></label>');
  await visit(site, async (page) => {
    await page.click('#l', { position: { x: 3, y: 3 } });
  });
  expect(actions(site)).toHaveLength(1);
});

test.concurrent('clicks in shadow trees have their targets, as far as the page shows them', async () => {
  const site = new Site().page(
    '/',
    `<x-open></x-open><x-shut id="shut"></x-shut><script>
      for (const [name, mode] of [['x-open', 'open'], ['x-shut', 'closed']]) {
        customElements.define(name, class extends HTMLElement {
          constructor() {
            super();
            this.attachShadow({ mode }).innerHTML = '<div><button class="go">Inside</button></div>';
          }
        });
      }
    </script>`,
  );
  await visit(site, async (page) => {
    await page.click('x-open button');
    await page.mouse.click(...(await center(page, '#shut')));
  });
  expect(told(site)).toEqual([
    ['click', 'Inside', 'div>button.go'],
    ['click', '#shut', '#shut'],
  ]);
});

async function center(page: Page, at: string): Promise<[number, number]> {
  return page.evaluate((at) => {
    const { left, top, width, height } = (document.querySelector(at) as Element).getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  }, at);
}

test.concurrent('scripts click unseen, keys are seen', async () => {
  const site = new Site().page('/', '<button id="b">Go</button><p id="p">x</p>');
  const thrown = await visit(site, async (page) => {
    await page.evaluate(() => {
      const button = document.querySelector('#b') as HTMLElement;
      button.click();
      button.dispatchEvent(new MouseEvent('click', { bubbles: true }));
      window.dispatchEvent(new Event('click'));
      document.dispatchEvent(new Event('click'));
      document.querySelector('#p')?.firstChild?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
      button.focus();
    });
    await page.keyboard.press('Enter');
  });
  expect(told(site)).toEqual([['click', 'Go', '#b']]);
  expect(thrown).toEqual([]);
});

test.concurrent('a click at what is no element of this page does no harm', async () => {
  const site = new Site().page(
    '/',
    `<iframe id="frame" hidden></iframe><button id="own">Own</button><script>
      const foreign = frame.contentDocument.createElement('button');
      foreign.id = 'foreign';
      foreign.textContent = 'Foreign';
      document.body.append(foreign);
      addEventListener('click', () => document.body.dataset.clicks = 1 + Number(document.body.dataset.clicks || 0));
    </script>`,
  );
  const thrown = await visit(site, async (page) => {
    await page.click('#foreign');
    await page.click('#own');
    expect(await page.evaluate('document.body.dataset.clicks')).toBe('2');
  });
  expect(told(site)).toContainEqual(['click', 'Own', '#own']);
  expect(thrown).toEqual([]);
});

test.concurrent('a click that the page stops is told', async () => {
  const site = new Site().page(
    '/',
    `<div id="stop" style="height: 40px"><button id="b">Go</button></div><script>
      addEventListener('click', (e) => e.stopImmediatePropagation(), true);
      stop.onclick = (e) => { e.stopPropagation(); e.preventDefault(); };
    </script>`,
  );
  await visit(site, (page) => page.click('#b'));
  expect(told(site)).toEqual([['click', 'Go', '#b']]);
});

test.concurrent('four quick clicks are one of rage, slow ones are apart', async () => {
  const site = new Site().page(
    '/',
    `<button id="rage" onclick="this.title += 'x'">Pay</button><button id="two" onclick="this.title += 'x'">Two</button>
    <button id="slow" onclick="this.title += 'x'">Slow</button>`,
  );
  await visit(site, async (page) => {
    await page.click('#rage', { clickCount: 4 });
    await page.click('#two', { clickCount: 2 });
    await page.click('#slow');
    await page.waitForTimeout(1_200);
    await page.click('#slow');
  });
  expect(actions(site)).toEqual([
    { kind: 'rage_click', name: 'Pay', target: '#rage', count: 4 },
    { kind: 'click', name: 'Two', target: '#two', count: 2 },
    { kind: 'click', name: 'Slow', target: '#slow', count: 1 },
    { kind: 'click', name: 'Slow', target: '#slow', count: 1 },
  ]);
});

test.concurrent('clicks here and there by turns are not of rage', async () => {
  const site = new Site().page(
    '/',
    `<button id="a" onclick="this.title += 'x'">A</button><button id="b" onclick="this.title += 'x'">B</button>`,
  );
  await visit(site, async (page) => {
    for (const at of ['#a', '#b', '#a', '#b']) {
      await page.click(at);
    }
  });
  expect(told(site).map(([kind, name]) => `${kind} ${name}`)).toEqual(['click A', 'click B', 'click A', 'click B']);
});

test.concurrent('a click that nothing answers is dead, unless it is at text', async () => {
  const site = new Site().page('/', '<button id="b">Pay</button><p id="p">Text</p><a href="javascript:void 0">A</a>');
  await visit(site, async (page) => {
    await page.click('#b');
    await page.waitForTimeout(DEAD_MS);
    await page.click('a');
    await page.waitForTimeout(DEAD_MS);
    // Nobody expects anything of text.
    await page.click('#p');
    await page.waitForTimeout(DEAD_MS);
  });
  expect(told(site)).toEqual([
    ['dead_click', 'Pay', '#b'],
    ['dead_click', 'A', 'html>body>a'],
    ['click', '#p', '#p'],
  ]);
});

test('a click that nothing answers is dead while the page still loads', { concurrent: true }, async () => {
  const site = await new Site().page('/', '<button id="b">Pay</button>').listen();
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(site.url('/'));
  await page.click('#b');
  await page.waitForTimeout(DEAD_MS);
  await page.goto('about:blank');
  await site.until(() => site.pageViews.some((v) => v.phase === 'final'));
  await context.close();
  site.close();
  expect(told(site)).toEqual([['dead_click', 'Pay', '#b']]);
});

/** Bodies of pages with an element of id b that is clicked, by what there is to say of the click. */
const answers: Record<string, string> = {
  'changes an attribute': `<button id="b" onclick="setTimeout(() => document.body.dataset.x = 1, 500)">B</button>`,
  'changes a text': `<button id="b" onclick="setTimeout(() => b.firstChild.data = 'C', 500)">B</button>`,
  'adds an element': `<button id="b" onclick="document.body.append('x')">B</button>`,
  'asks for data': `<button id="b" onclick="fetch('/ok').then((r) => r.text())">B</button>`,
  'changes the route': `<button id="b" onclick="history.pushState(0, '', '/routed')">B</button>`,
  scrolls: `<button id="b" onclick="window.scrollTo(0, 500)">B</button><p style="height: 3000px">`,
  'scrolls a part': `<button id="b" onclick="p.scrollTop = 50">B</button>
    <div id="p" style="height: 50px; overflow: auto"><p style="height: 3000px"></div>`,
  'leads to another part of the page': `<a id="b" href="#end">B</a><p style="height: 3000px"><p id="end">x`,
  'leads to a slow page': `<a id="b" href="/slow">B</a>`,
  'opens another page': `<a id="b" href="/next" target="_blank">B</a>`,
  'loads a file': `<a id="b" href="/file" download="file.txt">B</a>`,
  'opens details': `<details><summary id="b">B</summary>x</details>`,
  'opens a popover': `<button id="b" popovertarget="p">B</button><div id="p" popover>x</div>`,
  'moves the focus': `<button id="b" onclick="f.focus()">B</button><input id="f">`,
  'is refused by the form': `<form><input required><button id="b">B</button></form>`,
  'is at a checkbox': `<input id="b" type="checkbox" onclick="1">`,
  'is at the label of a radio': `<label id="b" onclick="1"><input type="radio">B</label>`,
  'is at a select': `<select id="b" role="button"><option>1<option>2</select>`,
  'is at a range': `<input id="b" type="range" onclick="1">`,
  'is at a text field': `<input id="b" onclick="1">`,
};

/** Clicks in one page for each of the bodies, and returns what kinds of actions there were by them. */
async function clickEach(bodies: Record<string, string>): Promise<Record<string, string>> {
  const site = new Site()
    .page('/next', 'x', '')
    .on('/ok', (_, response) => send(response, 'fine'))
    .on('/file', (_, response) => send(response, 'fine'))
    .on('/slow', (_, response) => {
      setTimeout(() => send(response, 'late'), 6_000);
    });
  const names = Object.keys(bodies);
  for (const [i, name] of names.entries()) {
    site.page(`/${i}`, bodies[name] as string);
  }
  await site.listen();
  const context = await browser.newContext();
  const kinds: Record<string, string> = {};
  await Promise.all(
    names.map(async (name, i) => {
      const page = await context.newPage();
      const reports = () => site.received.map((r) => r.report).filter((r) => r.view?.url === site.url(`/${i}`));
      await page.goto(site.url(`/${i}`));
      await site.until(() => reports().length > 0);
      await page.click('#b', { noWaitAfter: true });
      await page.waitForTimeout(DEAD_MS);
      await page.goto('about:blank');
      const own = () => reports().flatMap((r) => r.events.flatMap((e) => e.action ?? []));
      await site.until(() => own().length > 0);
      kinds[name] = [...new Set(own().map((a) => a.kind))].join();
    }),
  );
  await context.close();
  site.close();
  return kinds;
}

for (const half of [0, 1]) {
  test.concurrent(`a click is not dead that has an answer of the ${half ? 'second' : 'first'} ten`, async () => {
    const bodies = Object.entries(answers).slice(half * 10, half * 10 + 10);
    expect(await clickEach(Object.fromEntries(bodies))).toEqual(
      Object.fromEntries(bodies.map(([name]) => [name, 'click'])),
    );
  });
}

const missed: Record<string, string> = {
  'changes a shadow tree': `<x-b id="b"></x-b><script>
    const root = b.attachShadow({ mode: 'open' });
    root.innerHTML = '<button>B</button>';
    root.querySelector('button').onclick = (e) => { e.target.textContent = 'C'; };
  </script>`,
  'empties a form': `<form><input value=""><button id="b" type="reset">B</button></form>`,
  'is at a field in something to be clicked': `<div onclick="1"><input id="b"></div>`,
};
for (const [name, body] of Object.entries(missed)) {
  test(`a click is not dead that ${name}`, { concurrent: true }, async () => {
    expect(await clickEach({ [name]: body })).toEqual({ [name]: 'click' });
  });
}

test.concurrent('a click with an error behind it is told as one', async () => {
  const site = new Site().page(
    '/',
    `<button id="throws" onclick="throw new Error('now')">A</button>
    <button id="rejects" onclick="setTimeout(() => Promise.reject(new Error('soon')), 300)">B</button>
    <button id="late" onclick="this.title = 'x'; setTimeout(() => { throw new Error('late') }, 1500)">C</button>`,
  );
  await visit(site, async (page) => {
    for (const at of ['#throws', '#rejects', '#late']) {
      await page.click(at);
      await page.waitForTimeout(1_800);
    }
  });
  expect(told(site)).toEqual([
    ['error_click', 'A', '#throws'],
    ['error_click', 'B', '#rejects'],
    ['click', 'C', '#late'],
  ]);
});
