import { URL } from './lib/url';

/** What the collector puts into the script; js.Config in Go. */
export interface Config {
  /** Where reports go: a URL, or a path on the script's own origin. */
  collect: string;
  environment?: string;
  /** Whether what the page writes to console.error is told. */
  consoleErrors?: boolean;
  /** Whether nothing is kept or sent before the page tells of the user's consent. */
  consent?: boolean;
  /** The share of sessions that is measured, from 0 to 1; and of those of which errors are told. */
  sampleRate?: number;
  errorSampleRate?: number;
  /** Source of a regular expression for the names of marks and measures that are told. */
  userTiming?: string;
  /** Origins of which requests get a traceparent header, such as https://api.example; self is the page's own. */
  traceOrigins?: string[];
  /** In order of precedence. */
  transactions?: TransactionConfig[];
}

/** A business transaction of one step; it has a page or a request. */
export interface TransactionConfig {
  name: string;
  version: string;
  /** Source of a regular expression for the page's path. */
  page?: string;
  request?: {
    /** Upper case; absent for any. */
    method?: string;
    /** Source of a regular expression for the request URL's path. */
    path: string;
  };
}

// Stands free in the bundle, once; js.Script replaces it with the JSON of a Config.
declare const __THROUGHLINE_CONFIG__: Config;

/** Config, script tag and injection taken together. */
export interface Settings {
  /** Absolute URL to post reports to, which are not measured themselves; undefined when injected. */
  collectUrl?: string;
  /** Hands a report to the journey runner; undefined on real users' pages. */
  deliver?: (body: string) => void;
  environment?: string;
  release?: string;
  config: Config;
}

/** Reads the settings. Call it while the script is first evaluated, for document.currentScript. */
export function readSettings(): Settings {
  const config = __THROUGHLINE_CONFIG__;
  const script = document.currentScript as HTMLScriptElement | null;
  const settings: Settings = {
    environment: script?.dataset.environment || config.environment,
    release: script?.dataset.release,
    config,
  };
  const injected = takeInjection();
  if (injected) {
    settings.deliver = injected;
  } else {
    // Throws, and so ends it, for a path without a script that it is on the origin of.
    settings.collectUrl = new URL(config.collect, script?.src || undefined).href;
  }
  return settings;
}

/** Reads what a journey runner left for us, and removes it before the page can see it. */
function takeInjection(): ((body: string) => void) | undefined {
  const world = globalThis as unknown as Record<string, unknown>;
  const injection = world.__throughline_inject as { binding: string } | undefined;
  if (!injection) {
    return undefined;
  }
  delete world.__throughline_inject;
  const name = injection.binding;
  // Take the function now, before the page can replace it.
  const early = world[name];
  return (body) => ((early || world[name]) as (body: string) => void)(body);
}
