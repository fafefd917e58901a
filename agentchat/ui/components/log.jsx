import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { Link, useParams } from "react-router";
import { ArrowDown } from "lucide-react";
import { useOutbox } from "./store";

const NEAR = 64;
const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;

/** The scrolling list of messages: it follows the newest words unless the reader went up. */
export function Log({ shown, first, label, jump, children }) {
  const { thread_id: thread = "" } = useParams();
  const sent = useOutbox().length;
  const sentBefore = useRef(sent);
  const scroller = useRef(null);
  const content = useRef(null);
  const following = useRef(true);
  const position = useRef({ top: 0, height: 0 });
  const [away, setAway] = useState(false);

  const toEnd = (behavior = "instant") => {
    following.current = true;
    setAway(false);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight, behavior });
  };

  useBeforePaint(() => toEnd(), [thread, shown]);

  // Earlier messages came in above: what the reader looks at stays where it is.
  useBeforePaint(() => {
    const { scrollHeight } = scroller.current;
    if (!following.current) {
      scroller.current.scrollTop = position.current.top + scrollHeight - position.current.height;
    }
  }, [first]);

  useBeforePaint(() => {
    position.current.height = scroller.current.scrollHeight;
  });

  useBeforePaint(() => {
    if (sent > sentBefore.current) toEnd();
    sentBefore.current = sent;
  }, [sent]);

  useEffect(() => {
    const grown = new ResizeObserver(() => {
      if (following.current) toEnd();
    });
    grown.observe(content.current);
    grown.observe(scroller.current);
    return () => grown.disconnect();
  }, []);

  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current;
    const near = scrollHeight - scrollTop - clientHeight < NEAR;
    // Words that grew below also leave a distance; only going up means the reader left.
    if (near) following.current = true;
    else if (scrollTop < position.current.top) following.current = false;
    position.current.top = scrollTop;
    setAway(!following.current);
  };

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
        <button type="button" className="button small jump" onClick={() => toEnd("smooth")}>
          <ArrowDown size={14} aria-hidden />
          {jump}
        </button>
      ) : null}
    </div>
  );
}

/**
 * Shows more of the thread when the reader comes near, or asks; the address says how much, so a
 * reload shows the same.
 */
export function Earlier({ shown, children }) {
  const link = useRef(null);
  useEffect(() => {
    const scroller = link.current.closest(".scroller");
    const near = new IntersectionObserver(
      ([{ isIntersecting }]) => {
        // A thread that opens at its end has not been scrolled yet.
        if (isIntersecting && scroller.scrollTop > 0) link.current?.click();
      },
      { root: scroller, rootMargin: "600px 0px 0px 0px" },
    );
    near.observe(link.current);
    return () => near.disconnect();
  }, [shown]);
  return (
    <Link
      className="link-button"
      to={`?messages=${shown + 100}`}
      replace
      preventScrollReset
      ref={link}
    >
      {children}
    </Link>
  );
}
