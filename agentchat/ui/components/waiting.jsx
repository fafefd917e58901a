// Messages that wait to be answered: sent now or taken back, and what was taken back given again.
import { useEffect, useState } from "react";
import { CornerLeftUp, Undo2 } from "lucide-react";
import { giveBack } from "./attachments";
import { filled } from "./said";
import { fillComposer, focusComposer } from "./store";

// What this tab has taken back: its words go into the message box here, and nowhere else.
const asked = new Set();
// Other tabs wait so long for the one that asked.
const LATER = 1_500;

/** What a message waits for that is to join an answer, and what who may can do with one. */
export function WaitingActions({ one, joins, words, onSendNow, onTakeBack }) {
  if (!one) return null;
  const takeBack = () => {
    // Those of somebody else go back to them.
    if (one.mine) asked.add(one.id);
    onTakeBack(one.id);
    focusComposer();
  };
  return (
    <span className="waiting-actions" data-part="waiting">
      {one.joins ? <span>{words.joining}</span> : null}
      {one.mine && joins && !one.joins ? (
        <button
          type="button"
          className="link-button"
          title={words.sendNowMore}
          onClick={() => {
            onSendNow(one.id);
            focusComposer();
          }}
        >
          <CornerLeftUp size={13} aria-hidden />
          {words.sendNow}
        </button>
      ) : null}
      {one.may_take_back ? (
        <button type="button" className="link-button" onClick={takeBack}>
          <Undo2 size={13} aria-hidden />
          {words.takeBack}
        </button>
      ) : null}
    </span>
  );
}

function take(thread, one, onCollect) {
  asked.delete(one.id);
  // First where it is kept from now on, and then no more where it was.
  if (one.files.length) giveBack(thread, one.files);
  fillComposer(one.text);
  onCollect(one.id);
}

/** Gives back what was taken back of what this person said: at once where they asked for it. */
export function Returned({ thread, returned, words, onCollect }) {
  const [late, setLate] = useState(false);
  const mine = returned.filter(({ id }) => asked.has(id));
  const others = returned.filter(({ id }) => !asked.has(id));
  const ids = returned.map(({ id }) => id).join(" ");
  useEffect(() => {
    mine.forEach((one) => take(thread, one, onCollect));
    setLate(false);
    if (!others.length) return undefined;
    const timer = setTimeout(() => setLate(true), LATER);
    return () => clearTimeout(timer);
  }, [thread, ids]);
  if (!late) return null;
  return others.map((one) => (
    <div key={one.id} className="returned" data-part="returned" role="status">
      <p>
        <strong>{one.taken_by ? filled(words.returnedBy, { name: one.taken_by }) : words.returned}</strong>
        <span>{one.text}</span>
      </p>
      <div>
        <button type="button" className="button small" onClick={() => take(thread, one, onCollect)}>
          {words.collect}
        </button>
        <button
          type="button"
          className="button small quiet"
          onClick={() => {
            onCollect(one.id);
            focusComposer();
          }}
        >
          {words.discard}
        </button>
      </div>
    </div>
  ));
}
