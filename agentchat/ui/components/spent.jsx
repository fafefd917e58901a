// What an answer has cost, on demand. It lives outside React: of a long thread only the answer
// that is open is drawn again.
import { useEffect, useId, useLayoutEffect, useSyncExternalStore } from "react";
import { useParams } from "react-router";
import { ReceiptText } from "lucide-react";
import { filled } from "./asks";
import { lasted } from "./clock";
import { locale, usd } from "./said";

const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;
const NOTHING = { spent: null, problem: "" };
const listeners = new Set();
let open = "";
let told = NOTHING;
let ask = () => {};

function tell() {
  listeners.forEach((listener) => listener());
}

function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function show(message) {
  open = message;
  tell();
  ask(message);
}

/** Takes in what the server tells: shows nothing. */
export function SpentFeed({ spent, problem, onShow }) {
  const { thread_id: thread } = useParams();
  useBeforePaint(() => {
    ask = onShow;
  });
  useBeforePaint(() => {
    told = { spent, problem };
    tell();
  }, [spent, problem]);
  useEffect(() => {
    // After a reload of the page, and after a restart of the server.
    if (spent.message_id !== open) ask(open);
  }, [spent.message_id]);
  useEffect(
    () => () => {
      if (open) show("");
    },
    [thread],
  );
  return null;
}

const number = (count) => count.toLocaleString(locale());

function dollars(cost) {
  if (cost < 0.0001) return `<${usd(0.0001, 4)}`;
  const digits = cost < 1 ? 4 : 2;
  return usd(cost, 2, digits);
}

function callsOf(count, words) {
  return count === 1 ? words.call : filled(words.calls, { count: number(count) });
}

function costOf({ calls, cost_usd, unknown }, words) {
  if (unknown === calls) return words.unknown;
  if (unknown > 0) {
    return filled(words.atLeast, { cost: dollars(cost_usd), count: callsOf(unknown, words) });
  }
  return cost_usd === 0 ? words.free : dollars(cost_usd);
}

function estimatedOf({ calls, estimated }, words) {
  if (estimated === calls) return words.estimated;
  return filled(words.someEstimated, { count: number(estimated), calls: number(calls) });
}

function tokensOf({ input_tokens, output_tokens, cached_tokens }, words) {
  return filled(cached_tokens ? words.tokensCached : words.tokens, {
    input: number(input_tokens),
    output: number(output_tokens),
    cached: number(cached_tokens),
  });
}

function Sum({ label, detail, spent, words, time, part }) {
  const { calls, estimated } = spent;
  return (
    <div className={part ? "spent-sum part" : "spent-sum"}>
      <dt>
        <span>{label}</span>
        {detail ? <small>{detail}</small> : null}
      </dt>
      {calls === 0 ? (
        <dd>{words.nothing}</dd>
      ) : (
        <dd>
          <span className="spent-cost">{costOf(spent, words)}</span>
          <span>{tokensOf(spent, words)}</span>
          {estimated ? <span>{estimatedOf(spent, words)}</span> : null}
          <span>{callsOf(calls, words)}</span>
          {time ? <span>{filled(words.took, { time })}</span> : null}
        </dd>
      )}
    </div>
  );
}

function Sums({ spent: { spent, parts, thread, seconds }, words }) {
  const [only] = parts;
  const several = parts.length > 1;
  const time = seconds < 0 ? "" : lasted(0, seconds * 1000);
  return (
    <dl>
      <Sum
        label={words.answer}
        detail={!several && only ? only.model : ""}
        spent={spent}
        words={words}
        time={time}
      />
      {several
        ? parts.map((part) => (
            <Sum
              key={`${part.agent} ${part.model}`}
              label={part.agent || words.nobody}
              detail={part.model}
              spent={part.spent}
              words={words}
              part
            />
          ))
        : null}
      <Sum label={words.thread} spent={thread} words={words} />
    </dl>
  );
}

/** A button that unfolds what an answer has cost. */
export function SpentFold({ message, words }) {
  const id = useId();
  const isOpen = useSyncExternalStore(subscribe, () => open === message, () => false);
  const { spent, problem } = useSyncExternalStore(
    subscribe,
    () => (open === message ? told : NOTHING),
    () => NOTHING,
  );
  const there = spent?.message_id === message;
  return (
    <>
      <button
        type="button"
        className="icon-button spent-button"
        aria-label={words.title}
        title={words.title}
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => show(isOpen ? "" : message)}
      >
        <ReceiptText aria-hidden />
      </button>
      {isOpen ? (
        <section
          id={id}
          className="spent"
          aria-label={words.title}
          aria-busy={!there && !problem}
          data-part="spent"
        >
          {there ? (
            <Sums spent={spent} words={words} />
          ) : (
            <p role={problem ? "alert" : undefined}>{problem || words.loading}</p>
          )}
        </section>
      ) : null}
    </>
  );
}
