// The page of one run: what it is, its timeline, and what is under its tabs.
import { useEffect } from "react";
import { Link, useSearchParams } from "react-router";
import { AskCard, Held, filled } from "./asks";
import { useNow } from "./clock";
import { RunActions } from "./run_actions";
import { RunLogs } from "./run_logs";
import { StepPanel } from "./run_step";
import { Timeline } from "./run_timeline";
import { Chip, Value, dollars, exportOf, isActive, stamp, tellAt, took } from "./run_values";
import { locale, named, spoken } from "./said";
import { WorkflowName } from "./workflow_name";

/** What the address says of the page; `set` changes some of it. */
function useAddress() {
  const [params, setParams] = useSearchParams();
  const get = (name) => params.get(name) ?? "";
  const changed = (changes) => {
    const next = new URLSearchParams(params);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    return next;
  };
  const set = (changes, replace = true) =>
    setParams(changed(changes), { replace, preventScrollReset: true });
  const to = (changes) => `?${changed(changes)}`;
  return { get, set, to };
}

function Missing({ head, audits, words }) {
  const gone = head.missing === "gone";
  return (
    <div className="center-note" data-part="missing">
      <h2 className="note-title">{gone ? words.gone : words.never}</h2>
      <p>{gone ? words.goneMore : words.neverMore}</p>
      {gone ? <Audits audits={audits} words={words} /> : null}
      <Link to="/runs" className="button primary">
        {words.allRuns}
      </Link>
    </div>
  );
}

function Fact({ label, children }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function RunTo({ run, words, step }) {
  return (
    <Link to={`/runs/${run.id}`} className="run-link">
      <span>
        {run.workflow ? <WorkflowName name={run.workflow} words={words} /> : run.id.slice(0, 8)}
      </span>
      {run.status ? <Chip status={run.status} words={words} /> : null}
      {step && run.step ? <small>{filled(words.atStep, { step: run.step })}</small> : null}
    </Link>
  );
}

function costOf({ cost_usd, unknown, calls }, words) {
  if (!calls) return "";
  if (unknown >= calls && !cost_usd) return words.unknownCost;
  const cost = dollars(cost_usd);
  return unknown ? filled(words.atLeast, { cost }) : cost;
}

function Facts({ head, words }) {
  const now = useNow(isActive(head.status));
  const started = Date.parse(head.started);
  const ended = head.finished ? Date.parse(head.finished) : now;
  const { spent } = head;
  const tokens = { input: spent.input_tokens, output: spent.output_tokens };
  const read = Object.fromEntries(
    Object.entries(tokens).map(([name, count]) => [name, count.toLocaleString(locale())]),
  );
  const cost = costOf(spent, words);
  return (
    <dl className="run-facts" aria-label={words.about}>
      {head.started ? (
        <Fact label={head.finished ? words.took : words.lasting}>
          {took(started, ended)}
          {head.queue_ms >= 1000 ? (
            <small>
              {words.queued} {took(0, head.queue_ms)}
            </small>
          ) : null}
        </Fact>
      ) : null}
      <Fact label={words.startedBy}>
        {named(head.started_by) || "–"}
        {head.schedule ? (
          <small>
            {words.schedule} <Link to="/schedules">{head.schedule}</Link>
          </small>
        ) : null}
      </Fact>
      <Fact label={words.created}>{stamp(head.created)}</Fact>
      {head.started ? <Fact label={words.started}>{stamp(head.started)}</Fact> : null}
      {head.finished ? <Fact label={words.finished}>{stamp(head.finished)}</Fact> : null}
      {head.thread_id ? (
        <Fact label={head.message_id ? words.answer : words.thread}>
          <Link to={`/t/${head.thread_id}${head.message_id ? `#m-${head.message_id}` : ""}`}>
            {head.thread_title || words.untitled}
          </Link>
        </Fact>
      ) : null}
      {spent.calls ? (
        <Fact label={words.tokens}>
          {filled(words.tokensOf, read)}
          {spent.estimated ? <small>{words.estimated}</small> : null}
        </Fact>
      ) : null}
      {cost ? <Fact label={words.cost}>{cost}</Fact> : null}
      {head.good + head.bad ? (
        <Fact label={words.rated}>
          {head.good} / {head.bad}
          {head.comments.map((text, number) => (
            <q key={number} className="run-comment">
              {text}
            </q>
          ))}
        </Fact>
      ) : null}
      <Fact label={words.attempts}>{head.attempts}</Fact>
      {head.worker ? <Fact label={words.worker}>{head.worker}</Fact> : null}
      {head.key ? <Fact label={words.key}>{head.key}</Fact> : null}
      {head.parent ? (
        <Fact label={words.parent}>
          <RunTo run={head.parent} words={words} />
        </Fact>
      ) : null}
      {head.origin ? (
        <Fact label={head.origin.step ? words.origin : words.originRerun}>
          <RunTo run={head.origin} words={words} step />
        </Fact>
      ) : null}
      {["children", "forks"].map((name) =>
        head[name].length ? (
          <Fact key={name} label={words[name]}>
            {head[name].map((run) => (
              <RunTo key={run.id} run={run} words={words} step />
            ))}
            {head.more ? <small>{words.more}</small> : null}
          </Fact>
        ) : null,
      )}
    </dl>
  );
}

function Head({ head, address, words, actionWords, desk }) {
  return (
    <header className="run-head">
      <div className="run-title">
        <h2>
          <WorkflowName name={head.workflow} words={words} />
        </h2>
        <small>{filled(words.version, head)}</small>
        {head.agent ? (
          <small>
            {words.agent} {head.agent}
          </small>
        ) : null}
        <code>{head.id}</code>
      </div>
      <div className="run-state">
        <p className="run-status" role="status">
          <Chip status={head.status} words={words} />
          {head.status === "failed" && head.next_step ? null : (
            <span>{tellAt(head.why, head.at)}</span>
          )}
        </p>
        <RunActions head={head} words={actionWords} statusWords={words.status} desk={desk} />
      </div>
      {head.next_step ? (
        <div className="run-failure" data-part="failure">
          <p>
            <strong>{head.error_kind || words.error}</strong> {spoken(head.error)}
          </p>
          <p>
            {words.next}: {spoken(head.next_step)}
          </p>
          {head.failed_step ? (
            <Link
              className="link-button"
              to={address.to({ step: head.failed_step, tab: "" })}
              preventScrollReset
            >
              {words.failedStep}
            </Link>
          ) : null}
        </div>
      ) : null}
      <Facts head={head} words={words} />
    </header>
  );
}

function Asks({ asks, desk, words }) {
  return (
    <Held open={asks.map((ask) => ask.id).join()} className="run-asks" aria-label={words.asks}>
      {asks.map((ask) => (
        <AskCard key={ask.id} ask={ask} desk={desk} linked />
      ))}
    </Held>
  );
}

function Events({ events, address, words }) {
  if (!events.length) return <p className="run-none">{words.eventsNone}</p>;
  return (
    <ol className="run-events">
      {events.map((event) => (
        <li key={event.id}>
          <p>
            <strong>{event.name}</strong> <time dateTime={event.at}>{stamp(event.at)}</time>
          </p>
          <p className="run-soft">
            {filled(words.sentBy, { who: event.sent_by || "–" })}
            {", "}
            {event.taken_by ? (
              <Link to={address.to({ step: event.taken_by, tab: "" })} preventScrollReset>
                {filled(words.takenBy, { step: event.taken_by })}
              </Link>
            ) : (
              words.notTaken
            )}
          </p>
          {event.payload.text ? <pre tabIndex={0}>{event.payload.text}</pre> : null}
        </li>
      ))}
    </ol>
  );
}

function Audits({ audits, words }) {
  if (!audits.length) return <p className="run-none">{words.historyNone}</p>;
  return (
    <ol className="run-audits">
      {audits.map((one) => (
        <li key={one.id}>
          <time dateTime={one.at}>{stamp(one.at)}</time>
          <span>
            <strong>{one.by}</strong> {words.did[one.action] ?? one.action}
            {one.detail ? `: ${one.detail}` : ""}
          </span>
          {one.run_id ? <Link to={`/runs/${one.run_id}`}>{one.run_id.slice(0, 8)}</Link> : null}
        </li>
      ))}
    </ol>
  );
}

function Raw({ head, whole, words }) {
  const text = whole.of === "raw" ? whole.text : "";
  const { onRaw } = whole;
  useEffect(() => {
    onRaw("raw");
  }, [head.id]);
  return (
    <div className="run-raw">
      <p className="run-soft">{words.rawMore}</p>
      <a className="button small" href={exportOf(head.id)} download={`run-${head.id}.json`}>
        {words.downloadRun}
      </a>
      <pre tabIndex={0} aria-busy={!text}>
        {text}
      </pre>
    </div>
  );
}

function Tabs({ tab, address, head, words }) {
  return (
    <nav className="run-tabs" aria-label={words.tabs}>
      {Object.entries(words.tab).map(([name, label]) => (
        <Link
          key={name}
          to={address.to({ tab: name === "timeline" ? "" : name })}
          preventScrollReset
          replace
          aria-current={name === tab ? "page" : undefined}
        >
          {label}
          {name === "timeline" && head.steps ? <small>{head.steps.toLocaleString(locale())}</small> : null}
        </Link>
      ))}
    </nav>
  );
}

/** All of it. `loaded` says that the first values are there. */
export function RunPage(props) {
  const { head, problem, words, actionWords, askWords, audits } = props;
  const address = useAddress();
  const asked = address.get("tab");
  const tab = asked in words.tab ? asked : "timeline";
  const whole = {
    of: props.wholeOf,
    text: props.wholeText,
    said: props.wholeSaid,
    onWhole: props.onWhole,
    onRaw: props.onRaw,
  };
  const desk = {
    whole,
    acted: props.acted,
    onAct: props.onAct,
    onRerun: props.onRerun,
    onFork: props.onFork,
    onSend: props.onSend,
  };
  const asking = {
    refused: props.refused,
    askWords,
    onApprove: props.onApprove,
    onDeny: props.onDeny,
    onAnswer: props.onAnswer,
  };
  if (problem && !head.id) {
    return (
      <div className="center-note" data-part="refused">
        <h2 className="note-title">{words.refused}</h2>
        <p role="alert">{problem}</p>
        <Link to="/runs" className="button primary">
          {words.allRuns}
        </Link>
      </div>
    );
  }
  if (head.missing) return <Missing head={head} audits={audits} words={words} />;
  if (!head.id) {
    return (
      <p className="run-none" aria-busy>
        {words.loading}
      </p>
    );
  }
  const step = address.get("step");
  return (
    <div className="run-page" data-step={step ? "open" : "closed"} data-status={head.status}>
      <div className="run-main">
        <Head head={head} address={address} words={words} actionWords={actionWords} desk={desk} />
        {head.asks.length ? <Asks asks={head.asks} desk={asking} words={words} /> : null}
        <Tabs tab={tab} address={address} head={head} words={words} />
        <section className="run-tab" aria-label={words.tab[tab]}>
          {problem ? <p role="alert">{problem}</p> : null}
          {tab === "timeline" ? (
            <Timeline
              head={head}
              strip={props.strip}
              settled={props.settled}
              tail={props.tail}
              nested={props.nested}
              address={address}
              words={words}
            />
          ) : null}
          {tab === "values" ? (
            <div className="run-values">
              {["input", "result"].map((what) => (
                <Value
                  key={what}
                  label={what === "input" ? words.arguments : words.result}
                  kept={props.values[what]}
                  none={what === "result" && isActive(head.status) ? words.noResult : words.nothing}
                  of={`run:${what}`}
                  step=""
                  what={what}
                  whole={whole}
                  words={words}
                  heading="h3"
                />
              ))}
            </div>
          ) : null}
          {tab === "logs" ? (
            <RunLogs
              settled={props.logSettled}
              tail={props.logTail}
              address={address}
              words={words}
            />
          ) : null}
          {tab === "events" ? (
            <Events events={props.events} address={address} words={words} />
          ) : null}
          {tab === "history" ? <Audits audits={audits} words={words} /> : null}
          {tab === "json" ? <Raw head={head} whole={whole} words={words} /> : null}
        </section>
      </div>
      {step ? (
        <StepPanel
          key={step}
          step={props.step}
          head={head}
          address={address}
          words={words}
          actionWords={actionWords}
          desk={desk}
        />
      ) : null}
    </div>
  );
}
