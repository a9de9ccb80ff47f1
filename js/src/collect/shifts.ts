import { Col } from '../compact';
import { supports } from '../lib/observe';
import { selector } from '../lib/selector';
import type { Vital } from './vitals';

type LayoutShift = PerformanceEntry & {
  value: number;
  hadRecentInput: boolean;
  sources?: { node?: Node | null }[];
};

/** Shifts that follow one another closely: less than 1 s apart, within 5 s. */
interface Burst {
  firstMs: number;
  lastMs: number;
  sum: number;
  /** The largest shift, and the element that it moved. */
  most: number;
  element?: string;
}

/** Cumulative Layout Shift: the sum of the worst burst of shifts that no input explains (web.dev/articles/cls). */
export function createShifts(): Vital {
  const known = supports('layout-shift');
  let burst: Burst | undefined;
  let worst: Pick<Burst, 'sum' | 'element'> = { sum: 0 };

  function take(entries: LayoutShift[]): void {
    for (const { startTime, value, sources, hadRecentInput } of entries) {
      if (hadRecentInput) {
        continue;
      }
      if (!burst || startTime - burst.lastMs >= 1000 || startTime - burst.firstMs >= 5000) {
        burst = { firstMs: startTime, lastMs: 0, sum: 0, most: 0 };
      }
      burst.lastMs = startTime;
      burst.sum += value;
      if (value >= burst.most) {
        burst.most = value;
        const source = sources?.find((s) => s.node?.nodeType === Node.ELEMENT_NODE) || sources?.[0];
        // Now, since it may be gone when the view ends.
        burst.element = selector(source?.node);
      }
      if (burst.sum > worst.sum) {
        worst = { ...burst };
      }
    }
  }

  return {
    take: { 'layout-shift': take },
    read: () => (known ? { [Col.cls]: Math.round(worst.sum * 1e4) / 1e4, [Col.cls_element]: worst.element } : {}),
  };
}
