import { type Line, totalCents } from "./cart";
import { refuse } from "./refuse";

declare const RELEASE: string;

async function order(lines: Line[]): Promise<void> {
  const cents = totalCents(lines);
  const answer = await fetch("/api/order", { method: "POST", body: JSON.stringify({ cents, release: RELEASE }) });
  if (!answer.ok) {
    refuse("the order was not taken");
  }
}

document.querySelector("#order")?.addEventListener("click", () => void order(JSON.parse(localStorage.getItem("cart") ?? "[]")));
