// The console's page: asks for the figures every ten seconds while somebody
// can see them. Names and texts come from monitored pages and are hostile:
// they only ever become text nodes.

const PERIOD_MS = 10_000;
const LONGEST_PAUSE_MS = 60_000;
const PATIENCE_MS = 20_000;
/** Below this many samples no interval of a p75 exists. */
const FEW = 11;

const element = (id) => document.getElementById(id);
const build = document.querySelector("meta[name=build]").content;
const count = new Intl.NumberFormat("en");

let figures; // the last that came
let failures = 0; // since then
let problem = "";
let timer;
let running;

async function refresh() {
  clearTimeout(timer);
  if (document.hidden || running) return;
  running = true;
  try {
    figures = await read();
    failures = 0;
    problem = "";
    showRows(figures.rows);
  } catch (error) {
    failures += 1;
    problem = error.name === "TimeoutError" || error instanceof TypeError ? "The collector did not answer." : error.message;
  }
  running = false;
  showState();
  // A little unevenly, so that many open pages do not ask at once.
  const pause = Math.min(PERIOD_MS * 2 ** failures, LONGEST_PAUSE_MS);
  timer = setTimeout(refresh, (failures ? pause : PERIOD_MS) * (0.9 + Math.random() / 5));
}

async function read() {
  const response = await fetch("api/overview", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  const newer = response.headers.get("X-Console-Build");
  if (newer && newer !== build) element("update").hidden = false;
  if (!(response.headers.get("Content-Type") ?? "").startsWith("application/json")) {
    throw new Error(`The collector answered with status ${response.status}.`);
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

/** Says how old the figures are, and what is wrong if something is. */
function showState() {
  const box = element("problem");
  const text = problem && (figures ? `${problem} These figures are ${age()} old.` : `${problem} Trying again.`);
  if (box.textContent !== text) box.textContent = text; // not announced twice
  box.hidden = !problem;
  element("overview").classList.toggle("stale", Boolean(problem));
  if (!figures) {
    element("age").textContent = problem ? "No figures yet" : "Reading the figures…";
    return;
  }
  const at = new Date(figures.as_of);
  element("age").textContent = `Last ${spell(figures.window_ms)}, as of ${at.toLocaleTimeString([], { hour12: false })}`;
}

/** How old the figures are, coarse enough not to be announced every second. */
function age() {
  const seconds = Math.max(0, (Date.now() - Date.parse(figures.as_of)) / 1000);
  if (seconds < 60) return "less than a minute";
  return `more than ${seconds < 120 ? "a minute" : spell(Math.floor(seconds / 60) * 60_000)}`;
}

function spell(ms) {
  const minutes = Math.round(ms / 60_000);
  const [amount, unit] = minutes % 60 === 0 ? [minutes / 60, "hour"] : [minutes, "minute"];
  return amount === 1 ? unit : `${amount} ${unit}s`;
}

function showRows(rows) {
  element("overview").hidden = rows.length === 0;
  element("empty").hidden = rows.length > 0;
  element("rows").replaceChildren(...rows.map(rowOf));
}

function rowOf(r) {
  const row = make("tr", "", "row");
  const name = make("th", "name", "rowheader", r.transaction);
  name.scope = "row";
  name.append(make("small", "", "", r.app));
  row.append(
    name,
    cell("Source", "", r.source),
    apdexCell(r),
    cell("Instances", "n", count.format(r.instances)),
    cell("Completed", "n", count.format(r.completed), share(r.completed, r.instances)),
    percentileCell("Wait, p75", r.p75_wait_ms, r.instances),
    percentileCell("LCP, p75", r.p75_lcp_ms, r.lcp_samples),
    cell("JS errors", r.errors ? "n bad" : "n", count.format(r.errors)),
  );
  return row;
}

/** A rating is a word, a shape and a colour; a small group has no colour. */
function apdexCell(r) {
  const td = cell("Apdex", `apdex ${r.small_group ? "small" : r.rating}`, r.apdex_text);
  if (r.rating) td.append(make("small", "", "", r.rating));
  return td;
}

function percentileCell(label, ms, samples) {
  if (ms === null) return cell(label, "n", "–");
  return cell(label, samples < FEW ? "n few" : "n", duration(ms), `n = ${count.format(samples)}`);
}

function cell(label, className, text, note) {
  const td = make("td", className, "cell");
  td.dataset.label = label;
  td.append(make("span", "", "", text));
  if (note) td.append(make("small", "", "", note));
  return td;
}

function make(tag, className, role, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (role) made.setAttribute("role", role);
  made.textContent = text;
  return made;
}

function duration(ms) {
  if (ms >= 9_950) return `${Math.round(ms / 1000)} s`;
  return ms >= 995 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`;
}

/** A share in percent; "all" and "none" only where it is so. */
function share(part, whole) {
  if (!whole) return "";
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 1) return "< 1 %";
  if (percent > 99 && percent < 100) return `${Math.floor(percent * 10) / 10} %`;
  return `${Math.round(percent)} %`;
}

document.addEventListener("visibilitychange", refresh);
addEventListener("online", refresh);
setInterval(showState, 5_000);
refresh();
