// The steps of a run over time. The page holds a window of them, never all.
import { memo, useEffect, useMemo, useRef } from "react";
import { Link } from "react-router";
import { ChevronRight, ExternalLink } from "lucide-react";
import { filled } from "./asks";
import { useNow } from "./clock";
import { Search, useTyped } from "./run_filters";
import { Chip, isActive, took } from "./run_values";
import { locale, spoken } from "./said";
import { WorkflowName, workflowName } from "./workflow_name";

const LEAST = 0.35; // percent: what took no time is seen, too
const NEAR = 80;
const OVER = new Set(["done", "failed", "dropped"]);
const number = (count) => count.toLocaleString(locale());

function segmentsOf(line, now) {
  const found = [];
  const tried = line.tried.map((one) => [Date.parse(one.began), Date.parse(one.ended)]);
  tried.forEach(([began, ended], place) => {
    found.push(["failed", began, ended]);
    const next = tried[place + 1]?.[0];
    if (next) found.push(["backoff", ended, next]);
  });
  const last = tried.at(-1)?.[1];
  if (line.status === "retrying") {
    if (last) found.push(["backoff", last, Math.max(last, now)]);
    return found;
  }
  const began = Date.parse(line.began);
  if (last && began > last) found.push(["backoff", last, began]);
  const waits = line.kind === "sleep" || line.kind === "event";
  const shade =
    line.status === "failed" ? "failed" : line.kind === "run" ? "child" : waits ? "wait" : "work";
  found.push([shade, began, line.ended ? Date.parse(line.ended) : OVER.has(line.status) ? began : now]);
  return found;
}

const beginOf = (line) =>
  Math.min(Date.parse(line.began), ...line.tried.map((one) => Date.parse(one.began)));

function Bar({ line, scale, now }) {
  const at = (time) => Math.min(100, Math.max(0, ((time - scale.from) / scale.span) * 100));
  return (
    <span className="line-track" aria-hidden>
      {segmentsOf(line, now).map(([shade, from, to], place) => {
        const left = Math.min(at(from), 100 - LEAST);
        const width = Math.max(at(to) - left, LEAST);
        return (
          <i
            key={place}
            className={`shade-${shade}`}
            data-live={!OVER.has(line.status) || undefined}
            style={{ left: `${left}%`, width: `${width}%` }}
          />
        );
      })}
    </span>
  );
}

function timeOf(line, now) {
  const ended = line.ended ? Date.parse(line.ended) : OVER.has(line.status) ? NaN : now;
  return Number.isNaN(ended) ? "" : took(beginOf(line), ended);
}

const Line = memo(function Line({ line, scale, now, to, open, words, unfolded, onUnfold, depth }) {
  return (
    <div
      className="line"
      data-status={line.status}
      data-key={line.key}
      style={depth ? { "--depth": depth } : undefined}
    >
      {line.child ? (
        <button
          type="button"
          className="icon-button line-fold"
          aria-expanded={unfolded}
          aria-label={`${unfolded ? words.fold : words.unfold}: ${line.key}`}
          onClick={() => onUnfold(line.child)}
        >
          <ChevronRight aria-hidden />
        </button>
      ) : null}
      <Link
        to={to}
        preventScrollReset
        className="line-link"
        aria-current={open ? "true" : undefined}
        data-line
      >
        <span className="line-name">
          <span className={`dot dot-${line.status}`} aria-hidden />
          <span className="line-key">{line.key}</span>
          <span className="visually-hidden">, {words.status[line.status]}</span>
          {line.tries > 1 || line.tried.length > 1 ? (
            <small>{filled(words.tries, { number: Math.max(line.tries, line.tried.length) })}</small>
          ) : null}
        </span>
        <Bar line={line} scale={scale} now={now} />
        <span className="line-time">{timeOf(line, now)}</span>
      </Link>
    </div>
  );
});

function Nested({ nested, scale, now, address, words, unfolding, depth }) {
  if (nested.refused) return <p className="run-none">{spoken(nested.refused)}</p>;
  return (
    <div className="line-nested" role="group" aria-label={workflowName(nested.workflow, words)}>
      <p className="run-soft">
        <Chip status={nested.status} words={words} />
        <Link to={`/runs/${nested.id}`}>
          <WorkflowName name={nested.workflow} words={words} /> <ExternalLink aria-hidden />
          <span className="visually-hidden">{words.openRun}</span>
        </Link>
        {nested.number > nested.lines.length ? (
          <Link to={`/runs/${nested.id}`}>
            {filled(words.moreNested, { number: number(nested.number) })}
          </Link>
        ) : null}
      </p>
      <ol>
        <Lines
          lines={nested.lines}
          scale={scale}
          now={now}
          address={address}
          words={words}
          unfolding={unfolding}
          depth={depth}
          run={nested.id}
        />
      </ol>
    </div>
  );
}

function Lines({ lines, scale, now, address, words, unfolding, depth = 0, run = "" }) {
  const open = address.get("step");
  return lines.map((line) => {
    const to = run ? `/runs/${run}?step=${encodeURIComponent(line.key)}` : address.to({ step: line.key });
    const unfolded = Boolean(line.child) && unfolding.open.includes(line.child);
    const nested = unfolded ? unfolding.nested.find(({ id }) => id === line.child) : null;
    return (
      <li key={line.id}>
        <Line
          line={line}
          scale={scale}
          now={OVER.has(line.status) ? 0 : now}
          to={to}
          open={!run && open === line.key}
          words={words}
          unfolded={unfolded}
          onUnfold={unfolding.toggle}
          depth={depth}
        />
        {nested ? (
          <Nested
            nested={nested}
            scale={scale}
            now={now}
            address={address}
            words={words}
            unfolding={unfolding}
            depth={depth + 1}
          />
        ) : null}
      </li>
    );
  });
}

/** How many steps began when, in little; a press leads there. */
function Strip({ strip, head, address, words }) {
  const { buckets, seconds } = strip;
  const count = Math.max(1, (buckets.at(-1)?.place ?? 0) + 1);
  const most = Math.max(1, ...buckets.map((one) => one.number));
  const began = Date.parse(strip.began);
  const label = filled(words.strip, {
    number: number(head.steps),
    failed: number(head.failed),
    time: took(0, count * seconds * 1000),
  });
  const go = (event) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const place = Math.floor(((event.clientX - left) / width) * count);
    const there = buckets.find((one) => one.place >= place) ?? buckets.at(-1);
    if (there) address.set({ at: String(there.first), q: "", status: "" });
  };
  return (
    <div className="strip" role="img" aria-label={label} onClick={go} data-part="strip">
      {buckets.map((one) => (
        <i
          key={one.place}
          className={`strip-${one.worst}`}
          title={`${number(one.number)} · ${new Date(began + one.place * seconds * 1000).toLocaleTimeString(locale())}`}
          style={{
            left: `${(one.place / count) * 100}%`,
            width: `${100 / count}%`,
            height: `${Math.max(18, (one.number / most) * 100)}%`,
          }}
        />
      ))}
    </div>
  );
}

function Pages({ tail, shown, address, words, at, active }) {
  const first = tail.before + 1;
  const count = { first: number(first), last: number(tail.before + shown), number: number(tail.number) };
  const page = (label, changes, there) =>
    there ? (
      <Link className="button small" to={address.to(changes)} replace preventScrollReset>
        {label}
      </Link>
    ) : null;
  return (
    <div className="run-pages">
      <span className="run-soft" role="status">
        {shown ? filled(words.shown, count) : null}
        {active && !at && shown ? ` · ${words.following}` : ""}
      </span>
      {page(words.first, { at: "1" }, tail.earlier && first > shown + 1)}
      {page(words.earlier, { at: String(tail.earlier) }, tail.earlier)}
      {page(words.later, { at: String(tail.later) }, tail.later)}
      {page(words.newest, { at: "" }, at && (tail.later || active || !shown))}
    </div>
  );
}

function Legend({ words }) {
  return (
    <ul className="run-legend" aria-label={words.legendLabel}>
      {Object.entries(words.legend).map(([shade, label]) => (
        <li key={shade}>
          <i className={`shade-${shade}`} aria-hidden />
          {label}
        </li>
      ))}
    </ul>
  );
}

function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.matches("[data-line]")) return;
  const all = [...event.currentTarget.querySelectorAll("[data-line]")];
  const next = all[all.indexOf(event.target) + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

/** Keeps the newest in view while it is, unless somebody looks elsewhere. */
function useNewest(list, following, last) {
  const near = useRef(false);
  useEffect(() => {
    const scroller = list.current?.closest(".scroller");
    if (!scroller) return undefined;
    const look = () => {
      const { scrollTop, scrollHeight, clientHeight } = scroller;
      near.current = scrollTop > 0 && scrollHeight - scrollTop - clientHeight < NEAR;
    };
    scroller.addEventListener("scroll", look, { passive: true });
    return () => scroller.removeEventListener("scroll", look);
  }, []);
  useEffect(() => {
    const scroller = list.current?.closest(".scroller");
    if (following && near.current && scroller) scroller.scrollTop = scroller.scrollHeight;
  }, [last, following]);
}

export function Timeline({ head, strip, settled, tail, nested, address, words }) {
  const list = useRef(null);
  const [text, setText] = useTyped(address, "q", { at: "" });
  const active = isActive(head.status);
  const now = useNow(active);
  const at = address.get("at");
  const status = address.get("status");
  const opened = address.get("open").split(",").filter(Boolean);
  const lines = useMemo(() => [...settled, ...tail.tail], [settled, tail.tail]);
  useNewest(list, active && !at, lines.at(-1)?.id);

  const queued = tail.before === 0 && !status && !text && head.started;
  const from = queued ? Date.parse(head.created) : lines.length ? Math.min(...lines.map(beginOf)) : now;
  const ends = lines.map((line) =>
    line.ended ? Date.parse(line.ended) : OVER.has(line.status) ? Date.parse(line.began) : now,
  );
  const to = Math.max(from + 1, ...ends);
  // Settled lines are drawn again only when the scale moves by much.
  const span = active ? nice(to - from) : to - from;
  const scale = useMemo(() => ({ from, span }), [from, span]);
  const unfolding = {
    open: opened,
    nested,
    toggle: (child) =>
      address.set({
        open: (opened.includes(child)
          ? opened.filter((one) => one !== child)
          : [...opened, child]
        ).join(","),
      }),
  };
  return (
    <div className="run-timeline">
      <div className="run-tools">
        <Search label={words.filterName} value={text} onChange={setText} />
        <select
          aria-label={words.filterStatus}
          value={status}
          onChange={(event) => address.set({ status: event.target.value, at: "" })}
        >
          {Object.entries(words.statuses).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <button
          type="button"
          className="button small"
          aria-pressed={status === "failed"}
          onClick={() => address.set({ status: status === "failed" ? "" : "failed", at: "" })}
        >
          {words.failedOnly}
          {head.failed ? <small>{number(head.failed)}</small> : null}
        </button>
        <Pages
          tail={tail}
          shown={lines.length}
          address={address}
          words={words}
          at={at}
          active={active}
        />
      </div>
      {head.steps > lines.length && strip.buckets.length > 1 ? (
        <Strip strip={strip} head={head} address={address} words={words} />
      ) : null}
      {lines.length ? (
        <>
          <ol className="lines" ref={list} aria-label={words.timeline} onKeyDown={moveFocus}>
            {queued && head.queue_ms >= 100 ? (
              <li className="line line-queue">
                <span className="line-link">
                  <span className="line-name">
                    <span className="line-key">{words.queue}</span>
                  </span>
                  <span className="line-track" aria-hidden>
                    <i
                      className="shade-queue"
                      style={{
                        left: 0,
                        width: `${Math.max(LEAST, ((Date.parse(head.started) - from) / span) * 100)}%`,
                      }}
                    />
                  </span>
                  <span className="line-time">
                    {took(Date.parse(head.created), Date.parse(head.started))}
                  </span>
                </span>
              </li>
            ) : null}
            <Lines
              lines={lines}
              scale={scale}
              now={now}
              address={address}
              words={words}
              unfolding={unfolding}
            />
          </ol>
          <Legend words={words} />
        </>
      ) : (
        <p className="run-none" ref={list}>
          {text || status ? (
            <>
              {words.noneFit}{" "}
              <button
                type="button"
                className="link-button"
                onClick={() => {
                  setText("");
                  address.set({ q: "", status: "", at: "" });
                }}
              >
                {words.showAllSteps}
              </button>
            </>
          ) : (
            words.noSteps
          )}
        </p>
      )}
    </div>
  );
}

/** A length of time that grows in steps, so that what is drawn moves seldom. */
function nice(span) {
  const step = 2 ** Math.floor(Math.log2(Math.max(1000, span)) - 3);
  return Math.ceil(span / step) * step;
}
