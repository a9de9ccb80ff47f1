import { call } from "./api.js";

for (const button of document.querySelectorAll(".remove")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await call("DELETE", `/api/cart/${button.dataset.product}`);
      location.reload();
    } catch {
      button.disabled = false;
      button.textContent = "Try again";
    }
  });
}
