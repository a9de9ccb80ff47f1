import { call, card } from "./api.js";

const list = document.getElementById("results");
const status = document.getElementById("search-status");
const query = list.dataset.query;

async function search() {
  try {
    const { results } = await call("GET", `/api/search?q=${encodeURIComponent(query)}`);
    list.replaceChildren(...results.map((product) => card(product, "result")));
    status.textContent = results.length === 1 ? "1 result" : `${results.length} results`;
  } catch {
    status.textContent = "The search did not work. Please try again.";
  }
}

if (query) search();
