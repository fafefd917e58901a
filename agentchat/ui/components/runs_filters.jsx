// Which runs are shown: statuses with their counts, text, time, names, order.
import { useEffect, useId, useRef, useState } from "react";
import { Search, SlidersHorizontal, X } from "lucide-react";
import { filled } from "./asks";
import { fromLocal, toLocal } from "./runs_address";
import { locale } from "./said";
import { workflowName } from "./workflow_name";

const TYPING = 350;

function Statuses({ address, counts, words }) {
  const chosen = address.statuses;
  return (
    <div className="runs-statuses" role="group" aria-label={words.statusFilter}>
      <button
        type="button"
        className="runs-pill"
        aria-pressed={chosen.length === 0}
        onClick={() => address.change({ status: "" })}
      >
        {words.all}
      </button>
      {counts.map(({ status, number, more }) => (
        <button
          key={status}
          type="button"
          className={`runs-pill chip-${status}`}
          data-status={status}
          data-none={number === 0 && !more ? "" : undefined}
          aria-pressed={chosen.includes(status)}
          onClick={() => address.toggle(status)}
        >
          <span className="chip-dot" aria-hidden />
          {words.statuses[status]}{" "}
          <span className="runs-number">
            {number.toLocaleString(locale())}
            {more ? "+" : ""}
          </span>
        </button>
      ))}
    </div>
  );
}

function SearchBox({ address, words }) {
  const asked = address.get("text");
  const [text, setText] = useState(asked);
  const sent = useRef(asked);
  const timer = useRef(null);
  useEffect(() => {
    // Another address than the one that was typed: Back, a view, a cleared filter.
    if (asked !== sent.current) {
      sent.current = asked;
      setText(asked);
    }
  }, [asked]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const send = (value) => {
    clearTimeout(timer.current);
    const next = value.trim();
    if (next === sent.current) return;
    // What is typed letter by letter is one step of the history.
    const replace = sent.current !== "";
    sent.current = next;
    address.change({ text: next }, { replace });
  };
  const latest = useRef(send);
  latest.current = send;
  const type = (value) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => latest.current(value), TYPING);
  };
  return (
    <div className="runs-search">
      <Search aria-hidden />
      <input
        type="search"
        aria-label={words.search}
        placeholder={words.searchHint}
        maxLength={200}
        value={text}
        onChange={(event) => type(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") send(event.target.value);
          if (event.key === "Escape" && text) {
            event.preventDefault();
            type("");
          }
        }}
      />
    </div>
  );
}

function Choice({ name, label, options, address, value, onChange }) {
  return (
    <span className="runs-choice" data-set={value === options[0][0] ? undefined : ""}>
      <select
        aria-label={label}
        value={value}
        data-name={name}
        onChange={(event) => (onChange ?? ((v) => address.change({ [name]: v })))(event.target.value)}
      >
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </span>
  );
}

function named(names, value, any, shown) {
  const all = value && !names.includes(value) ? [value, ...names] : names;
  return [["", any], ...all.map((name) => [name, shown(name)])];
}

function Range({ address, words, onDone }) {
  const [from, setFrom] = useState(toLocal(address.get("since")));
  const [to, setTo] = useState(toLocal(address.get("until")));
  const ids = [useId(), useId()];
  const apply = (event) => {
    event.preventDefault();
    address.change({ since: fromLocal(from), until: fromLocal(to), within: "" });
    onDone();
  };
  return (
    <form className="runs-range" onSubmit={apply}>
      <label htmlFor={ids[0]}>{words.from}</label>
      <input
        id={ids[0]}
        type="datetime-local"
        value={from}
        max={to || undefined}
        onChange={(event) => setFrom(event.target.value)}
      />
      <label htmlFor={ids[1]}>{words.to}</label>
      <input
        id={ids[1]}
        type="datetime-local"
        value={to}
        min={from || undefined}
        onChange={(event) => setTo(event.target.value)}
      />
      <button type="submit" className="button small" disabled={!from && !to}>
        {words.apply}
      </button>
    </form>
  );
}

function Time({ address, words }) {
  const custom = Boolean(address.get("since") || address.get("until"));
  const [open, setOpen] = useState(false);
  const value = custom || open ? "custom" : address.get("within");
  const choose = (next) => {
    setOpen(next === "custom");
    if (next !== "custom") address.change({ within: next, since: "", until: "" });
  };
  const range = `${address.get("since")} ${address.get("until")}`;
  return (
    <>
      <Choice
        name="within"
        label={words.time}
        options={Object.entries(words.times)}
        value={value}
        onChange={choose}
      />
      {value === "custom" ? (
        <Range key={range} address={address} words={words} onDone={() => setOpen(false)} />
      ) : null}
    </>
  );
}

/** Filters that have no field of their own: of a thread, of a schedule. */
function Tags({ address, words }) {
  const set = ["thread", "schedule"].filter((name) => address.get(name));
  return set.map((name) => (
    <span className="runs-tag" key={name}>
      {words[name]} <span className="mono">{address.get(name)}</span>
      <button
        type="button"
        aria-label={filled(words.remove, { name: words[name] })}
        onClick={() => address.change({ [name]: "" })}
      >
        <X aria-hidden />
      </button>
    </span>
  ));
}

/** All that narrows the list, above it. */
export function Filters({ address, page, choices, words, children }) {
  const sorts = Object.entries(words.sorts);
  const [open, setOpen] = useState(false);
  return (
    <section className="runs-filters" aria-label={words.filters}>
      <Statuses address={address} counts={page.counts} words={words} />
      <div className="runs-fields" data-open={open ? "" : undefined}>
        <SearchBox address={address} words={words} />
        <button
          type="button"
          className="button small runs-more"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          <SlidersHorizontal aria-hidden size={15} />
          {words.moreFilters}
        </button>
        <Time address={address} words={words} />
        {["workflow", "agent", "model", "user"].map((name) => (
          <Choice
            key={name}
            name={name}
            label={words[name]}
            address={address}
            value={address.get(name)}
            options={named(choices[`${name}s`], address.get(name), words.any[name], (one) =>
              name === "workflow" ? workflowName(one, words) : one,
            )}
          />
        ))}
        <Choice
          name="sort"
          label={words.sort}
          value={address.sort}
          options={sorts}
          onChange={(sort) => address.change({ sort: sort === "newest" ? "" : sort })}
        />
        <Tags address={address} words={words} />
        {address.filtered ? (
          <button type="button" className="button small quiet" onClick={address.clear}>
            {words.clear}
          </button>
        ) : null}
        {children}
      </div>
    </section>
  );
}
