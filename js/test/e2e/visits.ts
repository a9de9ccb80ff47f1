import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { PageView, Report, ViewInfo, WireEvent } from '../../src/wire';
import { expectOneView, type Site } from './harness';

/** Runs a visit in a fresh profile, on a fresh site. Returns what reached the page's onerror. */
export async function visit(
  browser: Browser,
  site: Site,
  run: (page: Page) => Promise<unknown>,
  options: BrowserContextOptions = {},
): Promise<string[]> {
  await site.listen();
  const context = await browser.newContext(options);
  const thrown: string[] = [];
  try {
    const page = await context.newPage();
    page.on('pageerror', (error) => thrown.push(error.message));
    await run(page);
  } finally {
    await context.close();
    site.close();
  }
  return thrown;
}

/** Whether the final report of a view is there. */
export const hasFinal = (site: Site) => () => site.pageViews.some((v) => v.phase === 'final');

export const leave = (page: Page) => page.goto('about:blank');

/** Waits for a few frames, and for what the browser tells of them. */
export const settle = (page: Page, ms = 300) =>
  page.evaluate((ms) => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, ms))), ms);

/** All that was received of one view. */
export interface Told {
  view: ViewInfo;
  reports: Report[];
  events: WireEvent[];
  /** When it began, on the wall clock. */
  startMs: number;
  /** The fields of its early and its final report. */
  fields: Partial<PageView>;
  final: boolean;
}

/** What was received so far by views, in the order in which they began. */
export function told(site: Site): Told[] {
  const ids = [...new Set(site.received.map((r) => r.report.view?.id))];
  return ids
    .map((id) => {
      const reports = site.received
        .map((r) => r.report)
        .filter((r) => r.view?.id === id)
        .sort((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0));
      const events = reports.flatMap((r) => r.events);
      const pages = events.filter((e) => e.page_view);
      return {
        view: reports[0]?.view as ViewInfo,
        reports,
        events,
        startMs: pages[0]?.at_ms ?? Number.NaN,
        fields: Object.assign({}, ...pages.map((e) => e.page_view)) as Partial<PageView>,
        final: pages.some((e) => e.page_view?.phase === 'final'),
      };
    })
    .sort((a, b) => a.startMs - b.startMs);
}

/** Waits until the final reports of so many views are there, checks what holds for all views, and returns them. */
export async function views(site: Site, count: number): Promise<Told[]> {
  await site.until(() => told(site).filter((t) => t.final).length >= count);
  const all = told(site);
  expectViews(all);
  expect(all.map((t) => t.view.url)).toHaveLength(count);
  return all;
}

/** Checks what holds for the views of one visit. */
export function expectViews(all: Told[]): void {
  for (const { reports, events } of all) {
    expectOneView(reports);
    expect(reports.map((r) => r.sequence ?? 0)).toEqual(reports.map((_, i) => i));
    const phases = events.flatMap((e) => e.page_view?.phase ?? []);
    expect(['early', 'final'].filter((phase) => phases.includes(phase as 'early'))).toEqual(phases);
  }
  expect(new Set(all.map((t) => t.view.id)).size).toBe(all.length);
  expect(new Set(all.flatMap((t) => t.reports.map((r) => r.session_id))).size).toBe(1);
}

/** The path of a view's URL. */
export const pathOf = ({ view }: Told) => new URL(view.url).pathname;

/** Defines busy(ms), for handlers that take their time. */
export const busy = 'const busy = (ms) => { const t = performance.now(); while (performance.now() - t < ms); };';

/** An image that browsers do not take for a background, as those of few bytes. */
export const image = (height: number) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="${height}"><!-- ${'x'.repeat(4000)} --><rect width="400" height="${height}"/></svg>`;
