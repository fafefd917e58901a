// The list of threads as it is scrolled: what is left out has its room, what comes in above moves
// nothing, and what is needed is asked for before it is seen.
import { useEffect, useLayoutEffect, useRef } from "react";

const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;
/** How far from what is seen something counts as seen, in pixels. */
const NEAR = 400;
/** How high a line is, with what is between two, until it was measured; in pixels. */
const USUAL = 34;

const scrollerOf = (element) => element?.closest(".threads");

/** Calls *onSeen* when an element comes near what is seen, and after each change if it is there. */
function useSeen(mark, onSeen) {
  const box = useRef(null);
  const latest = useRef(onSeen);
  latest.current = onSeen;
  useEffect(() => {
    const seen = new IntersectionObserver(
      (entries) => entries[entries.length - 1].isIntersecting && latest.current(box.current),
      { root: scrollerOf(box.current), rootMargin: `${NEAR}px` },
    );
    seen.observe(box.current);
    return () => seen.disconnect();
  }, [mark]);
  return box;
}

/** The end of what is here: there is more. */
export function More({ mark, onMore, words }) {
  const box = useSeen(mark, onMore);
  return (
    <button ref={box} type="button" className="thread-more" data-row="more" onClick={onMore}>
      {words.more}
    </button>
  );
}

/** Room for *lines* of a *height* that are not here. */
export function Gap({ mark, lines, height, onBack }) {
  const box = useSeen(mark, (gap) => {
    const [seen, own] = [scrollerOf(gap).getBoundingClientRect(), gap.getBoundingClientRect()];
    const share = (seen.top + seen.height / 2 - own.top) / (own.height || 1);
    onBack(Math.max(0, Math.min(1, share)));
  });
  return <li ref={box} className="thread-gap" aria-hidden style={{ height: `${lines * height}px` }} />;
}

/** What the place of a line depends on: with another, it is elsewhere. */
function placed(held, id) {
  const line = held.lines.get(id);
  return line ? `${line.at} ${line.pinned} ${line.folder}` : "";
}

/**
 * Keeps what is seen of a list where it is, whatever comes and goes above it. Gives a ref to the
 * height of a line.
 */
export function useStillPlace(list, held) {
  const height = useRef(USUAL);
  const seen = useRef(null);
  const latest = useRef(held);
  latest.current = held;
  const note = () => {
    const scroller = scrollerOf(list.current);
    seen.current = null;
    // Whoever is at the top is to see what comes there.
    if (!scroller || !scroller.scrollTop) return;
    const top = scroller.getBoundingClientRect().top;
    for (const row of list.current.querySelectorAll("a[data-row]")) {
      const box = row.getBoundingClientRect();
      if (box.bottom > top) {
        const id = row.dataset.row;
        // Within the list, wherever it is scrolled to by then.
        const at = box.top - top + scroller.scrollTop;
        seen.current = { id, at, placed: placed(latest.current, id), scrolled: scroller.scrollTop };
        height.current = row.closest("li").offsetHeight + 1;
        return;
      }
    }
  };
  useEffect(() => {
    const scroller = scrollerOf(list.current);
    let asked = 0;
    const onScroll = () => {
      cancelAnimationFrame(asked);
      asked = requestAnimationFrame(note);
    };
    scroller?.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      cancelAnimationFrame(asked);
      scroller?.removeEventListener("scroll", onScroll);
    };
  }, []);
  useBeforePaint(() => {
    const scroller = scrollerOf(list.current);
    const { id, at, placed: before, scrolled } = seen.current ?? {};
    const row = id && list.current.querySelector(`a[data-row="${CSS.escape(id)}"]`);
    // Whoever has gone elsewhere since does not look at it any more.
    const stays = scroller?.scrollTop && Math.abs(scroller.scrollTop - scrolled) < scroller.clientHeight;
    if (row && stays && placed(held, id) === before) {
      const top = row.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
      const moved = top + scroller.scrollTop - at;
      if (Math.abs(moved) >= 1) scroller.scrollTop += moved;
    }
    note();
  }, [held]);
  return height;
}
