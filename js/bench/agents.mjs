// The agents that are measured: what a page holds of each, and where it reports to.
import { readFileSync } from 'node:fs';

const file = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');

const beacon = file('../dist/beacon.js');
/** The script for apps that switch on what few do. */
export const full = file('../dist/beacon-full.js');
export const snippet = file('../dist/snippet.js');

/** The beacon as the collector serves it. */
export const ours = beacon.replace(
  '__THROUGHLINE_CONFIG__',
  JSON.stringify({ collect: '/agent/throughline', environment: 'bench', transactions: [] }),
);

/** By name: before stands in the page in front of the script, after behind it. */
export const agents = {
  throughline: { script: ours, before: '', after: '' },
  lux: {
    script: file('node_modules/@speedcurve/lux/dist/lux.es2020.min.js'),
    before: 'LUX = { beaconUrl: "/agent/lux", errorBeaconUrl: "/agent/lux-error", customerid: "1", samplerate: 100 };',
    after: '',
  },
  elastic: {
    script: file('node_modules/@elastic/apm-rum/dist/bundles/elastic-apm-rum.umd.min.js'),
    before: '',
    after: 'elasticApm.init({ serviceName: "bench", serverUrl: location.origin, serverUrlPrefix: "/agent/elastic" });',
  },
  faro: {
    script: file('node_modules/@grafana/faro-web-sdk/dist/bundle/faro-web-sdk.iife.js'),
    before: '',
    after: 'GrafanaFaroWebSdk.initializeFaro({ url: "/agent/faro", app: { name: "bench" } });',
  },
};
