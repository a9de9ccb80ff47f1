/** No longer than this: it is for people, and one of few. */
const MAX_LENGTH = 100;

/**
 * Describes where a node is in the page: by names and classes, from the nearest
 * ancestor with an id on, as far as there is room.
 */
export function selector(node: Node | null | undefined): string | undefined {
  let path = '';
  for (let at = node; at && at.nodeType !== Node.DOCUMENT_NODE; at = at.parentNode) {
    const element = at.nodeType === Node.ELEMENT_NODE ? (at as Element) : undefined;
    // Not the property: a field named id hides that of its form.
    const id = element?.getAttribute('id');
    const name = element ? element.localName : at.nodeName.slice(1).toUpperCase();
    const step = id ? `#${id}` : [name, ...[...(element?.classList ?? [])].sort()].join('.');
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
