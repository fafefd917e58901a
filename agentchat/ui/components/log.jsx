import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useParams } from "react-router";
import { ArrowDown } from "lucide-react";
import { useOutbox } from "./store";

const NEAR = 64;
const GLIDES = 4; // heights of the view: from further away the newest words are shown at once
const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;

/** The first of these elements that ends below an edge; else the last. */
function firstBelow(elements, edge) {
  let [from, to] = [0, elements.length - 1];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (elements[middle].getBoundingClientRect().bottom > edge) to = middle;
    else from = middle + 1;
  }
  return elements[from];
}

/** The first message that is in view, and where: the place that the reader is at. */
function placeIn(scroller) {
  const edge = scroller.getBoundingClientRect().top;
  // Asked about all messages, the browser would lay out those that it has left out.
  const stretch = firstBelow(scroller.querySelectorAll(".stretch"), edge) ?? scroller;
  const row = firstBelow(stretch.querySelectorAll("article"), edge);
  return row ? { row, top: row.getBoundingClientRect().top } : null;
}

/** The scrolling list of messages: it follows the newest words unless the reader went up. */
export function Log({ shown, first, label, jump, children }) {
  const { thread_id: thread = "" } = useParams();
  const sent = useOutbox().length;
  const sentBefore = useRef(sent);
  const scroller = useRef(null);
  const content = useRef(null);
  const following = useRef(true);
  const top = useRef(0);
  const place = useRef(null);
  const [away, setAway] = useState(false);

  const toEnd = (behavior = "instant") => {
    following.current = true;
    setAway(false);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight, behavior });
  };

  const jumpToEnd = () => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current;
    toEnd(scrollHeight - scrollTop > GLIDES * clientHeight ? "instant" : "smooth");
  };

  // Messages came in above, or take another height once they are drawn: what the reader looks at
  // stays where it is. Not every browser sees to that.
  const stay = () => {
    const { row, top: before } = place.current ?? {};
    if (row?.isConnected) scroller.current.scrollTop += row.getBoundingClientRect().top - before;
  };

  useBeforePaint(() => toEnd(), [thread, shown]);

  useBeforePaint(() => {
    if (!following.current) stay();
  }, [first]);

  useBeforePaint(() => {
    if (sent > sentBefore.current) toEnd();
    sentBefore.current = sent;
  }, [sent]);

  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current;
    const near = scrollHeight - scrollTop - clientHeight < NEAR;
    // Words that grew below also leave a distance; only going up means the reader left.
    if (near) following.current = true;
    else if (scrollTop < top.current) following.current = false;
    top.current = scrollTop;
    place.current = following.current ? null : placeIn(scroller.current);
    setAway(!following.current);
  };

  useEffect(() => {
    const grown = new ResizeObserver(() => {
      if (following.current) return toEnd();
      stay();
      // It may all be in view now, without anybody having scrolled.
      onScroll();
    });
    grown.observe(content.current);
    grown.observe(scroller.current);
    return () => grown.disconnect();
  }, []);

  return (
    <div className="log-frame">
      <div
        className="scroller"
        role="log"
        aria-label={label}
        tabIndex={0}
        ref={scroller}
        onScroll={onScroll}
      >
        <div className="log" ref={content}>
          {children}
        </div>
      </div>
      {away ? (
        <button type="button" className="button small jump" onClick={jumpToEnd}>
          <ArrowDown size={14} aria-hidden />
          {jump}
        </button>
      ) : null}
    </div>
  );
}
