// The arguments of a workflow: a field each, or all of them as JSON.
import { useEffect, useId, useState } from "react";
import { spoken } from "./said";

/** A label, its control, and what is wrong with it. */
export function Field({ label, note, problem, children }) {
  const id = useId();
  const described = [note ? `${id}-note` : "", problem ? `${id}-problem` : ""].filter(Boolean).join(" ");
  return (
    <div className="form-field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": problem ? true : undefined })}
      {note ? (
        <p className="form-note" id={`${id}-note`}>
          {note}
        </p>
      ) : null}
      {problem ? (
        <p className="form-problem" role="alert" id={`${id}-problem`}>
          {problem}
        </p>
      ) : null}
    </div>
  );
}

const isText = (field) => field.kind === "text";

/** The text that a field shows for a value. */
function textOf(field, value) {
  if (value === undefined || value === null) return "";
  if (field.kind === "choice" || field.kind === "json") return JSON.stringify(value);
  return isText(field) && typeof value === "string" ? value : JSON.stringify(value);
}

/** The value that a text of a field stands for: `[value, problem]`; no value is left out. */
function valueOf(field, text, words) {
  if (text === "") {
    if (field.empty) return [null];
    if (field.required) return [undefined, words.missing];
    // Left out, it is as the code has it; a text may be meant to be empty.
    return isText(field) ? [""] : [undefined];
  }
  if (isText(field)) return [text];
  try {
    const value = JSON.parse(text);
    const number = field.kind === "integer" || field.kind === "number";
    return number && typeof value !== "number" ? [undefined, words.notNumber] : [value];
  } catch {
    return [undefined, field.kind === "json" ? words.notJson : words.notNumber];
  }
}

function parsed(text) {
  try {
    const value = JSON.parse(text || "{}");
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function Control({ field, text, setText, words, ...rest }) {
  if (field.kind === "switch" || field.kind === "choice") {
    const choices = field.kind === "switch" ? ["true", "false"] : field.choices;
    return (
      <select {...rest} value={text} onChange={(event) => setText(event.target.value)}>
        {field.empty || !choices.includes(text) ? <option value="">{words.nothing}</option> : null}
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice.startsWith('"') ? JSON.parse(choice) : choice}
          </option>
        ))}
      </select>
    );
  }
  const set = (event) => setText(event.target.value);
  if (field.kind === "json" || text.includes("\n") || text.length > 60) {
    return <textarea {...rest} rows={3} spellCheck={isText(field)} value={text} onChange={set} />;
  }
  return <input {...rest} inputMode={isText(field) ? undefined : "decimal"} value={text} onChange={set} />;
}

/**
 * `value` is JSON of an object; `onChange(json, ready)` gives another, and whether every field of
 * it can be read.
 */
export function Arguments({ workflow, value, onChange, problem, shownProblems, words }) {
  const [asJson, setAsJson] = useState(() => parsed(value) === null);
  const [texts, setTexts] = useState({});
  const start = () => {
    const given = parsed(value) ?? {};
    const told = {};
    for (const field of workflow.fields) {
      const standard = field.default ? JSON.parse(field.default) : undefined;
      told[field.name] = textOf(field, field.name in given ? given[field.name] : standard);
    }
    return told;
  };
  const tell = (next) => {
    const found = {};
    let ready = true;
    for (const field of workflow.fields) {
      const [one, wrong] = valueOf(field, next[field.name] ?? "", words);
      if (wrong) ready = false;
      else if (one !== undefined) found[field.name] = one;
    }
    setTexts(next);
    onChange(JSON.stringify(found), ready);
  };
  useEffect(() => {
    if (!asJson) tell(start());
  }, [workflow.name, asJson]);
  const toggle = () => {
    if (asJson && parsed(value) === null) return;
    if (!asJson) onChange(JSON.stringify(parsed(value) ?? {}, null, 2), true);
    setAsJson(!asJson);
  };
  if (!workflow.fields.length) return <p className="form-note">{words.noArguments}</p>;
  return (
    <fieldset className="form-arguments">
      <legend>{words.arguments}</legend>
      {asJson ? (
        <Field
          label={words.arguments}
          problem={problem || (parsed(value) === null ? words.notJson : "")}
        >
          {(rest) => (
            <textarea
              {...rest}
              className="mono"
              rows={6}
              spellCheck={false}
              value={value}
              onChange={(event) => onChange(event.target.value, parsed(event.target.value) !== null)}
            />
          )}
        </Field>
      ) : (
        workflow.fields.map((field) => {
          const text = texts[field.name] ?? "";
          const [, wrong] = valueOf(field, text, words);
          const chosen = field.kind === "switch" || field.kind === "choice";
          const may = chosen && !field.empty ? "" : words.optional;
          const note = [spoken(field.words), field.required ? words.required : may].filter(Boolean);
          return (
            <Field
              key={field.name}
              label={field.name}
              note={note.join(", ")}
              problem={(text || shownProblems) && wrong ? wrong : ""}
            >
              {(rest) => (
                <Control
                  {...rest}
                  field={field}
                  text={text}
                  setText={(next) => tell({ ...texts, [field.name]: next })}
                  words={words}
                />
              )}
            </Field>
          );
        })
      )}
      {!asJson && problem ? (
        <p className="form-problem" role="alert">
          {problem}
        </p>
      ) : null}
      <button type="button" className="link-button" onClick={toggle} disabled={asJson && parsed(value) === null}>
        {asJson ? words.asFields : words.asJson}
      </button>
    </fieldset>
  );
}
