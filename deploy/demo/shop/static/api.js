// What the shop's pages share.

/** Sends a request to the shop's API and returns its JSON; an answer that is an error throws. */
export async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

/** Shows how many things are in the cart. */
export function showCount(count) {
  document.getElementById("cart-count").textContent = count;
}

/** Makes a product's card for a grid; className marks its list item. */
export function card(product, className) {
  const link = document.createElement("a");
  link.className = "card";
  link.href = `/product/${product.id}`;
  link.dataset.test = `product-${product.id}`;
  const image = new Image(480, 480);
  image.alt = "";
  image.src = `/img/${product.id}.svg`;
  link.append(image, text("name", product.name), text("price", `€${(product.price_cents / 100).toFixed(2)}`));
  const item = document.createElement("li");
  item.className = className;
  item.append(link);
  return item;
}

function text(className, content) {
  const span = document.createElement("span");
  span.className = className;
  span.textContent = content;
  return span;
}
