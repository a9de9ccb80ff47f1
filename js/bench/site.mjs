// The site that the agents are measured on, and what it receives of them.
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { agents, snippet } from './agents.mjs';

const types = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml', json: 'application/json' };
const image = `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><!-- ${'x'.repeat(3000)} --><rect width="300" height="200"/></svg>`;

/** A page with one style sheet, three scripts, ten images, a fetch and an XMLHttpRequest. */
function shop({ script, before, after }) {
  const images = Array.from({ length: 10 }, (_, i) => `<img src="/file/image-${i}.svg" width="60" height="40">`).join(
    '',
  );
  return `<!doctype html><html><head><title>Shop</title><link rel="stylesheet" href="/file/shop.css">
    <script>${before}</script><script src="/script/${script}"></script><script>${after}</script></head><body>
    <h1 id="title">Shop</h1><img src="/file/hero.svg" width="300" height="200">${images}<div id="top"></div>
    <button id="buy">Buy</button><p>Text that moves</p>
    <script src="/file/a.js"></script><script src="/file/b.js"></script><script src="/file/c.js"></script>
    <script>
      fetch('/file/list.json').then((r) => r.json());
      const x = new XMLHttpRequest(); x.open('GET', '/file/more.json'); x.send();
      buy.onclick = () => {
        const t = performance.now(); while (performance.now() - t < 120);
        fetch('/file/order.json', { method: 'POST', body: '{}' });
        history.pushState({}, '', '/page/checkout?token=secret');
        setTimeout(() => { document.querySelector('#top').style.height = '80px'; }, 300);
        setTimeout(() => { throw new TypeError('cannot pay'); }, 400);
        setTimeout(() => Promise.reject(new RangeError('out of stock')), 450);
      };
    </script></body></html>`;
}

/** Starts the site. Requests of the agents are kept by page, which their cookieless address tells. */
export async function startSite() {
  const received = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://site');
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks);
    const send = (text, type) => response.writeHead(200, { 'content-type': type }).end(text);
    const [, kind, name] = url.pathname.split('/');
    if (kind === 'agent') {
      const packed = body[0] === 0x1f && body[1] === 0x8b;
      received.push({
        agent: name,
        at: Date.now(),
        bytes: request.url.length + body.length,
        text: request.url + (packed ? gunzipSync(body) : body).toString(),
      });
      send('{}', types.json);
    } else if (kind === 'script') {
      send(agents[name].script, types.js);
    } else if (kind === 'page') {
      send(shop({ ...agents[url.searchParams.get('agent')], script: url.searchParams.get('agent') }), 'text/html');
    } else if (kind === 'early') {
      send(early(), 'text/html');
    } else if (kind === 'slow') {
      setTimeout(() => send(agents.throughline.script, types.js), 400);
    } else if (kind === 'file') {
      const type = types[name.split('.').pop()];
      send({ [types.svg]: image, [types.json]: '{"items":[1,2,3]}' }[type] ?? '/* nothing */', type);
    } else {
      send('<!doctype html><title>Elsewhere</title>', 'text/html');
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    received,
    of: (agent) => received.filter((r) => r.agent === agent || r.agent.startsWith(`${agent}-`)),
    url: (path) => `http://127.0.0.1:${server.address().port}${path}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** How many errors the page throws before its script is there: half of them are rejections. */
export const EARLY = 20;

function early() {
  return `<!doctype html><html><head><script>${snippet}</script><script async src="/slow"></script></head><body><script>
    for (let i = 0; i < ${EARLY / 2}; i++) {
      setTimeout(() => { throw new Error('early' + 'abcdefghij'[i]); });
      Promise.reject(new Error('refused' + 'abcdefghij'[i]));
    }
  </script></body></html>`;
}
