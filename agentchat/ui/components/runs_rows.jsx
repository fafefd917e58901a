// The rows of the list of runs: columns where there is room, cards where there is none.
import { useEffect, useRef } from "react";
import { Link, useNavigate } from "react-router";
import { Lock } from "lucide-react";
import { filled } from "./asks";
import { lasted, useNow } from "./clock";
import { Chip } from "./runs_chip";
import { decimal, locale, named, spoken, usd } from "./said";
import { WorkflowName } from "./workflow_name";

const UNDER_WAY = ["running", "waiting", "paused", "stopping"];
const COLUMNS = [
  "status",
  "workflow",
  "agent",
  "thread",
  "user",
  "started",
  "duration",
  "attempts",
  "tokens",
  "cost",
];

/** A moment with its seconds; with its day, if that is not today. */
export function at(iso) {
  const when = new Date(iso);
  const today = when.toDateString() === new Date().toDateString();
  const day = today ? {} : { day: "numeric", month: "short" };
  const year = when.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  const hour = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
  return when.toLocaleString(locale(), { ...day, ...(today ? {} : year), ...hour });
}

/** How long something took; what is over at once took milliseconds. */
function took(began, ended) {
  const ms = Math.max(0, ended - began);
  return ms < 1000 ? `${Math.round(ms)} ms` : lasted(began, ended);
}

function tokensOf(number) {
  if (number < 10_000) return number.toLocaleString(locale());
  if (number < 1_000_000) return `${decimal(number / 1_000, number < 100_000 ? 1 : 0)}k`;
  return `${decimal(number / 1_000_000, 1)}M`;
}

function dollars(cost) {
  if (cost >= 100) return usd(cost, 0);
  if (cost >= 0.1) return usd(cost, 2);
  return cost >= 0.00005 ? usd(cost, 4) : `<${usd(0.0001, 4)}`;
}

function Cost({ run, words }) {
  if (run.unpriced && run.cost_usd === 0) return <span title={words.unpriced}>?</span>;
  if (run.unpriced) return <span title={words.partlyPriced}>≥ {dollars(run.cost_usd)}</span>;
  if (run.cost_usd > 0) return dollars(run.cost_usd);
  return run.tokens ? usd(0, 0) : <None />;
}

function None() {
  return (
    <span className="runs-none" aria-hidden>
      –
    </span>
  );
}

function Duration({ run, words }) {
  const queued = run.status === "queued" && run.waits_since !== "";
  const open = UNDER_WAY.includes(run.status) && run.started !== "";
  const now = useNow(queued || open);
  const began = Date.parse(run.started);
  const waited = run.queue_ms + (queued ? Math.max(0, now - Date.parse(run.waits_since)) : 0);
  const words_of = queued ? words.queuedSoFar : words.queuedFor;
  const wait = filled(words_of, { time: lasted(0, waited, true) });
  return (
    <>
      {run.started ? (
        <span className="runs-took" data-open={open ? "" : undefined}>
          {run.finished ? took(began, Date.parse(run.finished)) : lasted(began, now, true)}
        </span>
      ) : null}
      {waited >= 1000 || queued ? <span className="runs-waited">{wait}</span> : null}
      {!run.started && !queued ? <None /> : null}
    </>
  );
}

function Cell({ name, words, children, className = "" }) {
  return (
    <td role="cell" className={`runs-${name} ${className}`} data-column={name}>
      <span className="runs-label" aria-hidden>
        {words.columns[name]}
      </span>
      {children}
    </td>
  );
}

function Row({ run, checked, onCheck, words }) {
  const navigate = useNavigate();
  const to = `/runs/${run.id}`;
  const why = filled(spoken(run.why), { at: run.at ? at(run.at) : "" });
  const onClick = (event) => {
    // A row is a link, but for what has a purpose of its own, and for text that is marked.
    if (event.target.closest("a, button, input, label")) return;
    if (window.getSelection()?.toString()) return;
    navigate(to);
  };
  return (
    <tr
      role="row"
      className="runs-row"
      data-run={run.id}
      data-status={run.status}
      aria-selected={checked}
      onClick={onClick}
    >
      <td role="cell" className="runs-check">
        <label>
          <input
            type="checkbox"
            checked={checked}
            aria-label={filled(words.select, { id: run.id.slice(0, 8) })}
            onChange={(event) => onCheck(run.id, event.target.checked, event.nativeEvent.shiftKey)}
          />
        </label>
      </td>
      <Cell name="status" words={words}>
        <Chip status={run.status} words={words.statuses} />
        {why ? (
          <span className="runs-why" title={why}>
            {why}
          </span>
        ) : null}
      </Cell>
      <Cell name="workflow" words={words}>
        <Link to={to} className="runs-name">
          <WorkflowName name={run.workflow} words={words} />
          <span className="runs-id mono">{run.id.slice(0, 8)}</span>
        </Link>
      </Cell>
      <Cell name="agent" words={words}>
        {run.agent || <None />}
      </Cell>
      <Cell name="thread" words={words}>
        {run.private ? (
          <span className="runs-private" title={words.private}>
            <Lock aria-hidden />
            <span className="visually-hidden">{words.private}</span>
          </span>
        ) : run.thread_id ? (
          <Link to={`/t/${run.thread_id}`} className="runs-link" title={run.thread_title}>
            {run.thread_title || words.untitled}
          </Link>
        ) : (
          <None />
        )}
      </Cell>
      <Cell name="user" words={words}>
        {named(run.user) || <None />}
      </Cell>
      <Cell name="started" words={words}>
        <time dateTime={run.created}>{at(run.created)}</time>
      </Cell>
      <Cell name="duration" words={words}>
        <Duration run={run} words={words} />
      </Cell>
      <Cell name="attempts" words={words}>
        {run.attempts || <None />}
      </Cell>
      <Cell name="tokens" words={words}>
        {run.tokens ? (
          <span title={run.estimated ? words.estimated : undefined}>
            {run.estimated ? "~" : ""}
            {tokensOf(run.tokens)}
          </span>
        ) : (
          <None />
        )}
      </Cell>
      <Cell name="cost" words={words}>
        <Cost run={run} words={words} />
      </Cell>
    </tr>
  );
}

/** The rows. `selected` holds the ids of those that are chosen. */
export function Rows({ lines, selected, onSelect, busy, words }) {
  const all = useRef(null);
  const last = useRef(null);
  const chosen = lines.filter((run) => selected.has(run.id)).length;
  useEffect(() => {
    if (all.current) all.current.indeterminate = chosen > 0 && chosen < lines.length;
  }, [chosen, lines.length]);
  const check = (id, on, range) => {
    const ids = lines.map((run) => run.id);
    const [from, to] = [ids.indexOf(last.current), ids.indexOf(id)].sort((a, b) => a - b);
    last.current = id;
    onSelect(range && from >= 0 ? ids.slice(from, to + 1) : [id], on);
  };
  return (
    <table role="table" className="runs-table" aria-label={words.title} aria-busy={busy}>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col" className="runs-check">
            <label>
              <input
                ref={all}
                type="checkbox"
                aria-label={words.selectPage}
                checked={lines.length > 0 && chosen === lines.length}
                onChange={(event) => onSelect(lines.map((run) => run.id), event.target.checked)}
              />
            </label>
          </th>
          {COLUMNS.map((name) => (
            <th role="columnheader" scope="col" key={name} className={`runs-${name}`}>
              {words.columns[name]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {lines.map((run) => (
          <Row
            key={run.id}
            run={run}
            checked={selected.has(run.id)}
            onCheck={check}
            words={words}
          />
        ))}
      </tbody>
    </table>
  );
}

/** What stands there until the first rows come. */
export function Skeleton({ words }) {
  return (
    <div className="runs-skeleton" role="status" aria-label={words.loading}>
      {Array.from({ length: 8 }, (_, place) => (
        <div key={place} aria-hidden />
      ))}
    </div>
  );
}
