// What was just done to a thread, and a button that undoes it. It stays for some seconds, and as
// long as somebody is at it.
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { X } from "lucide-react";
import { filled } from "./said";
import { UNDO_SECONDS, focusNext, forgetDone, showAgain, useDone } from "./thread_store";

function said({ action, undo }, words) {
  if (action === "archive") return words.archived;
  if (action === "leave") return words.left;
  return undo ? words.deleted : words.gone;
}

export function ThreadUndo({ words, onBringBack }) {
  const done = useDone();
  const navigate = useNavigate();
  const box = useRef(null);
  const [held, setHeld] = useState(false);
  useEffect(() => setHeld(false), [done]);
  useEffect(() => {
    if (!done || held) return undefined;
    const timer = setTimeout(forgetDone, UNDO_SECONDS * 1000);
    return () => clearTimeout(timer);
  }, [done, held]);
  const undo = () => {
    showAgain(done.id);
    onBringBack(done.action, done.id);
    focusNext(done.id);
    if (done.current) navigate(`/t/${done.id}`);
    forgetDone();
  };
  const onKeyDown = (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      focusNext(document.querySelector("a[data-row]")?.dataset.row ?? "");
      forgetDone();
    }
  };
  return (
    <div className="thread-undo" role="status" aria-label={words.region} ref={box}>
      {done ? (
        <div
          className="thread-undo-line"
          onKeyDown={onKeyDown}
          onMouseEnter={() => setHeld(true)}
          onMouseLeave={() => setHeld(box.current.contains(document.activeElement))}
          onFocus={() => setHeld(true)}
          onBlur={() => setHeld(false)}
        >
          <p>{filled(said(done, words), { title: done.title || words.untitled })}</p>
          {done.undo ? (
            <button type="button" className="link-button" onClick={undo}>
              {words.undo}
            </button>
          ) : null}
          <button type="button" className="icon-button" aria-label={words.dismiss} onClick={forgetDone}>
            <X aria-hidden />
          </button>
        </div>
      ) : null}
    </div>
  );
}
