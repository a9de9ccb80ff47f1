#!/usr/bin/env node
// Makes robots.txt, and the agents that test it, from the npm package
// crawler-user-agents (MIT), in its newest version or the one that is named:
//   node ingest/client/refresh.mjs [VERSION]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Patterns that people's browsers hold, too: apps that show pages, names and builds
// of devices, and texts so short that they are found anywhere.
const people = new Set(
  `Sogou|Viber|MetaIAB Facebook|AP3A\\.240617\\.008|mail\\.ru|Fluid|Notion\\/|Asana\\/|Tumblr\\/|GoPay|PayPal\\/|Blackboard
  |Instapaper\\/|Overcast\\/|PocketCasts\\/|NextCloud|Mastodon|Code\\/1\\.|Trae\\/|Bluesky\\/|Goodreads|ExodusMovement|upday\\/
  |Swisscows|DMBrowser|CapitalOneShopping|Salesforce\\.com|Sonic|Fever|Yeti|Magellan|Butterfly|Adventurer|Charlotte|speedy
  |Make\\/|Verity\\/|Uptime\\/|Grammarly\\/|008\\/|ds9|RED\\/|BW\\/|s4a\\/|Flipboard|Anchor Browser|Odin;`
    .split('|')
    .map((pattern) => pattern.trim()),
);

const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'robots-'));
try {
  const wanted = `crawler-user-agents@${process.argv[2] ?? 'latest'}`;
  const archive = execFileSync('npm', ['pack', '--silent', wanted], { cwd: folder, encoding: 'utf8' }).trim();
  execFileSync('tar', ['xzf', archive], { cwd: folder });
  const read = (name) => readFileSync(join(folder, 'package', name), 'utf8');
  const { version } = JSON.parse(read('package.json'));
  const listed = JSON.parse(read('crawler-user-agents.json')).filter(({ pattern }) => !people.has(pattern));

  const licence = read('LICENSE').trim().replace(/^/gm, '# ').replace(/ +$/gm, '');
  const about = `# Robots, a pattern and a name in each line. Made by refresh.mjs of the patterns of
# crawler-user-agents ${version}, whose licence is this:
#
${licence}
`;
  const lines = listed.map(({ pattern, instances }) => {
    // In JSON a slash was escaped for JavaScript's literals; elsewhere it need not be.
    const plain = pattern.replaceAll('\\/', '/');
    return `${plain}\t${nameOf(pattern, instances)}\n`;
  });
  writeFileSync(join(here, 'robots.txt'), about + lines.join(''));
  const agents = listed.flatMap(({ pattern, instances }) =>
    // Not those that link to the pages of a package.
    instances.filter((agent) => new RegExp(pattern).test(agent) && !/[\r\n\t]|\/project\//.test(agent)),
  );
  const from = `# Agents of robots, from crawler-user-agents ${version}; its licence is in robots.txt.\n`;
  writeFileSync(join(here, 'testdata', 'robots.txt'), `${from}${[...new Set(agents)].join('\n')}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

/** The part of a listed agent that the pattern finds, else the pattern as it reads. */
function nameOf(pattern, instances) {
  const found = instances.map((agent) => new RegExp(pattern).exec(agent)?.[0]).find(Boolean);
  const name = found ?? pattern.replace(/[\\^$]/g, '');
  return name.replace(/^https?:\/\/|^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '').slice(0, 40);
}
