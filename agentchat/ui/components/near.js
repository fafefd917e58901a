// What is near to what the reader sees, told to whoever draws it.
import { useSyncExternalStore } from "react";
import { flushSync } from "react-dom";

const MARGIN = "1500px 0px";
const FLYING = 100; // milliseconds: what comes near faster than this is told once it is calm
const LINE = 25; // pixels
const LETTERS = 85; // in a line
const nearnesses = new WeakMap();

/** Of one element that scrolls: what comes near within it is told to whoever watches that. */
class Nearness {
  reports = new Map();
  coming = new Map();
  last = 0;

  constructor(scroller) {
    this.observer = new IntersectionObserver((entries) => this.tell(entries), {
      root: scroller,
      rootMargin: MARGIN,
    });
  }

  tell(entries) {
    const now = performance.now();
    const flying = now - this.last < FLYING;
    for (const entry of entries) {
      if (entry.isIntersecting) this.coming.set(entry.target, entry);
      else {
        this.coming.delete(entry.target);
        this.reports.get(entry.target)?.(entry);
      }
    }
    if (entries.some((entry) => entry.isIntersecting)) this.last = now;
    clearTimeout(this.timer);
    if (flying) this.timer = setTimeout(() => this.arrive(), FLYING);
    else this.arrive();
  }

  arrive() {
    const arrived = [...this.coming.values()];
    this.coming.clear();
    for (const entry of arrived) this.reports.get(entry.target)?.(entry);
  }
}

/** Reports when an element comes near to the view of what it scrolls in, and when it goes. */
export function watch(element, report) {
  const scroller = element.closest(".scroller");
  const key = scroller ?? document;
  if (!nearnesses.has(key)) nearnesses.set(key, new Nearness(scroller));
  const { observer, reports, coming } = nearnesses.get(key);
  reports.set(element, report);
  observer.observe(element);
  return () => {
    observer.unobserve(element);
    reports.delete(element);
    coming.delete(element);
  };
}

let printing = false;
const printers = new Set();

function setPrinting(now) {
  printing = now;
  // At once: what is not drawn when this ends is not on the paper.
  flushSync(() => printers.forEach((listener) => listener()));
}

if (typeof window !== "undefined") {
  window.addEventListener("beforeprint", () => setPrinting(true));
  window.addEventListener("afterprint", () => setPrinting(false));
}

function subscribe(listener) {
  printers.add(listener);
  return () => printers.delete(listener);
}

/** Whether all is to be drawn, near or not: it goes to a printer. */
export function usePrinting() {
  return useSyncExternalStore(subscribe, () => printing, () => false);
}

/** About how high a text will be, in pixels. */
export function heightOf(text) {
  let lines = 0;
  for (let from = 0; from <= text.length; ) {
    const end = text.indexOf("\n", from);
    const length = (end < 0 ? text.length : end) - from;
    lines += Math.max(1, Math.ceil(length / LETTERS));
    from += length + 1;
  }
  return lines * LINE;
}
