import { call } from "./api.js";

const form = document.getElementById("checkout-form");
const problem = document.getElementById("pay-error");
const pay = document.getElementById("pay");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  pay.disabled = true;
  pay.textContent = "Paying…";
  try {
    const { order } = await call("POST", "/api/pay", Object.fromEntries(new FormData(form)));
    location.href = `/thanks/${order}`;
  } catch (error) {
    problem.textContent = error.message;
    pay.disabled = false;
    pay.textContent = "Pay";
  }
});
