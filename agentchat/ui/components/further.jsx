// What leads to messages of the thread that are not shown.
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { filled, locale } from "./said";

const NEAR = "600px 0px";

const isAbove = (top, scroller) => top < scroller.getBoundingClientRect().top + scroller.clientHeight / 2;
const isBelow = (top, scroller) => !isAbove(top, scroller);

/** Presses what is first in an element once the reader comes near to it from the other side. */
function useComing(element, key, isThere) {
  useEffect(() => {
    const scroller = element.current.closest(".scroller");
    const near = new IntersectionObserver(
      ([{ isIntersecting, boundingClientRect: { top } }]) => {
        // A thread that opens at its end has not been scrolled yet.
        if (isIntersecting && scroller.scrollTop > 0 && isThere(top, scroller)) {
          element.current?.querySelector("a, button").click();
        }
      },
      { root: scroller, rootMargin: NEAR },
    );
    near.observe(element.current);
    return () => near.disconnect();
  }, [key]);
}

/** Another address of the thread, which shows other messages of it: a reload shows the same. */
export function Further({ to, children }) {
  return (
    <Link className="link-button" to={to} replace preventScrollReset>
      {children}
    </Link>
  );
}

/** Shows more of what comes before when the reader comes near, or asks. */
export function Earlier({ to, children }) {
  const element = useRef(null);
  useComing(element, to, isAbove);
  return (
    <p className="earlier" ref={element}>
      <Further to={to}>{children}</Further>
    </p>
  );
}

/**
 * Stands for the messages between those far back and the newest: its children lead on from above,
 * as soon as the reader comes near from there, and from below.
 */
export function Gap({ gap, words, children }) {
  const element = useRef(null);
  const [down, up] = children;
  useComing(element, gap.down, isBelow);
  const number = gap.number.toLocaleString(locale());
  return (
    <div className="gap earlier" data-part="gap" ref={element}>
      {down}
      <p>{filled(gap.number === 1 ? words.one : words.many, { number })}</p>
      {up}
    </div>
  );
}
