// Measures the beacon in real Chromium, beside other agents on the same pages in
// the same run. Figures are on standard output in one line, progress on standard
// error. README.md says what they mean.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { agents, full, ours, snippet } from './agents.mjs';
import { EARLY, startSite } from './site.mjs';

const IDLE_MS = 45_000;
const QUIET_MS = 6_500;
const BOUNCES = 200;
const BOUNCES_AT_A_TIME = 8;
const EVALS = 7;
const STORM = 500;

const progress = (text) => console.error(text);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const gzip = (text) => gzipSync(text, { level: 9 }).length;
const median = (figures) => figures.sort((a, b) => a - b)[Math.floor(figures.length / 2)];

function findBrowser() {
  for (const name of ['chromium-headless-shell', 'chromium', 'google-chrome']) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not in this one.
      }
    }
  }
  throw new Error('no Chromium on the PATH; CHROME_PATH names one');
}

/** Opens a page in a profile of its own, and closes that when run is done. */
async function withPage(browser, run) {
  const context = await browser.newContext();
  try {
    return await run(await context.newPage());
  } finally {
    await context.close();
  }
}

/** Main-thread milliseconds of parsing, compiling and starting a script, on a processor four times slower. */
async function evaluate(browser, site, name) {
  const { script, before, after } = agents[name];
  const text = name === 'throughline' ? script.replace('"/agent/', `"${site.url('/agent/')}`) : script;
  return withPage(browser, async (page) => {
    await page.goto(site.url('/elsewhere'));
    const session = await page.context().newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    return page.evaluate((all) => {
      const begun = performance.now();
      // biome-ignore lint/security/noGlobalEval: what is measured
      // biome-ignore lint/complexity/noCommaOperator: in the page's own scope
      (0, eval)(all);
      return performance.now() - begun;
    }, `${before}\n${text}\n${after}`);
  });
}

/** The median of several times for each agent, in turns, so that none has the browser's first pages alone. */
async function evaluateAll(browser, site) {
  const took = {};
  for (let i = 0; i < EVALS; i++) {
    for (const name of Object.keys(agents)) {
      took[name] ??= [];
      took[name].push(await evaluate(browser, site, name));
    }
  }
  return Object.fromEntries(Object.entries(took).map(([name, all]) => [name, median(all)]));
}

/** What a quiet view sends, and how many requests an idle page makes after its last report. */
async function quiet(browser, site, name) {
  const before = site.of(name).length;
  const idle = await withPage(browser, async (page) => {
    await page.goto(site.url(`/page/shop?agent=${name}&token=secret#secret`), { referer: site.url('/?token=secret') });
    await sleep(QUIET_MS);
    const settled = site.of(name).length;
    await sleep(IDLE_MS);
    const later = site.of(name).length - settled;
    await page.goto(site.url('/elsewhere'));
    await sleep(1000);
    return later;
  });
  const sent = site.of(name).slice(before);
  return { requests: sent.length - idle, bytes: sent.reduce((sum, r) => sum + r.bytes, 0), idle };
}

/** What a view sends in which the user clicks, the route changes, and two errors are thrown. */
async function active(browser, site, name) {
  const before = site.of(name).length;
  await withPage(browser, async (page) => {
    await page.goto(site.url(`/page/shop?agent=${name}&token=secret`));
    await sleep(2000);
    await page.click('#buy');
    await sleep(QUIET_MS - 2000);
    await page.goto(site.url('/elsewhere'));
    await sleep(1000);
  });
  const sent = site.of(name).slice(before);
  return { requests: sent.length, bytes: sent.reduce((sum, r) => sum + r.bytes, 0) };
}

/** How many of those who leave 300 ms after the page has loaded are told of, their last error included. */
async function bounces(browser, site) {
  let next = 0;
  const visitor = () =>
    withPage(browser, async (page) => {
      for (let i = next++; i < BOUNCES; i = next++) {
        await page.goto(site.url('/page/shop?agent=throughline'));
        await page.evaluate(
          (number) =>
            new Promise((resolve) => {
              setTimeout(() => {
                setTimeout(() => {
                  throw new Error(`last words <${number}>`);
                });
                setTimeout(resolve, 30);
              }, 270);
            }),
          i,
        );
        await page.goto(site.url('/elsewhere'));
      }
      await sleep(500);
    });
  await Promise.all(Array.from({ length: BOUNCES_AT_A_TIME }, visitor));
  const reports = site.of('throughline').map(reportOf);
  const viewsWith = (has) => new Set(reports.filter((r) => r.events.some(has)).map((r) => r.view));
  const final = viewsWith((e) => e.phase === FINAL);
  return [...viewsWith((e) => e.error?.startsWith('last words'))].filter((view) => final.has(view)).length;
}

/** The bytes that many identical errors take, and how many of them are told. */
async function storm(browser, site) {
  const before = site.of('throughline').length;
  await withPage(browser, async (page) => {
    await page.goto(site.url('/page/shop?agent=throughline'));
    await page.evaluate((times) => {
      for (let i = 0; i < times; i++) {
        setTimeout(() => {
          throw new RangeError('storm');
        }, i * 2);
      }
    }, STORM);
    await sleep(2500);
    await page.goto(site.url('/elsewhere'));
    await sleep(500);
  });
  const sent = site.of('throughline').slice(before);
  const errors = sent.flatMap((r) => reportOf(r).events);
  return {
    bytes: sent.reduce((sum, r) => sum + r.bytes, 0),
    count: errors.filter((e) => e.error === 'storm').reduce((sum, e) => sum + e.count, 0),
  };
}

/** The place of final among the phases of a page view. */
const FINAL = 2;

/** What is asked of a report, from its compact form (../../beacon/compact.go): the id of its view, and of each event some of it. */
function reportOf({ text }) {
  const row = columns(JSON.parse(text.slice(text.indexOf('['))));
  return {
    view: row[12][0],
    events: row[14].map(([kind, ...rest]) => {
      const [, , , first, , , count = 1] = columns(rest);
      return kind === 0 ? { phase: first } : kind === 2 ? { error: first, count } : {};
    }),
  };
}

/** The columns of a row, in which a negative number says how many are left out. */
function columns(row) {
  const all = [];
  for (const value of row) {
    if (value < 0) {
      all.length -= value;
    } else {
      all.push(value);
    }
  }
  return all;
}

/** How many of the errors before the script are told. */
async function early(browser, site) {
  const before = site.of('throughline').length;
  await withPage(browser, async (page) => {
    await page.goto(site.url('/early'));
    await sleep(1000);
    await page.goto(site.url('/elsewhere'));
    await sleep(500);
  });
  return site
    .of('throughline')
    .slice(before)
    .flatMap((r) => reportOf(r).events)
    .filter((e) => /^(early|refused)/.test(e.error ?? '')).length;
}

async function measure(browser, site) {
  const evals = await evaluateAll(browser, site);
  for (const name of Object.keys(agents)) {
    progress(`${name}: gzip ${gzip(agents[name].script)} B, ${evals[name].toFixed(1)} ms to start`);
  }
  const figures = {};
  await Promise.all(
    Object.keys(agents).map(async (name) => {
      figures[name] = { quiet: await quiet(browser, site, name), active: await active(browser, site, name) };
      const { quiet: q, active: a } = figures[name];
      progress(
        `${name}: quiet ${q.bytes} B in ${q.requests}, then ${q.idle} in ${IDLE_MS / 1000} s; active ${a.bytes} B in ${a.requests}`,
      );
    }),
  );
  const leaked = site.of('throughline').reduce((sum, r) => sum + r.text.split('secret').length - 1, 0);
  const { quiet: q, active: a } = figures.throughline;
  const stormed = await storm(browser, site);
  return {
    gzip_bytes: gzip(ours),
    full_gzip_bytes: gzip(full),
    snippet_gzip_bytes: gzip(snippet),
    eval_ms: evals.throughline.toFixed(1),
    eval_ratio_lux: (evals.throughline / evals.lux).toFixed(2),
    quiet_wire_bytes: q.bytes,
    quiet_requests: q.requests,
    active_wire_bytes: a.bytes,
    active_requests: a.requests,
    idle_requests: q.idle,
    bounces_delivered: await bounces(browser, site),
    storm_bytes: stormed.bytes,
    storm_count: stormed.count,
    early_delivered: await early(browser, site),
    early_thrown: EARLY,
    secrets_leaked: leaked,
  };
}

const site = await startSite();
const browser = await chromium.launch({
  executablePath: process.env.CHROME_PATH || findBrowser(),
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  const figures = await measure(browser, site);
  console.log(
    Object.entries(figures)
      .map((pair) => pair.join('='))
      .join(' '),
  );
} finally {
  await browser.close();
  site.close();
}
