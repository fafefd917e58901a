// What a person may do to a run. Each asks first, and says exactly what it would do.
import { useEffect, useId, useRef, useState } from "react";
import { useNavigate } from "react-router";
import * as Dialog from "@radix-ui/react-dialog";
import * as DropdownMenu from "@radix-ui/react-dropdown-menu";
import { Ellipsis, GitFork } from "lucide-react";
import { filled } from "./asks";
import { locale, spoken } from "./said";
import { newId } from "./store";

const SLOW = 10_000;
const BUTTONS = 2;
const DANGER = new Set(["cancel", "kill"]);
const EXAMPLE = '[0, "assistant", "Answer in one sentence."]';

/** Sends an attempt once, and says what came of it. What it makes has the same id each time. */
function useAttempt(acted, onDone) {
  const [sent, setSent] = useState(0);
  const [slow, setSlow] = useState(false);
  const sending = useRef(false);
  const id = useRef("");
  const mine = sent !== 0 && acted.attempt === sent ? acted : null;
  const busy = sent !== 0 && !mine && !slow;
  sending.current = busy;
  useEffect(() => {
    if (!sent) return undefined;
    const timer = setTimeout(() => setSlow(true), SLOW);
    return () => clearTimeout(timer);
  }, [sent]);
  useEffect(() => {
    if (mine?.done) onDone(mine);
  }, [mine]);
  const send = (act) => {
    // Read from the ref: a double click comes before the next render.
    if (sending.current) return;
    sending.current = true;
    id.current ||= newId();
    const attempt = Date.now();
    setSlow(false);
    setSent(attempt);
    act(attempt, id.current);
  };
  return { busy, slow, send, refused: mine && !mine.done ? mine : null };
}

function Json({ label, value, onChange, problem, note }) {
  const id = useId();
  return (
    <div className="run-field">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        className="mono"
        rows={8}
        spellCheck={false}
        value={value}
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? `${id}-problem` : undefined}
        onChange={(event) => onChange(event.target.value)}
      />
      {note ? <p className="run-soft">{note}</p> : null}
      {problem ? (
        <p className="ask-problem" role="alert" id={`${id}-problem`}>
          {problem}
        </p>
      ) : null}
    </div>
  );
}

function problemOf(text, wanted, words) {
  try {
    const value = JSON.parse(text);
    if (wanted === "object" && (value === null || typeof value !== "object" || Array.isArray(value))) {
      return words.notObject;
    }
    return wanted === "list" && !Array.isArray(value) ? words.notList : "";
  } catch (error) {
    return `${words.notJson} ${error.message}`;
  }
}

/** A value that is here in part, read whole to be edited. */
function useEdited(of, whole, step, what, wanted) {
  const [text, setText] = useState(null);
  useEffect(() => {
    setText(null);
    if (wanted) whole.onWhole(of, step, what);
  }, [wanted, what]);
  useEffect(() => {
    if (wanted && text === null && whole.of === of && whole.text) setText(whole.text);
  }, [wanted, whole.of, whole.text]);
  return [text ?? "", setText];
}

function Ask({ title, words, text, confirm, danger, attempt, onConfirm, onClose, changed, children }) {
  const { busy, slow, refused } = attempt;
  const back = useRef(null);
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="dialog-veil" />
        <Dialog.Content
          className="dialog run-dialog"
          onOpenAutoFocus={(event) => {
            if (children) return;
            event.preventDefault();
            back.current?.focus();
          }}
        >
          <Dialog.Title asChild>
            <h2>{title}</h2>
          </Dialog.Title>
          <Dialog.Description asChild>
            <p>{text}</p>
          </Dialog.Description>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              onConfirm();
            }}
          >
            {children}
            {changed && !refused ? <p className="run-soft">{changed}</p> : null}
            {refused && !refused.field ? (
              <p className="ask-problem" role="alert">
                {spoken(refused.words)}
              </p>
            ) : null}
            {slow && !refused ? <p role="alert">{words.slow}</p> : null}
            <div className="dialog-actions">
              <button type="button" className="button" ref={back} onClick={onClose}>
                {words.back}
              </button>
              <button
                type="submit"
                className={`button ${danger ? "danger" : "primary"}`}
                aria-disabled={busy || undefined}
              >
                {busy ? words.sending : confirm}
              </button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** After a fork or a rerun, to the new run. */
function useLeaving(onClose) {
  const navigate = useNavigate();
  return (acted) => {
    onClose();
    if (acted.run_id) navigate(`/runs/${acted.run_id}`);
  };
}

function Plain({ choice, head, words, desk, onClose, changed }) {
  const attempt = useAttempt(desk.acted, useLeaving(onClose));
  const { action } = choice;
  const confirm = () =>
    attempt.send((number, id) =>
      action === "fork"
        ? desk.onFork(head.id, "", "", "", id, number)
        : desk.onAct(head.id, action, number),
    );
  return (
    <Ask
      title={words.title[action]}
      words={words}
      text={spoken(choice.words)}
      confirm={words.confirm[action]}
      danger={DANGER.has(action)}
      attempt={attempt}
      onConfirm={confirm}
      onClose={onClose}
      changed={changed}
    />
  );
}

function Rerun({ choice, head, words, desk, onClose }) {
  const attempt = useAttempt(desk.acted, useLeaving(onClose));
  const [edits, setEdits] = useState(false);
  const [text, setText] = useEdited("ask:data", desk.whole, "", "input", edits);
  const [problem, setProblem] = useState("");
  const refused = attempt.refused?.field === "data" ? spoken(attempt.refused.words) : "";
  const confirm = () => {
    const wrong = edits ? problemOf(text, "object", words) : "";
    setProblem(wrong);
    if (wrong) return;
    attempt.send((number, id) => desk.onRerun(head.id, edits ? text : "", id, number));
  };
  return (
    <Ask
      title={words.title.rerun}
      words={words}
      text={spoken(choice.words)}
      confirm={words.confirm.rerun}
      attempt={attempt}
      onConfirm={confirm}
      onClose={onClose}
    >
      <fieldset className="run-modes">
        <legend className="visually-hidden">{words.arguments}</legend>
        {[false, true].map((value) => (
          <label key={String(value)}>
            <input type="radio" checked={edits === value} onChange={() => setEdits(value)} />
            {value ? words.edit : words.asIs}
          </label>
        ))}
      </fieldset>
      {edits ? (
        <Json label={words.arguments} value={text} onChange={setText} problem={problem || refused} />
      ) : null}
      {!edits && refused ? (
        <p className="ask-problem" role="alert">
          {refused}
        </p>
      ) : null}
    </Ask>
  );
}

function Send({ choice, head, words, desk, onClose, changed }) {
  const attempt = useAttempt(desk.acted, onClose);
  const list = useId();
  const [name, setName] = useState(head.events[0] ?? "");
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const refused = attempt.refused;
  const confirm = () => {
    const wrong = text.trim() ? problemOf(text, "", words) : "";
    setProblem(wrong);
    if (!wrong) attempt.send((number, id) => desk.onSend(head.id, name, text, id, number));
  };
  return (
    <Ask
      title={words.title.send}
      words={words}
      text={spoken(choice.words)}
      confirm={words.confirm.send}
      attempt={attempt}
      onConfirm={confirm}
      onClose={onClose}
      changed={changed}
    >
      <label>
        {words.eventName}
        <input
          value={name}
          list={list}
          maxLength={200}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <datalist id={list}>
        {head.events.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      {refused?.field === "name" ? (
        <p className="ask-problem" role="alert">
          {spoken(refused.words)}
        </p>
      ) : null}
      <Json
        label={words.payload}
        value={text}
        onChange={setText}
        problem={problem || (refused?.field === "payload" ? spoken(refused.words) : "")}
      />
    </Ask>
  );
}

const DIALOGS = { rerun: Rerun, send: Send };

/** The actions that the run is in a state for. */
export function RunActions({ head, words, statusWords, desk }) {
  const [open, setOpen] = useState(null);
  const trigger = useRef(null);
  const { choices } = head;
  const buttons = choices.filter(({ action }) => action !== "send").slice(0, BUTTONS);
  const rest = choices.filter((choice) => !buttons.includes(choice));
  const close = () => setOpen(null);
  const still = open && choices.some(({ action }) => action === open.action);
  const changed =
    open && !still
      ? filled(words.changed, { status: (statusWords[head.status] ?? head.status).toLowerCase() })
      : "";
  const Way = open ? (DIALOGS[open.action] ?? Plain) : null;
  return (
    <div className="run-actions" role="group" aria-label={words.label}>
      {buttons.map((choice) => (
        <button
          key={choice.action}
          type="button"
          className="button small"
          data-action={choice.action}
          onClick={() => setOpen(choice)}
        >
          {words.name[choice.action]}
        </button>
      ))}
      {rest.length ? (
        <DropdownMenu.Root modal={false}>
          <DropdownMenu.Trigger ref={trigger} className="icon-button" aria-label={words.menu}>
            <Ellipsis aria-hidden />
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
              {rest.map((choice) => (
                <DropdownMenu.Item
                  key={choice.action}
                  className={`menu-item ${DANGER.has(choice.action) ? "danger" : ""}`}
                  onSelect={() => setOpen(choice)}
                >
                  {words.name[choice.action]}
                </DropdownMenu.Item>
              ))}
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu.Root>
      ) : null}
      {Way ? (
        <Way
          key={open.action}
          choice={open}
          head={head}
          words={words}
          desk={desk}
          onClose={close}
          changed={changed}
        />
      ) : null}
    </div>
  );
}

function copiedOf(number, words) {
  if (number < 2) return number ? words.copiedOne : words.copiedNone;
  return filled(words.copied, { number: number.toLocaleString(locale()) });
}

function ForkDialog({ step, head, words, desk, onClose }) {
  const attempt = useAttempt(desk.acted, useLeaving(onClose));
  const [mode, setMode] = useState("");
  const [text, setText] = useEdited("ask:value", desk.whole, step.key, mode || "input", mode !== "");
  const [problem, setProblem] = useState("");
  const takesInput = ["step", "transaction"].includes(step.line.kind);
  const about = filled(words.forkAt, {
    step: `“${step.key}”`,
    copied: copiedOf(step.copied, words),
    then: words.then[mode],
  });
  const refused = attempt.refused?.field ? spoken(attempt.refused.words) : "";
  const confirm = () => {
    const wrong = mode ? problemOf(text, mode === "input" ? "list" : "", words) : "";
    setProblem(wrong);
    if (wrong) return;
    attempt.send((number, id) => desk.onFork(head.id, step.key, mode, mode ? text : "", id, number));
  };
  return (
    <Ask
      title={words.title.fork}
      words={words}
      text={about}
      confirm={words.confirm.fork}
      attempt={attempt}
      onConfirm={confirm}
      onClose={onClose}
    >
      <fieldset className="run-modes">
        <legend>{words.mode}</legend>
        {Object.entries(words.modes).map(([value, label]) =>
          value === "input" && !takesInput ? null : (
            <label key={value}>
              <input
                type="radio"
                checked={mode === value}
                onChange={() => {
                  setMode(value);
                  setProblem("");
                }}
              />
              {label}
            </label>
          ),
        )}
      </fieldset>
      {mode ? (
        <Json
          label={words.value[mode]}
          value={text}
          onChange={setText}
          problem={problem || refused}
          note={text.includes("[redacted]") ? words.redacted : noteOf(head, step, mode, words)}
        />
      ) : null}
    </Ask>
  );
}

const MODEL_CALL = /^generate(#\d+)?$/;

function noteOf(head, step, mode, words) {
  if (!head.beside || !MODEL_CALL.test(step.key)) return "";
  const example = mode === "input" ? ` ${EXAMPLE}` : "";
  return words.notes[mode] + example;
}

/** Whether the run can go on from a step: an answer only from a call of its model or of a tool. */
export function goesOnFrom(head, step) {
  return head.forkable && (!head.beside || MODEL_CALL.test(step.key) || step.key.includes("/"));
}

/** Opens the dialog that forks the run from a step. */
export function ForkButton({ step, head, words, desk }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="button small fork-button" onClick={() => setOpen(true)}>
        <GitFork aria-hidden />
        {words.forkHere}
      </button>
      {open ? (
        <ForkDialog
          step={step}
          head={head}
          words={words}
          desk={desk}
          onClose={() => setOpen(false)}
        />
      ) : null}
    </>
  );
}
