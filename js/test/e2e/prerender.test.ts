import { afterEach, expect, test } from 'vitest';
import { command, obey, openAlone } from './alone';
import { Compared, head } from './library';
import { pathOf, told, views } from './visits';

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

/** What a page knows of its prerendering: moments are on the wall clock. */
interface State {
  prerendering: boolean;
  activatedMs: number;
  begunMs: number;
}

/** A site whose first page has the next one prerendered. */
class Prerendering extends Compared {
  readonly order = command(this);
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
  close = await openAlone(site.url('/'));
  await site.prerendered();
  site.order('/', "location.href = '/next'");
  await site.until(() => site.states.length === 2);
  const state = site.states[1] as State;
  expect(state.prerendering).toBe(false);
  expect(state.activatedMs - state.begunMs).toBeGreaterThan(2000);
  // The same document goes on.
  expect(site.log.filter((line) => line === 'GET /next')).toHaveLength(1);
  await site.until(() => site.received.length === 1);
  site.order('/next', "location.href = '/other'");
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
  close = await openAlone(site.url('/'));
  await site.prerendered();
  site.order('/', "location.href = '/other'");
  await site.until(() => site.log.includes('GET /other'));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(told(site)).toEqual([]);
  site.close();
});
