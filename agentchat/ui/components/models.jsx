// The models of the app: which, who chose them, and whether they answer.
import { useState } from "react";
import { Check, Copy } from "lucide-react";
import { filled } from "./asks";
import { duration } from "./overview_values";
import { useAttempt } from "./overview_sure";
import { dollars } from "./run_values";
import { locale, spoken } from "./said";

const read = (number) => number.toLocaleString(locale());

function Fact({ name, mono, part, children }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={mono ? "mono" : undefined} data-part={part}>
        {children}
      </dd>
    </div>
  );
}

function usesOf(model, words) {
  const uses = model.uses.map((use) => words.uses[use] ?? use);
  const names = model.agents.join(", ");
  if (names) uses.push(filled(model.agents.length > 1 ? words.agentsMany : words.agents, { names }));
  return uses.join(", ") || words.nothing;
}

function chosenBy(model, words) {
  const source = words.sources[model.source] ?? model.source;
  if (model.variable) {
    return (
      <>
        <code>{model.variable}</code> <span className="set-soft">{source}</span>
      </>
    );
  }
  return model.source === "default" ? words.noModel : source;
}

function keyOf(model, words) {
  if (!model.has_key) return words.noKey;
  return (
    <>
      {model.key_end ? filled(words.keyEnd, { end: model.key_end }) : words.keySet}{" "}
      {model.key_variable ? <code>{model.key_variable}</code> : null}
    </>
  );
}

function priceOf(model, words) {
  if (model.input_usd < 0 || model.output_usd < 0) return words.noPrice;
  if (!model.input_usd && !model.output_usd) return words.free;
  return filled(words.prices, { input: dollars(model.input_usd), output: dollars(model.output_usd) });
}

function readsOf(model, words) {
  if (model.context_tokens) return filled(words.tokens, { number: read(model.context_tokens) });
  return filled(words.assumed, { number: read(model.assumed_tokens) });
}

function Outcome({ tried, words }) {
  const times = [
    [words.took, duration(tried.seconds)],
    tried.first_seconds >= 0 && [words.first, duration(tried.first_seconds)],
    tried.input_tokens + tried.output_tokens > 0 && [
      words.used,
      `${filled(words.usedEach, { input: read(tried.input_tokens), output: read(tried.output_tokens) })}${tried.estimated ? ` ${words.estimated}` : ""}`,
    ],
    tried.cost_usd >= 0 && [words.cost, dollars(tried.cost_usd)],
  ].filter(Boolean);
  return (
    <div className="trial" data-part="trial" data-ok={!tried.problem}>
      <p>
        <strong>{tried.problem ? words.fails : words.works}</strong>
      </p>
      {tried.problem ? (
        <>
          <p data-part="trial-problem">{spoken(tried.problem)}</p>
          <p>
            {words.next}: {spoken(tried.next_step)}
          </p>
        </>
      ) : (
        <blockquote data-part="trial-reply">{tried.reply || words.silent}</blockquote>
      )}
      <dl className="set-facts tight">
        {times.map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
      </dl>
      {tried.listed ? (
        <p className="set-soft">
          {words.listed[tried.listed]}{" "}
          {tried.others.length ? filled(words.others, { names: tried.others.join(", ") }) : ""}
        </p>
      ) : null}
      {tried.request_id ? (
        <p className="set-soft mono">{filled(words.request, { id: tried.request_id })}</p>
      ) : null}
    </div>
  );
}

function Model({ model, tried, attempt, testing, words, onTest }) {
  const mine = testing === model.key;
  const state = words.states[model.state] ?? model.state;
  const percent = model.progress >= 0 && model.state === "pulling" ? ` ${Math.round(model.progress * 100)} %` : "";
  const embeds = model.numbers > 0;
  return (
    <li className="set-card" data-part="model" data-key={model.key} data-state={model.state}>
      <header>
        <h3>{model.label}</h3>
        <span className={`set-mark ${model.state === "ready" ? "" : model.state === "failed" ? "bad" : "wait"}`}>
          {state}
          {percent}
        </span>
        <button
          type="button"
          className="button small"
          aria-label={filled(words.testOne, { name: model.label })}
          aria-disabled={attempt.busy || undefined}
          onClick={() => onTest(model.key)}
        >
          {mine && attempt.busy ? words.testing : words.test}
        </button>
      </header>
      {model.detail ? <p className={model.state === "failed" ? "set-bad" : "set-soft"}>{spoken(model.detail)}</p> : null}
      <dl className="set-facts">
        <Fact name={words.usedFor}>{usesOf(model, words)}</Fact>
        {embeds ? null : <Fact name={words.chosenBy}>{chosenBy(model, words)}</Fact>}
        <Fact name={words.where} mono={!model.here}>
          {model.here ? words.here : model.base_url}
        </Fact>
        {model.here ? null : <Fact name={words.key} part="key">{keyOf(model, words)}</Fact>}
        {embeds ? (
          <Fact name={words.gives}>{filled(words.numbers, { number: read(model.numbers) })}</Fact>
        ) : (
          <>
            <Fact name={words.price}>{priceOf(model, words)}</Fact>
            <Fact name={words.reads}>{readsOf(model, words)}</Fact>
          </>
        )}
      </dl>
      <div role="status">
        {mine && attempt.busy ? (
          <p className="set-soft">
            <span className="spinner" aria-hidden /> {words.testing}
          </p>
        ) : null}
        {mine && !attempt.busy && attempt.came && !attempt.came.problem && tried.key === model.key ? (
          <Outcome tried={tried} words={words} />
        ) : null}
      </div>
      {mine && attempt.came?.problem ? (
        <p role="alert" className="entry-problem">
          {spoken(attempt.came.problem)}
        </p>
      ) : null}
      {mine && attempt.slow ? <p role="alert">{words.slow}</p> : null}
    </li>
  );
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS there may be no clipboard.
    const box = document.createElement("textarea");
    box.value = text;
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  }
}

function Presets({ presets, words }) {
  const [name, setName] = useState(presets[0].name);
  const [done, setDone] = useState("");
  const { lines } = presets.find((one) => one.name === name);
  const copy = async () => {
    const focused = document.activeElement;
    if (await copied(lines)) setDone(name);
    focused?.focus();
  };
  return (
    <section className="settings" aria-labelledby="settings-how" data-part="presets">
      <h2 id="settings-how">{words.howTitle}</h2>
      <p className="memories-more">{words.how}</p>
      <div className="set-pills" role="group" aria-label={words.presets}>
        {presets.map((one) => (
          <button
            key={one.name}
            type="button"
            className="runs-pill"
            aria-pressed={one.name === name}
            onClick={() => {
              setName(one.name);
              setDone("");
            }}
          >
            {one.name}
          </button>
        ))}
      </div>
      <div className="set-lines">
        <pre tabIndex={0} aria-label=".env">
          {lines}
        </pre>
        <button type="button" className="button small" onClick={copy}>
          {done === name ? <Check size={15} aria-hidden /> : <Copy size={15} aria-hidden />}
          <span aria-live="polite">{done === name ? words.copied : words.copy}</span>
        </button>
      </div>
    </section>
  );
}

/** The models, each with a test, and how to use others. */
export function Models({ models, tried, acted, presets, words, onTest }) {
  const [testing, setTesting] = useState("");
  const attempt = useAttempt(acted, () => {}, 45_000);
  const test = (key) => {
    if (attempt.busy) return;
    setTesting(key);
    attempt.send((number) => onTest(key, number));
  };
  return (
    <>
      <ul className="set-cards" aria-label={words.list}>
        {models.map((model) => (
          <Model
            key={model.key}
            model={model}
            tried={tried}
            attempt={attempt}
            testing={testing}
            words={words}
            onTest={test}
          />
        ))}
      </ul>
      <p className="set-soft">{words.testMore}</p>
      <Presets presets={presets} words={words} />
    </>
  );
}
