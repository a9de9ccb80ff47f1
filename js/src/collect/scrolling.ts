/** How far down the user has come. */
export interface Scrolling {
  /** The user has scrolled, or sees the page for the first time. */
  look(): void;
  /** The lowest part of the page that was on the screen, as a share of its height. */
  depth(): number | undefined;
}

/** Begins to measure how far down a view is looked at. */
export function createScrolling(): Scrolling {
  let lowest = 0;
  return {
    look() {
      lowest = Math.max(lowest, scrollY);
    },
    depth() {
      const height = document.documentElement?.scrollHeight;
      return height ? Math.round(Math.min((lowest + innerHeight) / height, 1) * 100) / 100 : undefined;
    },
  };
}
