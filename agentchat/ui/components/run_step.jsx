// One step of a run in all detail, beside the timeline.
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { Check, Copy, X } from "lucide-react";
import { filled } from "./asks";
import { useNow } from "./clock";
import { ForkButton, goesOnFrom } from "./run_actions";
import { Chip, Value, dollars, stamp, took } from "./run_values";
import { locale, spoken } from "./said";

function CopyText({ text, words }) {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard?.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 2000);
    });
  return (
    <button type="button" className="icon-button" aria-label={copied ? words.copied : words.copy} onClick={copy}>
      {copied ? <Check aria-hidden /> : <Copy aria-hidden />}
    </button>
  );
}

function outcomeOf(one, line, isLast, words) {
  if (one.error) return spoken(one.error);
  if (!isLast || line.status === "dropped") return words.cutOff;
  return line.status === "done" ? words.came : words.underWay;
}

function Tries({ step, words }) {
  return (
    <div className="run-tries">
      <h4>{words.everyTry}</h4>
      <ol>
        {step.tries.map((one, place) => {
          const isLast = place === step.tries.length - 1;
          return (
            <li key={place} data-failed={one.error ? true : undefined}>
              <p>
                <strong>
                  {words.try} {one.number}
                </strong>{" "}
                {one.error_kind ? <code>{one.error_kind}</code> : null}
              </p>
              <p>{outcomeOf(one, step.line, isLast, words)}</p>
              <p className="run-soft">
                <time dateTime={one.began}>{stamp(one.began)}</time>
                {one.ended ? ` · ${took(Date.parse(one.began), Date.parse(one.ended))}` : ""}
                {` · ${one.worker} · ${filled(words.attempt, { number: one.attempt })}`}
              </p>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function Facts({ step, words }) {
  const { line } = step;
  const over = Boolean(line.ended);
  const now = useNow(!over);
  const rows = [
    [words.kindLabel, words.kind[line.kind] ?? line.kind],
    [words.began, stamp(line.began)],
    [words.ended, stamp(line.ended)],
    [over ? words.took : words.lasting, took(Date.parse(line.began), over ? Date.parse(line.ended) : now)],
    [line.status === "retrying" ? words.nextTry : words.until, stamp(line.until)],
    [words.event, line.event],
    [
      words.tokens,
      line.tokens
        ? filled(words.tokensOf, {
            input: step.input_tokens.toLocaleString(locale()),
            output: step.output_tokens.toLocaleString(locale()),
          })
        : "",
    ],
    [words.cost, line.cost_usd >= 0 ? dollars(line.cost_usd) : ""],
    [words.worker, step.worker],
  ];
  return (
    <dl className="run-facts">
      {rows.map(([label, value]) =>
        label && value ? (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ) : null,
      )}
      {line.child ? (
        <div>
          <dt>{words.kind.run}</dt>
          <dd>
            <Link to={`/runs/${line.child}`}>{words.openRun}</Link>
          </dd>
        </div>
      ) : null}
      {step.idempotency_key ? (
        <div className="wide">
          <dt>{words.idempotency}</dt>
          <dd>
            <code>{step.idempotency_key}</code>
            <CopyText text={step.idempotency_key} words={words} />
          </dd>
        </div>
      ) : null}
    </dl>
  );
}

function Wrote({ step, words }) {
  return (
    <div className="run-wrote">
      <h4>{words.wrote}</h4>
      {step.wrote.map((part, place) => (
        <div key={place} data-part="wrote">
          <p>
            <strong>
              {part.kind === "tool"
                ? filled(words.tool, { name: part.name })
                : (words.part[part.kind] ?? part.kind)}
            </strong>
          </p>
          {part.input.text ? <pre tabIndex={0}>{part.input.text}</pre> : null}
          {part.text.text ? <pre tabIndex={0}>{part.text.text}</pre> : null}
        </div>
      ))}
      <Link to={`/t/${step.thread_id}#m-${step.message_id}`}>{words.toAnswer}</Link>
    </div>
  );
}

export function StepPanel({ step, head, address, words, actionWords, desk }) {
  const title = useRef(null);
  const key = address.get("step");
  const here = step.key === key;
  const close = () => {
    const from = document.querySelector(`[data-key="${CSS.escape(key)}"] [data-line]`);
    address.set({ step: "" });
    from?.focus();
  };
  useEffect(() => {
    // On a narrow screen it covers the rest.
    if (window.matchMedia("(max-width: 1100px)").matches) title.current?.focus();
  }, []);
  const onKeyDown = (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) close();
  };
  const { whole } = desk;
  return (
    <aside className="step-panel" aria-label={`${words.step} ${key}`} onKeyDown={onKeyDown}>
      <div className="step-head">
        <h3 ref={title} tabIndex={-1}>
          {key}
        </h3>
        {here && step.line ? <Chip status={step.line.status} words={words} /> : null}
        <button type="button" className="icon-button" aria-label={words.close} onClick={close}>
          <X aria-hidden />
        </button>
      </div>
      {here && step.missing ? <p className="run-none">{words.noStep}</p> : null}
      {here && step.line ? (
        <>
          {step.error ? (
            <div className="run-failure">
              <p>
                <strong>{step.error_kind || words.error}</strong> {spoken(step.error)}
              </p>
              {step.next_step ? (
                <p>
                  {words.next}: {spoken(step.next_step)}
                </p>
              ) : null}
            </div>
          ) : null}
          {goesOnFrom(head, step) ? <ForkButton step={step} head={head} words={actionWords} desk={desk} /> : null}
          <Facts step={step} words={words} />
          <Value
            label={words.input}
            kept={step.input}
            none={step.input_kept ? words.nothing : words.noInput}
            of={`${key}:input`}
            step={key}
            what="input"
            whole={whole}
            words={words}
          />
          <Value
            label={words.result}
            kept={step.result}
            none={step.line.status === "done" ? words.nothing : words.noResult}
            of={`${key}:result`}
            step={key}
            what="result"
            whole={whole}
            words={words}
          />
          {step.tries.length > 1 || step.line.status === "retrying" ? (
            <Tries step={step} words={words} />
          ) : null}
          {step.wrote.length ? <Wrote step={step} words={words} /> : null}
        </>
      ) : null}
      {!here ? <p className="run-none" aria-busy /> : null}
    </aside>
  );
}
