/** No longer than this: it is for people, and one of few. */
const MAX_LENGTH = 100;

/**
 * Describes where a node is in the page, a text by its element: by names and classes, from the nearest
 * ancestor with an id on, as far as there is room.
 */
export function selector(node: Node | null | undefined): string | undefined {
  let path = '';
  for (let at = node instanceof Element ? node : node?.parentElement; at; at = at.parentElement) {
    // Not the property: a field named id hides that of its form.
    const id = at.getAttribute('id');
    const step = id ? `#${id}` : [at.localName, ...[...at.classList].sort()].join('.');
    if (path && path.length + step.length >= MAX_LENGTH) {
      break;
    }
    path = path ? `${step}>${path}` : step;
    if (id) {
      break;
    }
  }
  return path || undefined;
}
