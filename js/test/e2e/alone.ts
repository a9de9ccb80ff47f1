import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Site, send } from './harness';

// Who drives a browser through DevTools changes it: it prerenders nothing, and each tab
// counts as seen. So here nobody does: pages ask the server what to do next.

/** Opens a browser at a URL; returns a function that ends it. */
export async function openAlone(url: string): Promise<() => Promise<void>> {
  const profile = mkdtempSync(join(tmpdir(), 'alone-'));
  const args = [
    '--headless',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-popup-blocking',
    `--user-data-dir=${profile}`,
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    url,
  ];
  for (const name of process.env.CHROME_PATH ? [process.env.CHROME_PATH] : ['chromium', 'google-chrome']) {
    const child = spawn(name, args, { detached: true, stdio: 'ignore' });
    const missing = await new Promise((resolve) => child.once('spawn', () => resolve(false)).once('error', resolve));
    if (!missing) {
      return async () => {
        if (child.exitCode === null) {
          const gone = new Promise((resolve) => child.once('exit', resolve));
          process.kill(-(child.pid as number), 'SIGKILL');
          await gone;
        }
        rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      };
    }
  }
  throw new Error('found no browser on the PATH; set CHROME_PATH');
}

/** Script of pages that do what the server says, each order once: obey() begins to ask. */
export const obey = `<script>
  const obey = async () => {
    const order = await (await fetch('/order?of=' + location.pathname)).text();
    order && (0, eval)(order);
    setTimeout(obey, 100);
  };
</script>`;

/** Lets the site give orders: returns what tells the page at a path to run a script. */
export function command(site: Site): (path: string, script: string) => void {
  const orders = new Map<string, string>();
  site.on('/order', (request, response) => {
    const path = new URL(request.url as string, 'http://site').searchParams.get('of') as string;
    send(response, orders.get(path) ?? '');
    orders.delete(path);
  });
  return (path, script) => orders.set(path, script);
}
