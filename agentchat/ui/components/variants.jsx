// Several answers at one place of a thread: side by side until somebody keeps one, then one after
// the other.
import { Children, isValidElement, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { Check, ChevronLeft, ChevronRight, RefreshCw, Square } from "lucide-react";
import { Held, filled } from "./asks";
import { newId } from "./store";

const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;

/** One answer of several; where it is shown is for `Variants` to say. */
export function Variant({ children }) {
  return children;
}

function isLive(status) {
  return status === "pending" || status === "running";
}

function Arrows({ all, at, onPick, words }) {
  const count = all.length;
  return (
    <div className="variant-arrows">
      <button
        type="button"
        className="icon-button"
        aria-label={words.before}
        aria-disabled={at === 0 || undefined}
        onClick={() => at > 0 && onPick(all[at - 1].props.message)}
      >
        <ChevronLeft aria-hidden />
      </button>
      <span aria-live="polite">
        <span className="visually-hidden">{words.answer} </span>
        {at + 1} / {count}
      </span>
      <button
        type="button"
        className="icon-button"
        aria-label={words.after}
        aria-disabled={at === count - 1 || undefined}
        onClick={() => at < count - 1 && onPick(all[at + 1].props.message)}
      >
        <ChevronRight aria-hidden />
      </button>
    </div>
  );
}

function Foot({ one, at, kept, undecided, mayWrite, words, onKeep, onStop }) {
  const { message, run, status } = one.props;
  const chosen = message === kept;
  return (
    <div className="variant-foot">
      {!mayWrite || (chosen && !undecided) ? null : (
        <button
          type="button"
          className={chosen ? "button small" : "button small primary"}
          onClick={() => onKeep(message)}
        >
          <Check size={14} aria-hidden />
          {words.keep}
          <span className="visually-hidden"> {filled(words.number, { number: at + 1 })}</span>
        </button>
      )}
      {mayWrite && run && isLive(status) ? (
        <button type="button" className="button small" onClick={() => onStop(run)}>
          <Square size={12} aria-hidden />
          {words.stop}
          <span className="visually-hidden"> {filled(words.number, { number: at + 1 })}</span>
        </button>
      ) : null}
      <span className="variant-mark" data-part="mark">
        {chosen ? words.kept : words.notKept}
      </span>
    </div>
  );
}

/**
 * Who asks for another answer, or keeps one, presses what goes when that is done: what comes in its
 * place takes the focus.
 */
function useFocusOf(message, position, heading) {
  const had = useRef(undefined);
  if (had.current === undefined && typeof document !== "undefined") {
    const at = document.activeElement;
    const before = at?.closest(".variants")?.dataset.position;
    had.current = before === String(position) || at?.closest("article")?.dataset.id === message;
  }
  useBeforePaint(() => {
    if (had.current && document.activeElement === document.body) {
      document.getElementById(heading)?.closest(".variants").focus({ preventScroll: true });
    }
  }, []);
}

/** The answers at one place. `kept` is the one that the thread goes on with. */
export function Variants({ position, kept, undecided, keptBy, mayWrite, words, onKeep, onStop, children }) {
  const heading = useId();
  useFocusOf(kept, position, heading);
  const [picked, pick] = useState("");
  const all = Children.toArray(children)
    .filter((one) => isValidElement(one) && one.props.position === position)
    .sort((one, other) => one.props.number - other.props.number);
  const places = Object.fromEntries(all.map((one, place) => [one.props.message, place]));
  // Whoever chooses, everybody sees what was chosen.
  useEffect(() => pick(""), [kept, all.length]);
  const keptAt = places[kept] ?? 0;
  const newest = all.findLastIndex((_, place) => place !== keptAt);
  const other = picked && picked !== kept ? places[picked] : newest;
  const at = undecided ? other : (places[picked] ?? keptAt);
  const shown = undecided ? [keptAt, other].sort((one, two) => one - two) : [at];
  const rivals = undecided ? all.filter((_, place) => place !== keptAt) : all;
  return (
    <Held
      open={`${kept} ${at} ${undecided}`}
      role="region"
      className="variants"
      aria-labelledby={heading}
      data-position={position}
      data-undecided={undecided || undefined}
    >
      <div className="variants-head">
        <h2 id={heading}>{filled(words.label, { count: all.length })}</h2>
        {rivals.length > 1 ? (
          <Arrows all={rivals} at={rivals.indexOf(all[at])} onPick={pick} words={words} />
        ) : null}
        <p>{undecided && mayWrite ? words.choose : keptBy && at === keptAt ? filled(words.keptBy, { name: keptBy }) : ""}</p>
      </div>
      <div className="variants-row">
        {shown.map((place) => (
          <div className="variant" key={all[place].props.message} data-kept={place === keptAt || undefined}>
            {all[place]}
            <Foot
              one={all[place]}
              at={place}
              kept={kept}
              undecided={undecided}
              mayWrite={mayWrite}
              words={words}
              onKeep={onKeep}
              onStop={onStop}
            />
          </div>
        ))}
      </div>
    </Held>
  );
}

/** Asks for the answer once more, beside the one that is there; pressed twice, it asks once. */
export function AgainButton({ message, variants, words, onAgain }) {
  const id = useRef("");
  useEffect(() => {
    id.current = "";
  }, [message, variants]);
  const press = () => {
    id.current ||= newId();
    onAgain(message, id.current);
  };
  return (
    <button
      type="button"
      className="icon-button again"
      aria-label={words.again}
      title={words.again}
      onClick={press}
    >
      <RefreshCw aria-hidden />
    </button>
  );
}
