import { accessSync, constants, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { expect } from 'vitest';
import type { Config, TransactionConfig } from '../../src/config';
import type { PageView, Report, WireEvent } from '../../src/wire';
import { refusal } from '../contract';
import { readCompact } from '../readCompact';
import { unknownFields } from '../wireFields';

const read = (name: string) => readFileSync(new URL(`../../dist/${name}`, import.meta.url), 'utf8');
const lean = read('beacon.js');
const full = read('beacon-full.js');

/** What pages hold inline to keep errors that come before the beacon. */
export const snippet = read('snippet.js');

/** Starts the browser of CHROME_PATH, or the first of names on the PATH. */
export async function launch(...names: string[]): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: process.env.CHROME_PATH || find(names),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    // The driver turns the back/forward cache off; users have it.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
  if (Number.parseInt(browser.version(), 10) < MIN_VERSION) {
    await browser.close();
    throw new Error(
      `the tests need Chromium ${MIN_VERSION} or newer, this is ${browser.version()}: update it, or set CHROME_PATH`,
    );
  }
  return browser;
}

/** The first with soft navigations of its own. */
const MIN_VERSION = 151;

/** The browser for what needs no window. */
export const launchShell = () => launch('chromium-headless-shell', 'chromium', 'google-chrome');
/** The browser for what the headless shell lacks: the back/forward cache. */
export const launchWhole = () => launch('chromium', 'google-chrome');

function find(names: string[]): string {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not in this one.
      }
    }
  }
  throw new Error(`found none of ${names.join(', ')} on the PATH; set CHROME_PATH`);
}

/** The beacon as the collector serves it. */
export function script(
  transactions: TransactionConfig[] = [],
  collect = '/collect',
  more: Partial<Config> = {},
): string {
  const config: Config = { collect, environment: 'test', transactions, ...more };
  // As embed.go chooses.
  const wants = config.traceOrigins || transactions.some((t) => t.request);
  return (wants ? full : lean).replace('__THROUGHLINE_CONFIG__', JSON.stringify(config));
}

export interface Received {
  body: string;
  report: Report;
  contentType: string;
  /** How the browser sent it: empty is fetch's or sendBeacon's mode. */
  mode: string;
  cookie?: string;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A web server with the beacon at /t.js and the collector at /collect. */
export class Site {
  readonly received: Received[] = [];
  /** Method and path of every request. */
  readonly log: string[] = [];
  private readonly handlers = new Map<string, Handler>();
  private readonly waiting = new Set<() => void>();
  private readonly server = createServer((request, response) => this.serve(request, response));

  constructor(transactions: TransactionConfig[] = []) {
    this.on('/t.js', (_, response) => send(response, script(transactions), 'text/javascript'));
    this.on('/collect', (request, response) => this.collect(request, response));
    this.on('/favicon.ico', (_, response) => response.end());
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  /** What answers at a path now. */
  handler(path: string): Handler {
    return this.handlers.get(path) as Handler;
  }

  on(path: string, handler: Handler): this {
    this.handlers.set(path, handler);
    return this;
  }

  /** Serves a page that has the beacon's script first, unless head says otherwise. */
  page(path: string, body: string, head = '<script src="/t.js"></script>', headers: Record<string, string> = {}): this {
    return this.on(path, (_, response) =>
      send(response, `<!doctype html><html><head>${head}</head><body>${body}</body></html>`, 'text/html', headers),
    );
  }

  /** Events so far, in the order of arrival. */
  get events(): WireEvent[] {
    return this.received.flatMap((r) => r.report.events);
  }

  get pageViews(): PageView[] {
    return this.events.flatMap((e) => e.page_view ?? []);
  }

  /** Those of requests, but for that of the beacon itself, which is slow to come on a busy machine. */
  get requests(): WireEvent[] {
    return this.events.filter(({ request }) => request && !request.url.endsWith('/t.js'));
  }

  /** Waits until what was received fulfils the condition. */
  async until(condition: () => unknown): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!condition()) {
      if (Date.now() > deadline) {
        throw new Error(
          `in vain: ${condition}\nreceived ${this.received.map((r) => r.body.slice(0, 1000)).join('\n')}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      this.waiting.clear();
    }
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url as string).split('?')[0] as string;
    this.log.push(`${request.method} ${path}`);
    const handler = this.handlers.get(path);
    if (handler) {
      handler(request, response);
    } else {
      response.writeHead(404).end('no such page');
    }
    this.wake();
  }

  private collect(request: IncomingMessage, response: ServerResponse): void {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      response.writeHead(204, { 'access-control-allow-origin': '*' }).end();
      if (request.method === 'POST') {
        this.accept(body, request);
      }
    });
  }

  private accept(body: string, request: IncomingMessage): void {
    const report = readCompact(body);
    this.received.push({
      body,
      report,
      contentType: request.headers['content-type'] ?? '',
      mode: String(request.headers['sec-fetch-mode']),
      cookie: request.headers.cookie,
    });
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) {
      resolve();
    }
  }
}

/** Checks what holds for all reports of one page view. */
export function expectOneView(reports: Report[]): void {
  const [first] = reports as [Report];
  const seen = new Set<string>();
  const ids = new Set<string>();
  for (const report of reports) {
    expect(unknownFields(report)).toEqual([]);
    // The journey runner adds what it knows of the run.
    const journey = { name: 'journey', run_id: '0000000000000001', location: 'here' };
    expect(refusal(report.source === 'synthetic' ? { ...report, journey } : { ...report })).toBeUndefined();
    expect(report.view).toEqual(first.view);
    expect(report.session_id).toBe(first.session_id);
    for (const event of report.events) {
      expect(event.id).toMatch(/^[0-9a-f]{16}$/);
      expect(ids).not.toContain(event.id);
      ids.add(event.id);
      expect(Number.isInteger(event.at_ms)).toBe(true);
      for (const field of Object.keys(event.page_view ?? {}).filter((name) => name !== 'phase')) {
        expect(seen, `${field} is sent once`).not.toContain(field);
        seen.add(field);
      }
    }
  }
}

export function send(
  response: ServerResponse,
  text: string,
  type = 'text/plain',
  headers: Record<string, string> = {},
): void {
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, ...headers }).end(text);
}

/** Hides the page, or shows it again, as far as scripts can see. */
export function setVisibility(state: 'hidden' | 'visible'): void {
  if (state === 'hidden') {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
  } else {
    Reflect.deleteProperty(document, 'visibilityState');
  }
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}
