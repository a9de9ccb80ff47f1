import { refuse } from "./refuse";

export interface Line {
  sku: string;
  count: number;
  cents: number;
}

/** The sum of a cart, in cents. */
export function totalCents(lines: Line[]): number {
  if (lines.length === 0) {
    refuse("the cart is empty");
  }
  return lines.reduce((sum, line) => sum + line.count * line.cents, 0);
}
