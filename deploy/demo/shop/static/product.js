import { call, card, showCount } from "./api.js";

const product = document.getElementById("product").dataset.product;
const button = document.getElementById("add");
const added = document.getElementById("added");

button.addEventListener("click", async () => {
  button.disabled = true;
  try {
    const { count } = await call("POST", "/api/cart", { product });
    showCount(count);
    globalThis.throughline?.event("Added to cart", { product });
    const link = document.createElement("a");
    link.id = "go-to-cart";
    link.href = "/cart";
    link.textContent = "Go to cart";
    added.replaceChildren("Added. ", link);
  } catch {
    added.textContent = "That did not work. Please try again.";
  } finally {
    button.disabled = false;
  }
});

async function showRecommendations() {
  const list = document.getElementById("recommendations");
  try {
    const { products } = await call("GET", `/api/recommendations?product=${encodeURIComponent(product)}`);
    list.replaceChildren(...products.map((other) => card(other, "recommendation")));
  } catch {
    list.replaceChildren();
  }
  list.removeAttribute("aria-busy");
}

// Nothing handles a failure here: the bug that the demo shows as an unhandled rejection.
async function showReviews() {
  const { stars, reviews } = await call("GET", `/api/reviews/${product}`);
  document.getElementById("reviews").textContent = `${stars} of 5 stars from ${reviews} people`;
}

// Nothing checks that the stock is known: the bug that the demo shows as an uncaught TypeError.
function showEdition() {
  const badge = document.getElementById("edition");
  if (!badge) return;
  const edition = JSON.parse(badge.dataset.edition);
  badge.textContent = `Limited edition: ${edition.stock.left} of ${edition.of} left`;
}

showRecommendations();
showReviews();
addEventListener("load", showEdition);
