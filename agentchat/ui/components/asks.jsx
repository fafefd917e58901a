// What a run waits for from a person: shown, decided, and who decided it.
import { useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { CircleHelp, Gauge, ShieldQuestion } from "lucide-react";
import { moment } from "./clock";
import { filled, spoken } from "./said";

export { filled };

const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;
const ANSWERED_WITHIN = 10_000;
const ICONS = { approval: ShieldQuestion, question: CircleHelp, limit: Gauge };

/**
 * Keeps the focus: when what had it goes away, this takes it. `open` is what changes when
 * something goes.
 */
export function Held({ open, className, children, ...rest }) {
  const root = useRef(null);
  const held =
    typeof document !== "undefined" &&
    root.current !== null &&
    root.current !== document.activeElement &&
    root.current.contains(document.activeElement);
  useBeforePaint(() => {
    const lost = !document.activeElement || document.activeElement === document.body;
    if (held && lost) root.current.focus({ preventScroll: true });
  }, [open]);
  return (
    <div ref={root} tabIndex={-1} className={className} {...rest}>
      {children}
    </div>
  );
}

function Field({ label, value, onChange, onSubmit, onCancel, rows = 1, problem, code }) {
  const id = useId();
  const box = useRef(null);
  useEffect(() => {
    box.current?.focus();
  }, []);
  const onKeyDown = (event) => {
    const composing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (event.key === "Escape" && onCancel) {
      event.stopPropagation();
      onCancel();
    } else if (event.key === "Enter" && !composing && (code ? event.ctrlKey : !event.shiftKey)) {
      event.preventDefault();
      onSubmit();
    }
  };
  return (
    <div className="ask-field">
      <label htmlFor={id}>{label}</label>
      <textarea
        ref={box}
        id={id}
        rows={rows}
        className={code ? "mono" : undefined}
        spellCheck={!code}
        value={value}
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? `${id}-problem` : undefined}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {problem ? (
        <p className="ask-problem" role="alert" id={`${id}-problem`}>
          {problem}
        </p>
      ) : null}
    </div>
  );
}

function problemOf(text, words) {
  try {
    const value = JSON.parse(text);
    const fits = value !== null && typeof value === "object" && !Array.isArray(value);
    return fits ? "" : words.notObject;
  } catch (error) {
    return `${words.notJson} ${error.message}`;
  }
}

/** Sends a decision once; it may be sent again when it was refused, or nothing came of it. */
function useDecision(ask, refused) {
  const [sent, setSent] = useState(0);
  const [late, setLate] = useState(false);
  const sending = useRef(false);
  const refusal = refused[ask.id];
  const mine = refusal !== undefined && refusal.attempt === sent ? refusal : null;
  useEffect(() => {
    if (!sent) return undefined;
    const timer = setTimeout(() => setLate(true), ANSWERED_WITHIN);
    return () => clearTimeout(timer);
  }, [sent]);
  const busy = sent !== 0 && mine === null && !late;
  sending.current = busy;
  const decide = (send) => {
    // Read from the ref: a double click comes before the next render.
    if (sending.current) return;
    sending.current = true;
    const attempt = Date.now();
    setLate(false);
    setSent(attempt);
    send(attempt);
  };
  return { busy, problem: mine?.here ? spoken(mine.words) : "", decide };
}

function Button({ busy, onClick, className = "", children, ...rest }) {
  // Disabled buttons lose the focus: this one only says that it is.
  return (
    <button
      type="button"
      className={`button small ${className}`}
      aria-disabled={busy || undefined}
      onClick={() => busy || onClick()}
      {...rest}
    >
      {children}
    </button>
  );
}

function Approval({ ask, decision, desk, words }) {
  const [mode, setMode] = useState("");
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const openers = useRef({});
  const before = useRef("");
  const { busy, decide } = decision;

  useEffect(() => {
    if (mode === "" && before.current) openers.current[before.current]?.focus();
    before.current = mode;
  }, [mode]);

  const open = (next, value = "") => {
    setText(value);
    setProblem("");
    setMode(next);
  };
  const cancel = () => setMode("");
  const approve = (edited) =>
    decide((attempt) => desk.onApprove(ask.id, ask.input_hash, edited, attempt));
  const submit = {
    edit: () => {
      const found = problemOf(text, words);
      setProblem(found);
      if (!found) approve(text);
    },
    deny: () => decide((attempt) => desk.onDeny(ask.id, text, attempt)),
    instead: () => {
      if (text.trim()) decide((attempt) => desk.onAnswer(ask.id, text, attempt));
    },
  }[mode];
  const rows = Math.min(16, text.split("\n").length + 1);
  const opener = (name) => (element) => {
    openers.current[name] = element;
  };

  const shown =
    ask.input && ask.input !== "{}" ? (
      <pre className="ask-input" tabIndex={0} role="region" aria-label={words.arguments}>
        {ask.input}
      </pre>
    ) : (
      <p className="ask-note">{words.noArguments}</p>
    );
  const buttons = (
    <div className="ask-actions">
      <Button busy={busy} className="primary" onClick={() => approve("")}>
        {busy ? words.sending : words.approve}
      </Button>
      <Button busy={busy} ref={opener("edit")} onClick={() => open("edit", ask.input || "{}")}>
        {words.edit}
      </Button>
      <Button busy={busy} ref={opener("deny")} onClick={() => open("deny")}>
        {words.deny}
      </Button>
      <Button
        busy={busy}
        className="quiet"
        ref={opener("instead")}
        onClick={() => open("instead")}
      >
        {words.instead}
      </Button>
    </div>
  );
  const form = (
    <div className="ask-form">
      <Field
        key={mode}
        label={{ edit: words.editLabel, deny: words.reason, instead: words.insteadLabel }[mode]}
        value={text}
        onChange={(value) => {
          setText(value);
          setProblem("");
        }}
        onSubmit={submit}
        onCancel={cancel}
        rows={mode === "edit" ? rows : 1}
        code={mode === "edit"}
        problem={problem || decision.problem}
      />
      <div className="ask-actions">
        <Button
          busy={busy}
          className={mode === "deny" ? "danger" : "primary"}
          onClick={submit}
          disabled={mode === "instead" && !text.trim()}
        >
          {busy
            ? words.sending
            : { edit: words.approveEdited, deny: words.denyNow, instead: words.send }[mode]}
        </Button>
        <Button busy={busy} className="quiet" onClick={cancel}>
          {words.cancel}
        </Button>
      </div>
    </div>
  );
  return (
    <>
      {mode === "edit" ? null : shown}
      {mode === "" ? buttons : form}
    </>
  );
}

function Question({ ask, decision, desk, words }) {
  const [text, setText] = useState("");
  const id = useId();
  const { busy, decide, problem } = decision;
  const answer = (said) => {
    if (said.trim()) decide((attempt) => desk.onAnswer(ask.id, said, attempt));
  };
  const label = ask.choices.length ? words.answerLabel : words.answerOnly;
  return (
    <>
      {ask.choices.length ? (
        <div className="ask-choices">
          {ask.choices.map((choice, place) => (
            <Button key={place} busy={busy} onClick={() => answer(choice)}>
              {choice}
            </Button>
          ))}
        </div>
      ) : null}
      <form
        className="ask-answer"
        onSubmit={(event) => {
          event.preventDefault();
          answer(text);
        }}
      >
        <textarea
          rows={1}
          aria-label={label}
          placeholder={label}
          value={text}
          aria-invalid={problem ? true : undefined}
          aria-describedby={problem ? id : undefined}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            const composing = event.nativeEvent.isComposing || event.keyCode === 229;
            if (event.key === "Enter" && !event.shiftKey && !composing) {
              event.preventDefault();
              answer(text);
            }
          }}
        />
        <button
          type="submit"
          className="button small"
          aria-disabled={busy || undefined}
          disabled={!text.trim()}
        >
          {busy ? words.sending : words.send}
        </button>
      </form>
      {problem ? (
        <p className="ask-problem" role="alert" id={id}>
          {problem}
        </p>
      ) : null}
    </>
  );
}

function Limit({ ask, decision, desk, words }) {
  const { busy, decide } = decision;
  return (
    <div className="ask-actions">
      <Button
        busy={busy}
        className="primary"
        onClick={() =>
          decide((attempt) => desk.onApprove(ask.id, ask.input_hash, "", attempt))
        }
      >
        {busy ? words.sending : words.goOn}
      </Button>
      <Button busy={busy} onClick={() => decide((attempt) => desk.onDeny(ask.id, "", attempt))}>
        {words.stopHere}
      </Button>
    </div>
  );
}

/** Of a limit, the words are the app's own; else those of an agent. */
const textOf = (ask) => (ask.kind === "limit" ? spoken(ask.text) : ask.text);

const WAYS = { approval: Approval, question: Question, limit: Limit };

/** What is open, and how to decide it. `desk` holds the words, the refusals and the verbs. */
export function AskCard({ ask, desk, linked }) {
  const words = desk.askWords;
  const title = useId();
  const decision = useDecision(ask, desk.refused);
  const Icon = ICONS[ask.kind];
  const Way = WAYS[ask.kind];
  const isApproval = ask.kind === "approval";
  const who = { approval: words.wants, question: words.asks }[ask.kind];
  const until = { question: words.untilQuestion, limit: words.untilLimit }[ask.kind] ?? words.until;
  return (
    <section className="ask" aria-labelledby={title} data-part="ask" data-kind={ask.kind}>
      <div className="ask-head">
        <Icon aria-hidden />
        <h3 id={title}>
          {isApproval ? filled(words.approval, { tool: ask.tool }) : words[ask.kind]}
        </h3>
        {ask.agent && who ? <span>{filled(who, { agent: ask.agent })}</span> : null}
      </div>
      {ask.text ? <p className="ask-text">{textOf(ask)}</p> : null}
      {desk.mayWrite === false ? null : (
        <Way ask={ask} decision={decision} desk={desk} words={words} />
      )}
      <p className="ask-note">
        {ask.deadline ? (
          <time dateTime={ask.deadline}>{filled(until, { time: moment(ask.deadline) })}</time>
        ) : null}
        {linked ? (
          <Link to={`/t/${ask.thread_id}`}>
            {words.inThread}
            {ask.thread_title ? ` “${ask.thread_title}”` : ""}
          </Link>
        ) : null}
      </p>
    </section>
  );
}

function decidedWords(ask, edited, words) {
  const who = ask.decided_by;
  const of = (text, more) => filled(text, { who }) + (more ? `: ${more}` : "");
  if (ask.kind === "limit" && ask.status === "approved") return of(words.wentOn);
  if (ask.kind === "limit" && ask.status === "denied") return of(words.stopped);
  switch (ask.status) {
    case "approved":
      return of(edited ? words.approvedEdited : words.approved);
    case "denied":
      return of(words.denied, ask.reason);
    case "answered":
      return of(ask.kind === "question" ? words.answered : words.answeredInstead, ask.answer);
    case "expired":
      return ask.kind === "question" ? words.expiredQuestion : words.expired;
    default:
      return words.withdrawn;
  }
}

/** Who decided, when and what. */
export function Decided({ ask, edited, words }) {
  return (
    <p className="decided" data-part="decided" data-status={ask.status}>
      {decidedWords(ask, edited, words)}
      {ask.decided_at ? (
        <>
          {" · "}
          <time dateTime={ask.decided_at}>{moment(ask.decided_at)}</time>
        </>
      ) : null}
    </p>
  );
}

export const isOpen = (ask) => ask.status === "open";

/** The asks of messages and of the sub-agents in them that are open. */
export function openAsks(messages) {
  return messages.flatMap((message) =>
    (message?.parts ?? []).flatMap((part) => [
      ...part.asks.filter(isOpen),
      ...(part.answer ? openAsks([part.answer]) : []),
    ]),
  );
}

function told(ask, words) {
  const text = { approval: words.newApproval, question: words.newQuestion, limit: words.newLimit };
  return filled(text[ask.kind], { ...ask, text: textOf(ask) });
}

/** Says politely that something new is asked: the log itself is silent while it grows. */
export function AskTeller({ live, words }) {
  const newest = openAsks(live).at(-1);
  return (
    <div aria-live="polite" className="visually-hidden" data-part="asked">
      {newest ? told(newest, words) : ""}
    </div>
  );
}

/** All that waits for a person. */
export function InboxList({ waiting, refused, askWords, onApprove, onDeny, onAnswer }) {
  const desk = { refused, askWords, onApprove, onDeny, onAnswer };
  const before = useRef(waiting.length);
  const [news, setNews] = useState("");
  useEffect(() => {
    if (waiting.length < before.current) {
      setNews(filled(askWords.left, { number: waiting.length }));
    } else if (waiting.length > before.current) setNews(told(waiting.at(-1), askWords));
    before.current = waiting.length;
  }, [waiting.length]);
  return (
    <Held open={waiting.map((ask) => ask.id).join()} className="inbox-list">
      <div aria-live="polite" className="visually-hidden">
        {news}
      </div>
      {waiting.map((ask) => (
        <AskCard key={ask.id} ask={ask} desk={desk} linked />
      ))}
    </Held>
  );
}
