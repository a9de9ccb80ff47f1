import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { PageView } from '../../src/wire';
import { Site, send } from './harness';
import { image } from './visits';

// The Web Vitals are held against those of the library of the people who define
// them, on the same page, in the same visit; routes too.
const library = readFileSync(
  new URL('../../node_modules/web-vitals/dist/web-vitals.attribution.iife.js', import.meta.url),
  'utf8',
);

/** What the library said last of one metric. */
interface Metric {
  name: 'FCP' | 'LCP' | 'CLS' | 'INP' | 'TTFB';
  value: number;
  navigation: string;
  path: string;
  parts: Partial<PageView>;
}

/** Runs in the page: keeps what the library says, and sends it when the page is hidden. */
function listen(): void {
  const said: Metric[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: a global of the library's script
  const { onFCP, onLCP, onCLS, onINP, onTTFB } = (globalThis as any).webVitals;
  // biome-ignore lint/suspicious/noExplicitAny: the metric of any of the five
  const keep = (parts: (a: any) => Partial<PageView>) => (m: any) =>
    said.push({
      name: m.name,
      value: m.value,
      navigation: m.navigationType,
      path: new URL(m.navigationURL).pathname,
      parts: parts(m.attribution),
    });
  const options = { reportSoftNavs: true };
  onTTFB(
    keep(() => ({})),
    options,
  );
  onFCP(
    keep(() => ({})),
    options,
  );
  onLCP(
    keep((a) => ({
      lcp_element: a.target,
      lcp_url: a.url,
      lcp_resource_load_delay_ms: a.url && a.resourceLoadDelay,
      lcp_resource_load_duration_ms: a.url && a.resourceLoadDuration,
      lcp_element_render_delay_ms: a.elementRenderDelay,
    })),
    options,
  );
  onCLS(
    keep((a) => ({ cls_element: a.largestShiftTarget })),
    options,
  );
  onINP(
    keep((a) =>
      // Of an interaction that is only counted the library has parts of no length.
      a.interactionTarget
        ? {
            inp_element: a.interactionTarget,
            inp_input_delay_ms: a.inputDelay,
            inp_processing_duration_ms: a.processingDuration,
            inp_presentation_delay_ms: a.presentationDelay,
          }
        : {},
    ),
    options,
  );
  // The library listens on window, which comes before document.
  document.addEventListener('visibilitychange', () => navigator.sendBeacon('/library', JSON.stringify(said)), true);
}

/** Loads the library, and then the beacon. */
export const head = `<script src="/library.js"></script><script>(${listen})()</script><script src="/t.js"></script>`;

const FIELDS = { FCP: 'fcp_ms', LCP: 'lcp_ms', CLS: 'cls', INP: 'inp_ms', TTFB: 'ttfb_ms' } as const;

/** A site with the library, which knows what that said. */
export class Compared extends Site {
  said: Metric[] = [];

  constructor() {
    super();
    this.on('/library.js', (_, response) => send(response, library, 'text/javascript'))
      .on('/small.svg', (_, response) => send(response, image(100), 'image/svg+xml'))
      .on('/large.svg', (_, response) => void setTimeout(() => send(response, image(500), 'image/svg+xml'), 200))
      .on('/library', async (request, response) => {
        let text = '';
        for await (const chunk of request) {
          text += chunk;
        }
        this.said = JSON.parse(text) as Metric[];
        response.writeHead(204).end();
      });
  }

  /** Checks that the fields of a view are what the library said of it, and returns the names of those that it did. */
  expectSame(ours: Partial<PageView>, navigation: string, path: string): string[] {
    const theirs: Partial<PageView> = {};
    for (const { name, value, parts } of this.said.filter((m) => m.navigation === navigation && m.path === path)) {
      // A route has no document to wait for: the library has zero, the beacon nothing.
      if (name !== 'TTFB' || navigation !== 'soft-navigation') {
        Object.assign(theirs, { [FIELDS[name]]: value }, parts);
      }
    }
    for (const [name, should] of Object.entries(theirs)) {
      const is = ours[name as keyof PageView];
      if (typeof should === 'number') {
        // The wire has tenths of a millisecond, and ten-thousandths of a shift.
        expect(Math.abs((is as number) - should), `${name} of ${path}: ${is}, not ${should}`).toBeLessThanOrEqual(0.06);
      } else {
        expect(is, `${name} of ${path}`).toBe(should);
      }
    }
    for (const name of Object.values(FIELDS)) {
      if (!(name in theirs)) {
        expect(ours, `${name} of ${path}`).not.toHaveProperty(name);
      }
    }
    return Object.keys(theirs).sort();
  }
}
