import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { send } from './harness';
import { Compared, head } from './library';
import { pathOf, told, views } from './visits';

// Browsers do not prerender for who drives them through DevTools. So nobody does: the
// pages ask the server where to go next.
let chrome: ChildProcess | undefined;
let profile: string | undefined;
afterEach(async () => {
  if (chrome?.pid && chrome.exitCode === null) {
    const gone = new Promise((resolve) => chrome?.once('exit', resolve));
    process.kill(-chrome.pid, 'SIGKILL');
    await gone;
  }
  if (profile) {
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
});

/** Opens a browser at a URL, by itself. */
async function open(url: string): Promise<void> {
  profile = mkdtempSync(join(tmpdir(), 'prerender-'));
  const args = [
    '--headless',
    '--no-first-run',
    '--disable-background-networking',
    `--user-data-dir=${profile}`,
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    url,
  ];
  for (const name of process.env.CHROME_PATH ? [process.env.CHROME_PATH] : ['chromium', 'google-chrome']) {
    const child = spawn(name, args, { detached: true, stdio: 'ignore' });
    const failed = await new Promise((resolve) => child.once('spawn', () => resolve(false)).once('error', resolve));
    if (!failed) {
      chrome = child;
      return;
    }
  }
  throw new Error('found no browser on the PATH; set CHROME_PATH');
}

/** Runs in the pages: goes where the server says, once it says so. */
const obey = `<script>
  const obey = async () => {
    const to = await (await fetch('/order?of=' + location.pathname)).text();
    to ? location.href = to : setTimeout(obey, 100);
  };
</script>`;

/** What a page knows of its prerendering: moments are on the wall clock. */
interface State {
  prerendering: boolean;
  activatedMs: number;
  begunMs: number;
}

/** A site whose first page has the next one prerendered. */
class Prerendering extends Compared {
  /** Where each page is to go. */
  orders: Record<string, string> = {};
  /** What the prerendered page said of itself. */
  states: State[] = [];

  constructor() {
    super();
    this.page(
      '/',
      `<h1>First</h1>${obey}<script>obey()</script>
      <script type="speculationrules">{"prerender":[{"urls":["/next"],"eagerness":"immediate"}]}</script>`,
      '',
    )
      .page(
        '/next',
        `<style>body { margin: 8px }</style><h1>Next</h1><img src="/large.svg">${obey}<script>
          const say = () => fetch('/state', { method: 'POST', body: JSON.stringify({
            prerendering: document.prerendering,
            activatedMs: performance.timeOrigin + performance.getEntriesByType('navigation')[0].activationStart,
            begunMs: performance.timeOrigin,
          }) });
          addEventListener('load', () => setTimeout(say));
          document.addEventListener('prerenderingchange', () => { say(); obey(); });
          setTimeout(() => { throw new Error('while prerendering'); });
        </script>`,
        head,
      )
      .page('/other', '<h1>Other</h1>', '')
      .on('/order', (request, response) => {
        const of = new URL(request.url as string, 'http://site').searchParams.get('of') as string;
        send(response, this.orders[of] ?? '');
      })
      .on('/state', async (request, response) => {
        let text = '';
        for await (const chunk of request) {
          text += chunk;
        }
        this.states.push(JSON.parse(text));
        response.writeHead(204).end();
      });
  }

  /** Waits for the page to be there, and for longer than its early report would take. */
  async prerendered(): Promise<void> {
    await this.until(() => this.states.length > 0);
    expect(this.states[0]?.prerendering).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(this.received).toEqual([]);
  }
}

test('a page that the browser prerenders tells nothing before it is activated, and then counts from there', async () => {
  const site = (await new Prerendering().listen()) as Prerendering;
  await open(site.url('/'));
  await site.prerendered();
  site.orders['/'] = '/next';
  await site.until(() => site.states.length === 2);
  const state = site.states[1] as State;
  expect(state.prerendering).toBe(false);
  expect(state.activatedMs - state.begunMs).toBeGreaterThan(2000);
  // The same document goes on.
  expect(site.log.filter((line) => line === 'GET /next')).toHaveLength(1);
  await site.until(() => site.received.length === 1);
  site.orders['/next'] = '/other';
  const [view] = await views(site, 1);
  await site.until(() => site.said.length > 0);
  expect(view && pathOf(view)).toBe('/next');
  expect(view?.view).toMatchObject({ navigation: 'prerender', referrer: site.url('/') });
  expect(view?.reports.map((r) => r.automated)).toEqual([undefined, undefined]);
  expect(Math.abs((view?.startMs as number) - state.activatedMs)).toBeLessThanOrEqual(1);
  expect(site.expectSame(view?.fields ?? {}, 'prerender', '/next')).toEqual(
    expect.arrayContaining(['cls', 'fcp_ms', 'lcp_ms', 'ttfb_ms']),
  );
  expect(view?.fields).toMatchObject({ ttfb_ms: 0, load_ms: 0, dom_interactive_ms: 0, status_code: 200 });
  expect(view?.fields.lcp_url).toBe(site.url('/large.svg'));
  expect(view?.fields).not.toHaveProperty('abandoned');
  // It is on the screen from its activation to its end.
  expect(view?.fields.visible_ms).toBe(view?.fields.duration_ms);
  const error = view?.events.find((e) => e.error);
  expect(error?.error?.message).toBe('while prerendering');
  expect(error?.at_ms).toBe(view?.startMs);
  site.close();
});

test('a page that is prerendered in vain tells nothing', async () => {
  const site = (await new Prerendering().listen()) as Prerendering;
  await open(site.url('/'));
  await site.prerendered();
  site.orders['/'] = '/other';
  await site.until(() => site.log.includes('GET /other'));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(told(site)).toEqual([]);
  site.close();
});
