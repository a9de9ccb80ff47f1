import { refuse } from "./refuse";

/** Grüße: characters of several bytes stand before what is looked up. 🛒 */
export function openStock(role: string): string { const greeting = "Grüße 🛒"; if (role !== "keeper") refuse("only keepers may see the stock"); return greeting; }

document.title = openStock(location.hash.slice(1));
