import { ActionKind } from '../compact';
import { guard } from '../lib/guard';
import { now } from '../lib/now';
import { selector } from '../lib/selector';
import { Kind } from '../view';

/** Clicks on one element that follow one another faster are counted together; from three on they are of rage. */
const RAGE_MS = 1000;
const RAGE_CLICKS = 3;
/** An error is due to a click that was not longer ago. */
const ERROR_MS = 1000;
/** A click after which nothing happens for so long is dead. */
const DEAD_MS = 2500;
const MAX_NAME = 60;

/** What can be clicked for something to happen, and says what in words of the page's makers. */
const ACTIVE = 'a[href],button,summary,[onclick],[role=button],[role=link],[role=tab],[role=menuitem]';
/** What answers by itself, in ways that scripts cannot see, or is written into. */
const FIELD = 'input,select,textarea,label,option,video,audio,[contenteditable]';

/** Places in the row of an action; a click has neither kind nor count. */
enum Place {
  kindAt = 3,
  countAt,
}

/** The clicks of one view. */
export interface Clicks {
  /** Takes a click; returns its row, which may yet change, unless it repeats the one before. */
  take(event: Event): unknown[] | undefined;
  /** The row of the last click, while it may yet change. */
  pending(): unknown[] | undefined;
  /** Something happened to the page: an error, or anything else that answers a click. */
  answered(error?: boolean): void;
}

/** Begins to collect the clicks of a view. */
export function createClicks(): Clicks {
  let row: unknown[] = [];
  let element: Element | undefined;
  let lastMs = Number.NEGATIVE_INFINITY;
  let count = 0;
  let stopWaiting: (() => void) | undefined;

  /** Says what a click was; what is said first counts. */
  function judge(kind: ActionKind): void {
    row[Place.kindAt] ||= kind;
  }

  function waitForAnswer(clicked: Element): void {
    const observer = new MutationObserver(guard(() => stopWaiting?.()));
    // The document does not show what happens in shadow trees.
    for (const root of [document, clicked.getRootNode()]) {
      observer.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
    }
    const timer = setTimeout(
      guard(() => {
        judge(ActionKind.dead_click);
        stopWaiting?.();
      }),
      DEAD_MS,
    );
    stopWaiting = () => {
      observer.disconnect();
      clearTimeout(timer);
      stopWaiting = undefined;
    };
  }

  return {
    take(event) {
      const { isTrusted, timeStamp } = event;
      const clicked = event.composedPath()[0];
      // The click at a label makes another, at its field.
      if (!isTrusted || !(clicked instanceof Element) || (timeStamp === lastMs && clicked !== element)) {
        return undefined;
      }
      stopWaiting?.();
      const again = clicked === element && timeStamp - lastMs < RAGE_MS;
      lastMs = timeStamp;
      if (again) {
        row[Place.countAt] = ++count;
        if (count >= RAGE_CLICKS) {
          row[Place.kindAt] = ActionKind.rage_click;
        }
        return undefined;
      }
      element = clicked;
      count = 1;
      const active = clicked.closest(ACTIVE);
      const target = selector(active || clicked);
      row = [Kind.action, nameOf(clicked, active) || target || 'page', target];
      // What opens another page, or a file, changes nothing in this one.
      if (active && !clicked.closest(`${FIELD},[target],[download]`)) {
        waitForAnswer(clicked);
      }
      return row;
    },
    pending: () => (stopWaiting || now() - lastMs < ERROR_MS ? row : undefined),
    answered(error) {
      stopWaiting?.();
      if (error && now() - lastMs < ERROR_MS) {
        judge(ActionKind.error_click);
      }
    },
  };
}

/** What the page's makers call an element: never what its user has written. */
function nameOf(element: Element, active: Element | null): string | undefined {
  const named = element.closest('[data-throughline-name]');
  const field = element.closest<Element & { labels?: NodeListOf<Element> | null }>(FIELD);
  // The text before or behind the field, which may stand within and have texts of its own.
  const { firstChild, lastChild } = element.closest('label') || field?.labels?.[0] || {};
  const text =
    named?.getAttribute('data-throughline-name') ||
    (active || field || element).getAttribute('aria-label') ||
    (field
      ? firstChild?.nodeValue?.trim() || lastChild?.nodeValue || field.getAttribute('name')
      : active?.textContent) ||
    active?.querySelector('img')?.alt;
  return text?.trim().replace(/\s+/g, ' ').slice(0, MAX_NAME);
}
