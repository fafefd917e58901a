// The messages of a thread. Those near to what the reader sees are drawn with all that can be done
// with them; those far away as plain texts in a room of their height, so that whatever was shown
// the page has little to do, and yet the browser finds every word, in order.
import { Fragment, memo, startTransition, useEffect, useMemo, useRef, useState } from "react";
import { useParams } from "react-router";
import { heightOf, usePrinting, watch } from "./near";

const STRETCH = 10; // messages that are drawn together
const ALWAYS = 2; // stretches at the end that are always drawn
const AROUND = 72; // pixels of a message beside its text
const LIVE = new Set(["pending", "running"]);

/** The messages in stretches by their place in the thread, which more of them does not change. */
function stretchesOf(messages, rows) {
  const stretches = [];
  messages.forEach((message, place) => {
    const number = Math.floor(message.position / STRETCH);
    if (stretches.at(-1)?.number !== number) stretches.push({ number, messages: [], rows: [] });
    stretches.at(-1).messages.push(message);
    stretches.at(-1).rows.push(rows[place]);
  });
  return stretches;
}

function sourceOf({ text, parts }) {
  const said = parts.filter((part) => part.kind === "text").map((part) => part.text);
  return [...said, text].filter((one) => one.trim()).join("\n\n");
}

/** A message that is far away: what was said, as it was written. */
const Sketch = memo(function Sketch({ message, words }) {
  return (
    <>
      <h2 className="visually-hidden">
        {message.author || (message.role === "user" ? words.you : words.assistant)}
      </h2>
      <div className="text sketch" data-part="text">
        {sourceOf(message)}
      </div>
    </>
  );
}, (before, after) => before.message === after.message);

function guessed(messages) {
  return messages.reduce((sum, message) => sum + AROUND + heightOf(sourceOf(message)), 0);
}

/** Whether something in it would be lost: the focus, what is marked, what was unfolded. */
function isInUse(element, touched) {
  const marked = document.getSelection();
  return (
    touched ||
    element.contains(document.activeElement) ||
    (marked?.rangeCount > 0 && !marked.isCollapsed && marked.getRangeAt(0).intersectsNode(element))
  );
}

function Stretch({ messages, rows, always, several, words }) {
  const element = useRef(null);
  const touched = useRef(false);
  const measured = useRef(0);
  const [near, setNear] = useState(false);
  useEffect(
    () =>
      watch(element.current, ({ isIntersecting, boundingClientRect }) => {
        if (isIntersecting) startTransition(() => setNear(true));
        else if (!isInUse(element.current, touched.current)) {
          measured.current = boundingClientRect.height;
          setNear(false);
        }
      }),
    [],
  );
  const whole = always || near || messages.some(({ status }) => LIVE.has(status));
  const guess = useMemo(() => guessed(messages), [messages.length]);
  const touch = () => {
    touched.current = true;
  };
  return (
    <div
      className="stretch"
      data-far={whole ? undefined : ""}
      // Being drawn is no news: in a log, what is added gets read out.
      aria-live={always ? undefined : "off"}
      ref={element}
      style={
        whole
          ? { containIntrinsicHeight: `auto ${measured.current || guess}px` }
          : { height: measured.current || guess }
      }
      onClickCapture={touch}
      onKeyDownCapture={touch}
    >
      {messages.map((message, place) =>
        several && message.variants > 1 ? (
          rows[place]
        ) : (
          <article
            key={message.id}
            className="message"
            data-role={message.role}
            data-status={message.status}
            data-id={message.id}
            aria-busy={LIVE.has(message.status)}
          >
            {whole ? rows[place] : <Sketch message={message} words={words} />}
          </article>
        ),
      )}
    </div>
  );
}

/**
 * The messages and the row of each, with what stands for those that are not shown between them;
 * `several` says that rows with several answers are articles already.
 */
export function Rows({ messages, several, gap, words, children }) {
  const { thread_id: thread = "" } = useParams();
  const printing = usePrinting();
  const [rows, between] = children;
  const stretches = stretchesOf(messages, rows);
  const behind = gap.number ? stretches.findIndex(({ messages: [{ position }] }) => position >= gap.before) : -1;
  const shown = stretches.map(({ number, ...stretch }, place) => (
    <Stretch
      key={`${thread} ${number}`}
      always={printing || place >= stretches.length - ALWAYS}
      several={several}
      words={words}
      {...stretch}
    />
  ));
  if (behind >= 0) shown.splice(behind, 0, <Fragment key="gap">{between}</Fragment>);
  return shown;
}
