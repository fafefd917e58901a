// What people did: filtered by the address, a page at a time.
import { useEffect, useId, useRef, useState } from "react";
import { Link, useLocation, useNavigate } from "react-router";
import { Download } from "lucide-react";
import env from "$/env.json";
import { Held, filled } from "./asks";
import { stamp } from "./run_values";
import { fromLocal, toLocal } from "./runs_address";
import { locale, spoken } from "./said";
import { WorkflowName } from "./workflow_name";

const TYPING = 400;
const FILTERS = ["kind", "action", "who", "subject", "since", "until"];

/** The address: what it asks for, and the way to another. */
function useAudits() {
  const { pathname, search } = useLocation();
  const navigate = useNavigate();
  const [alive, setAlive] = useState(false);
  // The page was built for the address without anything in it.
  useEffect(() => setAlive(true), []);
  const params = new URLSearchParams(alive ? search : "");
  const changed = (from, changes) => {
    const next = new URLSearchParams(from);
    next.delete("before");
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    const query = next.toString();
    return query ? `${pathname}?${query}` : pathname;
  };
  return {
    asked: params.toString(),
    get: (name) => params.get(name) ?? "",
    filtered: FILTERS.some((name) => params.get(name)),
    to: (changes) => changed(params, changes),
    // What is typed and picked in a moment comes before the page is drawn for the first.
    change: (changes) =>
      navigate(changed(window.location.search, changes), { replace: true, preventScrollReset: true }),
    clear: () => navigate(pathname, { preventScrollReset: true }),
  };
}

/** A field whose text is in the address once the typing pauses. */
function Typed({ name, label, hint, address }) {
  const id = useId();
  const there = address.get(name);
  const [text, setText] = useState(there);
  const sent = useRef(there);
  const change = useRef(address.change);
  change.current = address.change;
  useEffect(() => {
    if (text.trim() === sent.current) return undefined;
    const timer = setTimeout(() => {
      sent.current = text.trim();
      change.current({ [name]: text.trim() });
    }, TYPING);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    if (there !== sent.current) {
      sent.current = there;
      setText(there);
    }
  }, [there]);
  return (
    <div className="audit-field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        name={name}
        type="search"
        placeholder={hint}
        maxLength={200}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </div>
  );
}

function Chosen({ name, label, any, options, address }) {
  const id = useId();
  const value = address.get(name);
  const known = value && !(value in options) ? { [value]: value, ...options } : options;
  return (
    <div className="audit-field">
      <label htmlFor={id}>{label}</label>
      <select id={id} name={name} value={value} onChange={(event) => address.change({ [name]: event.target.value })}>
        <option value="">{any}</option>
        {Object.entries(known).map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

function Moment({ name, label, address }) {
  const id = useId();
  return (
    <div className="audit-field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        name={name}
        type="datetime-local"
        value={toLocal(address.get(name))}
        onChange={(event) => address.change({ [name]: fromLocal(event.target.value) })}
      />
    </div>
  );
}

function exportOf(form, asked) {
  const query = new URLSearchParams(asked);
  query.delete("before");
  const text = query.toString();
  return String(env.PING).replace(/\/ping$/, `/export/audits.${form}${text ? `?${text}` : ""}`);
}

function Filters({ address, words, actions }) {
  return (
    <section className="audit-filters" aria-label={words.filters}>
      <Chosen name="kind" label={words.kind} any={words.anything} options={words.kinds} address={address} />
      <Chosen name="action" label={words.action} any={words.anyAction} options={actions} address={address} />
      <Typed name="who" label={words.who} hint={words.whoHint} address={address} />
      <Typed name="subject" label={words.subject} hint={words.subjectHint} address={address} />
      <Moment name="since" label={words.since} address={address} />
      <Moment name="until" label={words.until} address={address} />
      <div className="audit-tools">
        {address.filtered ? (
          <button type="button" className="button small quiet" onClick={address.clear}>
            {words.clear}
          </button>
        ) : null}
        <span className="set-soft">
          <Download size={15} aria-hidden /> {words.export}
        </span>
        {["jsonl", "csv"].map((form) => (
          <a key={form} className="button small" href={exportOf(form, address.asked)} download={`audits.${form}`}>
            {words[form]}
          </a>
        ))}
      </div>
    </section>
  );
}

function told(value) {
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map(told).join(", ");
  return Object.entries(value)
    .map(([name, one]) => `${name}: ${told(one)}`)
    .join(", ");
}

/** What the action was given, a line each; of settings that changed only those. */
function detailOf(text) {
  let detail;
  try {
    detail = JSON.parse(text);
  } catch {
    return [];
  }
  if (Array.isArray(detail.changed)) {
    return detail.changed.map(({ setting, from, to }) => [setting, `${from || "–"} → ${to || "–"}`]);
  }
  return Object.entries(detail)
    .filter(([, value]) => value !== "" && value !== null)
    .map(([name, value]) => [name, told(value)]);
}

function Subject({ entry, words }) {
  const about = words.about[entry.kind] ?? entry.kind;
  const path = { run: `/runs/${encodeURIComponent(entry.subject)}`, thread: `/t/${encodeURIComponent(entry.subject)}` };
  return (
    <>
      <span className="set-soft">{about}</span>{" "}
      {path[entry.kind] ? (
        <Link to={path[entry.kind]} className="mono">
          {entry.subject}
        </Link>
      ) : (
        <span className="mono">
          {entry.kind === "workflow" ? <WorkflowName name={entry.subject} words={words} /> : entry.subject}
        </span>
      )}
    </>
  );
}

/** Names of settings are what people type. */
const named = (name) => (name === name.toUpperCase() ? name : name.replaceAll("_", " "));

function Entry({ entry, words, actions }) {
  const detail = detailOf(entry.detail);
  return (
    <tr data-part="audit" data-action={entry.action} data-kind={entry.kind}>
      <td>
        <time dateTime={entry.at}>{stamp(entry.at)}</time>
      </td>
      <td>{entry.by || "–"}</td>
      <td>
        <span className="audit-action">{actions[entry.action] ?? entry.action.replaceAll("_", " ")}</span>
      </td>
      <td>
        <Subject entry={entry} words={words} />
        {detail.length ? (
          <ul className="audit-detail">
            {detail.map(([name, value]) => (
              <li key={name}>
                <span className="set-soft">{words.details[name] ?? named(name)}</span> {value}
              </li>
            ))}
          </ul>
        ) : null}
      </td>
    </tr>
  );
}

/** The audits that the address asks for. */
export function AuditList({ shown, words, actions }) {
  const address = useAudits();
  const { entries, earlier, looked_at: looked } = shown.page;
  const before = address.get("before");
  return (
    <Held open={`${address.asked} ${entries.length}`} className="audits" data-page data-busy={shown.ready ? undefined : ""}>
      <Filters address={address} words={words} actions={actions} />
      {shown.problems.length ? (
        <p className="runs-problems" role="alert">
          {shown.problems.map((one) => spoken(one)).join(" ")}
        </p>
      ) : null}
      {entries.length ? (
        <div className="audit-scroll">
          <table className="audit-table">
            <thead>
              <tr>
                {Object.entries(words.columns).map(([name, label]) => (
                  <th key={name} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <Entry key={entry.id} entry={entry} words={words} actions={actions} />
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p className="set-soft" aria-busy={shown.ready ? undefined : true}>
          {shown.ready ? words.none : words.loading}
        </p>
      )}
      <nav className="audit-pages" aria-label={words.more}>
        <p className="set-soft">
          {looked ? filled(words.looked, { number: looked.toLocaleString(locale()) }) : before ? words.older : words.live}
        </p>
        {before ? (
          <Link className="button small" to={address.to({})}>
            {words.newest}
          </Link>
        ) : null}
        {earlier ? (
          <Link className="button small" to={address.to({ before: String(earlier) })}>
            {looked ? words.further : words.earlier}
          </Link>
        ) : null}
      </nav>
    </Held>
  );
}
