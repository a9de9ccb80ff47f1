// What looks into a page for the runner. It runs in an isolated world: it shares
// the document with the page, but no variable or prototype.
globalThis.throughline = (() => {
  // A form's named controls hide its properties, so those are read by way of the
  // prototypes.
  const getter = (type, name) => {
    const { get } = Object.getOwnPropertyDescriptor(type.prototype, name);
    return (node) => get.call(node);
  };
  const childNodes = getter(Node, "childNodes");
  const nodeType = getter(Node, "nodeType");
  const nodeName = getter(Node, "nodeName");
  const isConnected = getter(Node, "isConnected");
  const parentElement = getter(Node, "parentElement");
  const localName = getter(Element, "localName");
  const idOf = getter(Element, "id");
  const classList = getter(Element, "classList");
  const elementShadow = getter(Element, "shadowRoot");
  const elementSlot = getter(Element, "assignedSlot");
  const shadowOf = (node) => (node instanceof Element ? elementShadow(node) : null);
  const slotOf = (node) => (node instanceof Element ? elementSlot(node) : null);
  const isMatch = (element, selector) => Element.prototype.matches.call(element, selector);
  const rectsOf = (element) => {
    if (getComputedStyle(element).display !== "contents") return [...Element.prototype.getClientRects.call(element)];
    // It has no box, but what is in it has.
    const content = document.createRange();
    content.selectNodeContents(element);
    return [...content.getClientRects()];
  };
  const queryAll = (root, selector) =>
    root instanceof Element ? Element.prototype.querySelectorAll.call(root, selector) : root.querySelectorAll(selector);

  const scopes = (roots) => roots.map((root) => shadowOf(root) ?? root);

  const unique = (elements) => [...new Set(elements)];

  // Every element below a root, through open shadow roots.
  function* deep(root) {
    for (const element of queryAll(root, "*")) {
      yield element;
      if (shadowOf(element)) yield* deep(shadowOf(element));
    }
  }

  const textless = new Set(["SCRIPT", "STYLE", "HEAD", "TITLE", "TEMPLATE", "NOSCRIPT"]);

  const isButton = (element) =>
    localName(element) === "input" && ["button", "submit", "reset"].includes(element.type);

  const textOf = (element) => {
    if (isButton(element)) return element.value;
    let text = "";
    for (const child of childNodes(shadowOf(element) ?? element)) {
      if (nodeType(child) === Node.TEXT_NODE) text += child.data;
      else if (nodeType(child) === Node.ELEMENT_NODE && !textless.has(nodeName(child))) text += textOf(child);
    }
    return text;
  };

  const squeeze = (text) => text.replace(/\s+/g, " ").trim();

  // The smallest elements below a root whose text contains the wanted one.
  function byText(root, wanted) {
    const found = [];
    for (const child of childNodes(shadowOf(root) ?? root)) {
      if (nodeType(child) !== Node.ELEMENT_NODE || textless.has(nodeName(child))) continue;
      if (!squeeze(textOf(child)).includes(wanted)) continue;
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
      if (nodeType(node) === Node.ELEMENT_NODE) found.push(node);
    }
    return found;
  }

  const finders = {
    css: (root, value) => [...queryAll(root, value)],
    pierce: (root, value) => [...deep(root)].filter((element) => isMatch(element, value)),
    text: (root, value) => byText(root, squeeze(value)),
    xpath: byXPath,
  };

  const visible = (element) => {
    const style = getComputedStyle(element);
    if (style.visibility !== "visible") return false;
    return rectsOf(element).some((rect) => rect.width > 0 && rect.height > 0);
  };

  const describe = (element) => {
    let text = localName(element);
    if (idOf(element)) text += "#" + idOf(element);
    for (const name of classList(element)) text += "." + name;
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
    rectsOf(element).find((rect) => rect.width > 0 && rect.height > 0) ??
    Element.prototype.getBoundingClientRect.call(element);

  // The picture that an element of one is part of. Few of its elements are hit
  // wherever their box is, and people who click mean the picture.
  const pictureOf = (element) => {
    while (element instanceof SVGElement && element.ownerSVGElement) element = element.ownerSVGElement;
    return element;
  };

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
    while (top && shadowOf(top)) {
      const inner = shadowOf(top).elementFromPoint(x, y);
      if (!inner || inner === top) break;
      top = inner;
    }
    return top;
  };

  const parent = (node) => slotOf(node) ?? parentElement(node) ?? Node.prototype.getRootNode.call(node).host;

  const within = (node, ancestor) => {
    for (; node; node = parent(node)) if (node === ancestor) return true;
    return false;
  };

  const labelsOf = (element) => (element instanceof HTMLFormElement ? [] : [...(element.labels ?? [])]);

  // Whether a click on top is one on the element: on something in it, on the label
  // of it, or on what it lies in, if it lets clicks through.
  const hits = (top, element) =>
    within(top, pictureOf(element)) ||
    labelsOf(element).some((label) => within(top, label)) ||
    (getComputedStyle(element).pointerEvents === "none" && within(element, top));

  // The element to use among those found, or why there is none. Just looking at it
  // does not need it to be enabled.
  const usable = (elements, looking = false) => {
    if (elements.length === 0) return { why: "missing" };
    const element = elements.find(visible);
    if (!element) return { why: "hidden", by: describe(elements[0]) };
    if (!looking && isMatch(element, ":disabled")) return { why: "disabled", by: describe(element) };
    return { element };
  };

  // Where to click, once the element can be clicked; or where to point at it.
  async function aim(elements, offset, pointing) {
    const { element, ...fault } = usable(elements, pointing);
    if (!element) return fault;
    if (!inView(pointIn(box(element), offset))) {
      Element.prototype.scrollIntoView.call(element, { block: "center", inline: "center", behavior: "instant" });
    }
    const before = box(element);
    await frame();
    const rect = box(element);
    if (!isConnected(element) || !same(before, rect)) return { why: "moving", by: describe(element) };
    const point = pointIn(rect, offset);
    const top = topAt(point);
    if (!top) return { why: "outside", by: describe(element) };
    if (!hits(top, element)) return { why: "covered", by: describe(top) };
    return point;
  }

  // Brings the frame of this document into view, since of one out of view the browser
  // computes no names. What the frame shows stays.
  function reveal() {
    const { documentElement } = document;
    if (documentElement) Element.prototype.scrollIntoView.call(documentElement, { block: "nearest", inline: "nearest", behavior: "instant" });
    return {};
  }

  // Where a point of a frame is in the document that the frame is in, once nothing
  // covers the frame there.
  async function lift(element, { x, y }) {
    // The client leaves out a zero.
    const lifted = () => {
      const rect = Element.prototype.getBoundingClientRect.call(element);
      const style = getComputedStyle(element);
      const scale = { x: rect.width / (element.offsetWidth || 1), y: rect.height / (element.offsetHeight || 1) };
      return {
        x: rect.x + (element.clientLeft + parseFloat(style.paddingLeft) + (x ?? 0)) * scale.x,
        y: rect.y + (element.clientTop + parseFloat(style.paddingTop) + (y ?? 0)) * scale.y,
      };
    };
    if (!inView(lifted())) {
      Element.prototype.scrollIntoView.call(element, { block: "center", inline: "center", behavior: "instant" });
      const far = lifted(); // of a frame that is larger than the window
      if (!inView(far)) scrollBy({ left: far.x - innerWidth / 2, top: far.y - innerHeight / 2, behavior: "instant" });
    }
    const before = lifted();
    await frame();
    const point = lifted();
    if (!isConnected(element) || point.x !== before.x || point.y !== before.y) return { why: "moving", by: describe(element) };
    const top = topAt(point);
    if (!top) return { why: "outside", by: describe(element) };
    if (top !== element) return { why: "covered", by: describe(top) };
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
    // One whose list is open closes it when it loses the focus.
    select.blur();
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
    if (element.type === "file") return { why: "files cannot be chosen", by: describe(element) };
    element.focus();
    if (element.type === "checkbox" || element.type === "radio") {
      if (element.checked !== ["true", "on", element.value].includes(value)) element.click();
      return { done: true };
    }
    return set(element, value);
  }

  // Sets a field that nobody types into. What a framework has put over the value in
  // the page's world is not there in this one, so that it sees a change.
  function set(field, value) {
    const before = field.value;
    field.value = value;
    if (field.value === "" && value !== "") {
      field.value = before;
      return { why: "the value is none of its type " + field.type, by: describe(field) };
    }
    tell(field, "input", "change");
    return { done: true };
  }

  // Brings what a scrollable element or the window holds to a place.
  async function scrollTo(scrollable, { x, y }) {
    const method = scrollable === globalThis ? globalThis.scrollTo : Element.prototype.scrollTo;
    method.call(scrollable, { left: x, top: y, behavior: "instant" });
    await frame(); // in which the page is told
    return {};
  }

  function scroll(elements, place) {
    if (elements.length === 0) return { why: "missing" };
    const element = elements.find(visible);
    return element ? scrollTo(element, place) : { why: "hidden", by: describe(elements[0]) };
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
    list: (...elements) => unique(elements.filter((element) => nodeType(element) === Node.ELEMENT_NODE)),
    aim,
    lift,
    reveal,
    fill,
    scroll,
    scrollWindow: (place) => scrollTo(globalThis, place),
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
          Object.entries(attributes ?? {}).every(([name, value]) => Element.prototype.getAttribute.call(element, name) === value),
      ),
    }),
    // The text of the first element, or why there is none.
    read: ([element]) => (element ? { text: squeeze(textOf(element)).slice(0, 20000) } : { why: "missing" }),
    title: () => document.title,
    truthy: (value) => !!value,
  };
})();
