// A new schedule, or another content for one: in a dialog, with what would come of it.
import { useEffect, useId, useRef, useState } from "react";
import * as Dialog from "@radix-ui/react-dialog";
import { filled } from "./asks";
import { useAttempt, useReturn } from "./overview_sure";
import { spoken } from "./said";
import { Arguments, Field } from "./schedules_fields";
import { HERE, here, there, zones } from "./schedules_times";
import { newId } from "./store";

const SOON = 250;

function Next({ form, shown, words }) {
  const { times } = shown;
  return (
    <div className="form-next" role="status" data-part="preview">
      {shown.words ? <p className="form-words">{spoken(shown.words)}</p> : null}
      {shown.problems.length ? <p className="form-note">{words.notYet}</p> : null}
      {shown.words && !times.length ? <p>{words.noTimes}</p> : null}
      {times.length ? (
        <>
          <h3>{words.nextTimes}</h3>
          <ol>
            {times.map((at) => (
              <li key={at}>
                <time dateTime={at}>{here(at)}</time>
                {there(at, form.timezone) ? (
                  <span>{filled(words.notHere, { time: there(at, form.timezone), zone: form.timezone })}</span>
                ) : null}
              </li>
            ))}
          </ol>
        </>
      ) : null}
    </div>
  );
}

function Choice({ label, value, options, onChange, rest }) {
  return (
    <select {...rest} aria-label={rest ? undefined : label} value={value} onChange={(event) => onChange(event.target.value)}>
      {Object.entries(options).map(([name, text]) => (
        <option key={name} value={name}>
          {text}
        </option>
      ))}
    </select>
  );
}

function When({ form, set, wrong, words }) {
  const kinds = useId();
  const list = useId();
  const field = (name) => (event) => set({ [name]: event.target.value });
  return (
    <fieldset className="form-when">
      <legend>{words.when}</legend>
      <div className="form-kinds">
        {Object.entries(words.kinds).map(([kind, label]) => (
          <label key={kind}>
            <input type="radio" name={kinds} checked={form.kind === kind} onChange={() => set({ kind })} />
            {label}
          </label>
        ))}
      </div>
      {form.kind === "cron" ? (
        <>
          <Field label={words.spec} note={words.specMore} problem={wrong("spec")}>
            {(rest) => <input {...rest} className="mono" spellCheck={false} value={form.spec} onChange={field("spec")} />}
          </Field>
          <p className="form-examples">
            {Object.entries(words.examples).map(([spec, label]) => (
              <button type="button" key={spec} className="link-button" onClick={() => set({ spec })}>
                {label}
              </button>
            ))}
          </p>
        </>
      ) : (
        <div className="form-row">
          <Field label={words.every} problem={wrong("number")}>
            {(rest) => <input {...rest} inputMode="decimal" value={form.number} onChange={field("number")} />}
          </Field>
          <Field label={words.unit}>
            {(rest) => <Choice rest={rest} value={form.unit} options={words.units} onChange={(unit) => set({ unit })} />}
          </Field>
        </div>
      )}
      <Field label={words.timezone} note={words.timezoneMore} problem={wrong("timezone")}>
        {(rest) => (
          <input {...rest} list={list} autoComplete="off" spellCheck={false} value={form.timezone} onChange={field("timezone")} />
        )}
      </Field>
      <datalist id={list}>
        {zones().map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </fieldset>
  );
}

const MORE = ["start", "end", "jitter", "missed", "most_missed", "overlap"];

function More({ form, set, wrong, words }) {
  const field = (name) => (event) => set({ [name]: event.target.value });
  const [open, setOpen] = useState(false);
  const bad = MORE.some((name) => wrong(name));
  return (
    <details className="form-more" open={open || bad} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{words.more}</summary>
      <div className="form-row">
        {["start", "end"].map((name) => (
          <Field
            key={name}
            label={words[name]}
            note={name === "start" ? words.startMore[form.kind] : ""}
            problem={wrong(name)}
          >
            {(rest) => <input {...rest} type="datetime-local" step="1" value={form[name]} onChange={field(name)} />}
          </Field>
        ))}
      </div>
      <div className="form-row">
        <Field label={words.missed} problem={wrong("missed")}>
          {(rest) => (
            <Choice rest={rest} value={form.missed} options={words.missedKinds} onChange={(missed) => set({ missed })} />
          )}
        </Field>
        {form.missed === "all" ? (
          <Field label={words.mostMissed} problem={wrong("most_missed")}>
            {(rest) => <input {...rest} inputMode="numeric" value={form.most_missed} onChange={field("most_missed")} />}
          </Field>
        ) : null}
      </div>
      <Field label={words.overlap} problem={wrong("overlap")}>
        {(rest) => (
          <Choice rest={rest} value={form.overlap} options={words.overlapKinds} onChange={(overlap) => set({ overlap })} />
        )}
      </Field>
      <Field label={words.jitter} note={words.jitterMore} problem={wrong("jitter")}>
        {(rest) => <input {...rest} inputMode="decimal" value={form.jitter} onChange={field("jitter")} />}
      </Field>
    </details>
  );
}

/** What the server says of the form as it is typed. */
function usePreview(form, id, previewed, onPreview) {
  const [asked, setAsked] = useState(0);
  const { name: _name, workflow: _workflow, arguments: _arguments, ...times } = form;
  const told = JSON.stringify(times);
  useEffect(() => {
    const timer = setTimeout(() => {
      const number = Date.now();
      setAsked(number);
      onPreview(told, id, number);
    }, SOON);
    return () => clearTimeout(timer);
  }, [told]);
  return previewed.number === asked && asked ? previewed : null;
}

/**
 * `line` is the schedule that is changed, as it was when the form was opened; `now` is that
 * schedule as it is. Without a line it is a new one, which begins as `first`.
 */
export function ScheduleDialog({ line, now, first, workflows, previewed, acted, words, onPreview, onCreate, onChange, onDone, onTheirs, onClose }) {
  const [form, setForm] = useState(first);
  const [ready, setReady] = useState(true);
  const [tried, setTried] = useState(false);
  const [touched, setTouched] = useState(false);
  const onReturn = useReturn();
  const newOne = useRef("");
  newOne.current ||= newId();
  const attempt = useAttempt(acted, (came) => came.done && onDone(came));
  const last = useRef(null);
  const shown = usePreview(form, line?.id ?? "", previewed, onPreview);
  if (shown) last.current = shown;
  const view = last.current ?? { words: "", times: [], problems: [] };
  const set = (changes) => {
    setTouched(true);
    setForm((old) => ({ ...old, ...changes }));
  };
  const refused = attempt.came && !attempt.came.done ? attempt.came.problems : [];
  const all = [...(view.problems ?? []), ...refused];
  const wrong = (name) => {
    if (tried && name === "name" && !form.name.trim()) return words.noName;
    if (tried && name === "workflow" && !form.workflow) return words.noWorkflow;
    return spoken(all.find((one) => one.field === name)?.words ?? "");
  };
  const whole = refused.filter((one) => !one.field);
  const workflow = workflows.find((one) => one.name === form.workflow);
  const others = line && now && now.mark !== line.mark;
  const gone = line && !now && !attempt.busy && !attempt.came?.done;
  const submit = (event) => {
    event.preventDefault();
    setTried(true);
    if (!form.name.trim() || !workflow || !ready) return;
    attempt.send((number) =>
      line
        ? onChange(JSON.stringify(form), line.id, line.mark, number)
        : onCreate(JSON.stringify(form), newOne.current, number),
    );
  };
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="dialog-veil" />
        <Dialog.Content
          className="dialog schedule-dialog"
          aria-describedby={undefined}
          onCloseAutoFocus={onReturn}
          // A click beside it must not lose what was typed.
          onInteractOutside={(event) => touched && event.preventDefault()}
        >
          <Dialog.Title asChild>
            <h2>{line ? filled(words.editTitle, { name: line.name }) : words.createTitle}</h2>
          </Dialog.Title>
          <form onSubmit={submit} noValidate>
            <Field label={words.name} problem={wrong("name")}>
              {(rest) => (
                <input {...rest} maxLength={120} value={form.name} onChange={(event) => set({ name: event.target.value })} />
              )}
            </Field>
            <When form={form} set={set} wrong={wrong} words={words} />
            <Next form={form} shown={view} words={words} />
            <Field label={words.workflow} note={workflow?.words.split("\n")[0]} problem={wrong("workflow")}>
              {(rest) => (
                <select
                  {...rest}
                  value={form.workflow}
                  onChange={(event) => set({ workflow: event.target.value, arguments: "{}" })}
                >
                  {workflow ? null : <option value="">{form.workflow || words.chooseWorkflow}</option>}
                  {workflows.map((one) => (
                    <option key={one.name} value={one.name}>
                      {one.name}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            {workflow ? (
              <Arguments
                key={workflow.name}
                workflow={workflow}
                value={form.arguments}
                onChange={(json, isReady) => {
                  setForm((old) => ({ ...old, arguments: json }));
                  setReady(isReady);
                }}
                problem={wrong("arguments")}
                shownProblems={tried}
                words={words}
              />
            ) : null}
            <More form={form} set={set} wrong={wrong} words={words} />
            {whole.map((one) => (
              <p className="sure-problem" role="alert" key={one.words}>
                {spoken(one.words)}
              </p>
            ))}
            {others && !whole.length ? (
              <p className="sure-problem" role="alert">
                {words.changedMeanwhile}
              </p>
            ) : null}
            {gone ? (
              <p className="sure-problem" role="alert">
                {words.deletedMeanwhile}
              </p>
            ) : null}
            {attempt.slow ? <p role="alert">{words.slow}</p> : null}
            <div className="dialog-actions">
              {others ? (
                <button type="button" className="button" onClick={() => onTheirs(now)}>
                  {words.takeTheirs}
                </button>
              ) : null}
              <button type="button" className="button" onClick={onClose}>
                {words.keep}
              </button>
              <button type="submit" className="button primary" aria-disabled={attempt.busy || undefined}>
                {attempt.busy ? words.doing : line ? words.save : words.create}
              </button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** What a new schedule begins with. */
export const EMPTY = {
  name: "",
  workflow: "",
  arguments: "{}",
  kind: "cron",
  spec: "0 9 * * mon-fri",
  number: "1",
  unit: "hours",
  timezone: HERE,
  start: "",
  end: "",
  jitter: "0",
  missed: "one",
  most_missed: "10",
  overlap: "skip",
};
