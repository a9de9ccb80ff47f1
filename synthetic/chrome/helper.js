// What looks into a page for the runner. It runs in an isolated world: it shares
// the document with the page, but no variable or prototype.
globalThis.throughline = (() => {
  const scopes = (roots) => roots.map((root) => root.shadowRoot ?? root);

  const unique = (elements) => [...new Set(elements)];

  // Every element below a root, through open shadow roots.
  function* deep(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* deep(element.shadowRoot);
    }
  }

  const textless = new Set(["SCRIPT", "STYLE", "HEAD", "TITLE", "TEMPLATE", "NOSCRIPT"]);

  const isButton = (element) =>
    element.localName === "input" && ["button", "submit", "reset"].includes(element.type);

  const textOf = (element) => {
    if (isButton(element)) return element.value;
    let text = "";
    for (const child of (element.shadowRoot ?? element).childNodes) {
      if (child.nodeType === Node.TEXT_NODE) text += child.data;
      else if (child.nodeType === Node.ELEMENT_NODE && !textless.has(child.nodeName)) text += textOf(child);
    }
    return text;
  };

  const squeeze = (text) => text.replace(/\s+/g, " ").trim();

  // The smallest elements below a root whose text contains the wanted one.
  function byText(root, wanted) {
    const found = [];
    for (const child of (root.shadowRoot ?? root).children) {
      if (textless.has(child.nodeName) || !squeeze(textOf(child)).includes(wanted)) continue;
      const smaller = byText(child, wanted);
      if (smaller.length) found.push(...smaller);
      else found.push(child);
    }
    return found;
  }

  function byXPath(root, expression) {
    const result = document.evaluate(expression, root, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
    const found = [];
    for (let i = 0; i < result.snapshotLength; i++) {
      const node = result.snapshotItem(i);
      if (node.nodeType === Node.ELEMENT_NODE) found.push(node);
    }
    return found;
  }

  const finders = {
    css: (root, value) => [...root.querySelectorAll(value)],
    pierce: (root, value) => [...deep(root)].filter((element) => element.matches(value)),
    text: (root, value) => byText(root, squeeze(value)),
    xpath: byXPath,
  };

  const visible = (element) => {
    const style = getComputedStyle(element);
    if (style.visibility !== "visible") return false;
    return [...element.getClientRects()].some((rect) => rect.width > 0 && rect.height > 0);
  };

  const describe = (element) => {
    let text = element.localName;
    if (element.id) text += "#" + element.id;
    for (const name of element.classList) text += "." + name;
    return "<" + text.slice(0, 80) + ">";
  };

  // A frame of animation, or a moment when the page gets none.
  const frame = () =>
    new Promise((done) => {
      requestAnimationFrame(done);
      setTimeout(done, 200);
    });

  // The box of an element: for text over several lines, that of the first.
  const box = (element) =>
    [...element.getClientRects()].find((rect) => rect.width > 0 && rect.height > 0) ??
    element.getBoundingClientRect();

  const same = (a, b) => a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;

  const inView = ({ x, y }) => x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;

  const pointIn = (rect, offset) => {
    if (offset && offset.x >= 0 && offset.y >= 0 && offset.x < rect.width && offset.y < rect.height) {
      return { x: rect.x + offset.x, y: rect.y + offset.y };
    }
    return { x: rect.x + rect.width / 2, y: rect.y + rect.height / 2 };
  };

  // What lies on top at a point, through shadow roots.
  const topAt = ({ x, y }) => {
    let top = document.elementFromPoint(x, y);
    while (top?.shadowRoot) {
      const inner = top.shadowRoot.elementFromPoint(x, y);
      if (!inner || inner === top) break;
      top = inner;
    }
    return top;
  };

  const parent = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host;

  const within = (node, ancestor) => {
    for (; node; node = parent(node)) if (node === ancestor) return true;
    return false;
  };

  // Whether a click on top is one on the element: on something in it, or on the
  // label of it.
  const hits = (top, element) =>
    within(top, element) || [...(element.labels ?? [])].some((label) => within(top, label));

  // The element to use among those found, or why there is none.
  const usable = (elements) => {
    if (elements.length === 0) return { why: "missing" };
    const element = elements.find(visible);
    if (!element) return { why: "hidden", by: describe(elements[0]) };
    if (element.matches(":disabled")) return { why: "disabled", by: describe(element) };
    return { element };
  };

  // Where to click, once the element can be clicked.
  async function aim(elements, offset) {
    const { element, ...fault } = usable(elements);
    if (!element) return fault;
    if (!inView(pointIn(box(element), offset))) {
      element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    }
    const before = box(element);
    await frame();
    const rect = box(element);
    if (!element.isConnected || !same(before, rect)) return { why: "moving", by: describe(element) };
    const point = pointIn(rect, offset);
    const top = topAt(point);
    if (!top) return { why: "outside", by: describe(element) };
    if (!hits(top, element)) return { why: "covered", by: describe(top) };
    return point;
  }

  const tell = (element, ...events) => {
    for (const event of events) element.dispatchEvent(new Event(event, { bubbles: true }));
  };

  const typed = new Set(["text", "url", "tel", "search", "password", "number", "email", ""]);

  function choose(select, value) {
    if (![...select.options].some((option) => option.value === value && !option.disabled)) {
      return { why: "no option", by: describe(select) };
    }
    select.focus();
    select.value = value;
    tell(select, "input", "change");
    return { done: true };
  }

  // Selects what is in a text field, so that typing replaces it; when the new
  // value only adds to it, the cursor goes to its end. Returns what to type.
  function select(field, value) {
    field.focus();
    if (field.value && value.length > field.value.length && value.startsWith(field.value)) {
      const end = field.value.length;
      try {
        field.setSelectionRange(end, end);
        return { type: value.slice(end) };
      } catch {
        // Number and email fields have no cursor to set.
      }
    }
    field.select();
    return { type: value, clear: value === "" && field.value !== "" };
  }

  function edit(element, value) {
    element.focus();
    getSelection().selectAllChildren(element);
    return { type: value, clear: value === "" && element.textContent !== "" };
  }

  // Makes an element ready to be typed into, or changes it at once if it is not
  // a text field. The protocol's client leaves out an argument that is empty.
  function fill(elements, value = "") {
    const { element, ...fault } = usable(elements);
    if (!element) return fault;
    if (element.localName === "select") return choose(element, value);
    if (element.isContentEditable) return edit(element, value);
    if (element.readOnly) return { why: "read-only", by: describe(element) };
    if (element.localName === "textarea") return select(element, value);
    if (element.localName !== "input") return { why: "not a field", by: describe(element) };
    if (typed.has(element.type)) return select(element, value);
    element.focus();
    if (element.type === "checkbox" || element.type === "radio") {
      if (element.checked !== (value === "true" || value === "on")) element.click();
      return { done: true };
    }
    element.value = value;
    tell(element, "input", "change");
    return { done: true };
  }

  const matches = (wanted, got) => {
    if (wanted === null || typeof wanted !== "object") return wanted === got;
    if (got === null || typeof got !== "object") return false;
    return Object.entries(wanted).every(([key, value]) => matches(value, got[key]));
  };

  return {
    find(roots, kind, value) {
      return unique(scopes(roots ?? [document]).flatMap((root) => finders[kind](root, value)));
    },
    // The roots to look for accessible names in.
    scopes: (roots) => scopes(roots ?? [document]),
    list: (...elements) => unique(elements.filter((element) => element.nodeType === Node.ELEMENT_NODE)),
    aim,
    fill,
    focus(elements) {
      const { element, ...fault } = usable(elements);
      element?.focus();
      return element ? { done: true } : fault;
    },
    // How many elements there are, and whether all are as asked.
    survey: (elements, properties, attributes) => ({
      count: elements.length,
      fit: elements.every(
        (element) =>
          matches(properties ?? {}, element) &&
          Object.entries(attributes ?? {}).every(([name, value]) => element.getAttribute(name) === value),
      ),
    }),
    title: () => document.title,
    truthy: (value) => !!value,
  };
})();
