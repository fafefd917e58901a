// The overview: what runs, what came of it, what it cost, and whether everything is well.
import { Suspense, lazy, useEffect, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { Held, filled } from "./asks";
import { AtRest, HeldRuns, Storage, Workers } from "./overview_health";
import { Sure, useAttempt } from "./overview_sure";
import { Comments, GroupTable, PeriodTable } from "./overview_tables";
import { costOf, counted, duration, periodFull, share, short, unknownCalls } from "./overview_values";
import { locale, spoken } from "./said";
import { workflowName } from "./workflow_name";

const Bars = lazy(() => import("./overview_charts"));
const USUAL = "24h";

function Figure({ label, to, tone, part, children, more }) {
  return (
    <div className="figure" data-tone={tone || undefined}>
      <dt>{label}</dt>
      <dd data-part={part}>
        {children}
        {to ? <Link to={to} className="figure-link" aria-label={label} /> : null}
      </dd>
      {more ? <dd className="overview-soft">{more}</dd> : null}
    </div>
  );
}

function Now({ now, words }) {
  const { most_counted: most } = now;
  return (
    <section aria-label={words.now}>
      <dl className="figures" data-part="now">
        {Object.entries(words.statuses).map(([status, label]) =>
          status === "stopping" && !now.stopping ? null : (
            <Figure key={status} label={label} to={`/runs?status=${status}`} part={`now-${status}`}>
              {counted(now[status], most)}
            </Figure>
          ),
        )}
        <Figure
          label={words.oldest}
          part="oldest"
          tone={now.oldest_wait_s !== null && now.oldest_wait_s >= 60 ? "warn" : ""}
          more={now.oldest_wait_s === null ? words.noWait : words.oldestMore}
        >
          {duration(now.oldest_wait_s)}
        </Figure>
      </dl>
    </section>
  );
}

function Past({ past, range, words }) {
  const { total } = past;
  const within = `/runs?within=${range}`;
  const read = (number) => number.toLocaleString(locale());
  return (
    <section aria-label={`${words.past}: ${words.ranges[range]}`}>
      <dl className="figures" data-part="past">
        <Figure
          label={words.ended}
          to={`${within}&status=done,failed,stopped`}
          part="ended"
          more={filled(words.endedMore, { failed: read(total.failed), stopped: read(total.stopped) })}
        >
          {counted(total.ended, past.most_added_up)}
        </Figure>
        <Figure
          label={words.success}
          to={total.failed ? `${within}&status=failed` : ""}
          part="success"
          tone={total.success !== null && total.success < 0.95 ? "bad" : ""}
          more={words.successMore}
        >
          {share(total.success)}
        </Figure>
        <Figure
          label={words.duration}
          part="duration"
          more={total.p95 === null ? "" : filled(words.p95, { time: duration(total.p95) })}
        >
          {duration(total.p50)}
        </Figure>
        <Figure
          label={words.queueWait}
          part="queue-wait"
          more={past.queue_p95 === null ? "" : filled(words.p95, { time: duration(past.queue_p95) })}
        >
          {duration(past.queue_p50)}
        </Figure>
        <Figure
          label={words.tokens}
          part="tokens"
          more={
            total.calls
              ? filled(words.tokensMore, {
                  input: short(total.input_tokens),
                  output: short(total.output_tokens),
                })
              : ""
          }
        >
          {short(total.input_tokens + total.output_tokens)}
        </Figure>
        <Figure label={words.cost} part="cost" more={unknownCalls(total.unknown, words)}>
          {costOf(total, { ...words, atLeast: words.atLeastShort })}
        </Figure>
      </dl>
      {past.cut_off ? (
        <p className="overview-soft" data-part="cut-off">
          {filled(words.cutOff, { most: past.most_added_up.toLocaleString(locale()) })}
        </p>
      ) : null}
    </section>
  );
}

function Chart({ name, said, empty, series, periods, range, tell, words, ready }) {
  return (
    <figure className="chart" data-part={`chart-${name}`}>
      <figcaption>
        <h2>{words.charts[name]}</h2>
        <p className="overview-soft">{said}</p>
      </figcaption>
      {empty ? (
        <p className="overview-none">{empty}</p>
      ) : (
        <>
          <div className="chart-bars" role="img" aria-label={`${words.charts[name]}. ${said}`}>
            {ready ? (
              <Suspense fallback={<div className="chart-wait" />}>
                <Bars periods={periods} series={series} range={range} words={words} tell={tell} />
              </Suspense>
            ) : (
              <div className="chart-wait" />
            )}
          </div>
          <p className="chart-key" aria-hidden>
            {tell(periods[0]).map(([key]) =>
              key === "unknown" ? null : (
                <span key={key}>
                  <i data-series={key} />
                  {words.series[key]}
                </span>
              ),
            )}
          </p>
          <PeriodTable
            periods={[...periods].reverse()}
            series={tell(periods[0]).map(([key]) => key)}
            at={periodFull}
            tell={tell}
            words={words}
          />
        </>
      )}
    </figure>
  );
}

function Charts({ past, range, words }) {
  // Charts measure their place, which there is only in a browser.
  const [ready, setReady] = useState(false);
  useEffect(() => setReady(true), []);
  const { total, periods } = past;
  if (!periods.length) return null;
  const read = (number) => number.toLocaleString(locale());
  const within = words.within[range];
  const done = total.ended - total.failed - total.stopped;
  const common = { periods, range, words, ready };
  const counts = { range: within, done: read(done), failed: read(total.failed), stopped: read(total.stopped) };
  const tokens = { range: within, input: read(total.input_tokens), output: read(total.output_tokens) };
  const unpriced = unknownCalls(total.unknown, words);
  const cost = [costOf(total, words), unpriced].filter(Boolean).join("; ");
  return (
    <div className="charts">
      <Chart
        {...common}
        name="runs"
        said={filled(words.chartRuns, counts)}
        empty={total.ended ? "" : words.nothingYet}
        series={["done", "failed", "stopped"]}
        tell={(one) => ["done", "failed", "stopped"].map((name) => [name, read(one[name])])}
      />
      <Chart
        {...common}
        name="tokens"
        said={filled(words.chartTokens, tokens)}
        empty={total.calls ? "" : words.noCalls}
        series={["input_tokens", "output_tokens"]}
        tell={(one) => [
          ["input", read(one.input_tokens)],
          ["output", read(one.output_tokens)],
        ]}
      />
      <Chart
        {...common}
        name="cost"
        said={filled(words.chartCost, { range: within, cost })}
        empty={total.calls ? "" : words.noCalls}
        series={["cost_usd"]}
        tell={(one) => [
          ["cost", costOf({ ...one, calls: one.cost_usd === null || one.cost_usd > 0 || one.unknown ? 1 : 0 }, words)],
          ...(total.unknown ? [["unknown", read(one.unknown)]] : []),
        ]}
      />
    </div>
  );
}

/** The workflows that ended something, are at work, or are at rest. */
function workflowsOf(past, now) {
  const nothing = {
    ended: 0, failed: 0, stopped: 0, success: null, p50: null, p95: null,
    calls: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0, unknown: 0,
  };
  const rows = new Map(past.workflows.map((row) => [row.name, { ...row, active: 0 }]));
  const of = (name) => {
    if (!rows.has(name)) rows.set(name, { ...nothing, name, active: 0 });
    return rows.get(name);
  };
  for (const { workflow, ...numbers } of now.busy) {
    of(workflow).active = Object.values(numbers).reduce((sum, number) => sum + number, 0);
  }
  for (const rest of now.at_rest) of(rest.workflow).rest = rest;
  return [...rows.values()];
}

function Ranges({ range, words }) {
  return (
    <nav className="ranges" aria-label={words.range}>
      {Object.entries(words.short).map(([name, label]) => (
        <Link
          key={name}
          to={name === USUAL ? "?" : `?range=${name}`}
          replace
          preventScrollReset
          aria-current={name === range ? "page" : undefined}
          aria-label={words.ranges[name]}
        >
          {label}
        </Link>
      ))}
    </nav>
  );
}

function Asked({ asked, now, done, words, onPause, onResume, onResumeRun, onClose }) {
  const attempt = useAttempt(done, (came) => came.words || onClose());
  const { action, name } = asked;
  const resting = now.at_rest.some((rest) => rest.workflow === name);
  const held = now.held.some((run) => run.run_id === asked.run);
  let moot = "";
  if (!attempt.busy && action === "pause" && resting) moot = words.already.pause;
  if (!attempt.busy && action === "resume" && !resting) moot = words.already.resume;
  if (!attempt.busy && action === "run" && !held) moot = words.already.resume;
  const act = { pause: onPause, resume: onResume, run: onResumeRun }[action];
  return (
    <Sure
      title={filled(words.titles[action], { name: workflowName(name, words) })}
      text={words.effects[action]}
      confirm={action === "pause" ? words.pause : words.resume}
      attempt={attempt}
      problem={spoken(attempt.came?.words)}
      moot={moot}
      words={words}
      onConfirm={() => attempt.send((number) => act(action === "run" ? asked.run : name, number))}
      onClose={onClose}
    />
  );
}

export function OverviewPage({ now, past, storage, done, loaded, problem, words, onPause, onResume, onResumeRun }) {
  const [params] = useSearchParams();
  const wish = params.get("range");
  const range = wish in words.ranges ? wish : USUAL;
  const [asked, setAsked] = useState(null);
  if (problem && !loaded) {
    return (
      <div className="overview-page">
        <p role="alert">{spoken(problem)}</p>
      </div>
    );
  }
  if (!loaded && !past.hours) {
    return (
      <div className="overview-page">
        <p className="overview-soft" aria-busy>
          {words.loading}
        </p>
      </div>
    );
  }
  const to = (key) => (name, status) => {
    const query = new URLSearchParams({ [key]: name, within: range });
    if (status) query.set("status", status);
    return `/runs?${query}`;
  };
  const workflowAction = (row) =>
    row.rest ? (
      <button
        type="button"
        className="button small"
        aria-label={filled(words.resumeNamed, { name: workflowName(row.name, words) })}
        onClick={() => setAsked({ action: "resume", name: row.name })}
      >
        {words.resume}
      </button>
    ) : (
      <button
        type="button"
        className="button small quiet"
        aria-label={filled(words.pauseNamed, { name: workflowName(row.name, words) })}
        onClick={() => setAsked({ action: "pause", name: row.name })}
      >
        {words.pause}
      </button>
    );
  const common = { words, most: now.most_counted };
  // What may take a button away that had the focus.
  const there = [...now.at_rest.map((one) => one.workflow), ...now.held.map((one) => one.run_id)].join();
  return (
    <Held open={there} className="overview-page" data-range={range} data-page>
      <Ranges range={range} words={words} />
      {problem ? <p role="alert">{spoken(problem)}</p> : null}
      <HeldRuns
        held={now.held}
        more={now.held_more}
        words={words}
        onTry={(run) => setAsked({ action: "run", name: run.workflow, run: run.run_id })}
      />
      <AtRest rests={now.at_rest} words={words} onResume={(name) => setAsked({ action: "resume", name })} />
      <Now now={now} words={words} />
      <Past past={past} range={range} words={words} />
      <Charts past={past} range={range} words={words} />
      <GroupTable
        {...common}
        kind="workflows"
        rows={workflowsOf(past, now)}
        columns={["ended", "active", "failed", "success", "p50", "p95", "tokens", "cost"]}
        to={to("workflow")}
        shown={(name) => workflowName(name, words)}
        action={workflowAction}
      />
      <GroupTable
        {...common}
        kind="agents"
        rows={past.agents}
        columns={["ended", "failed", "success", "p50", "p95", "tokens", "cost", "rated"]}
        to={to("agent")}
      />
      <GroupTable
        {...common}
        kind="models"
        rows={past.models}
        columns={["calls", "failed", "success", "tokens", "cost", "rated"]}
        to={() => ""}
      />
      <Comments comments={past.comments} words={words} />
      <div className="overview-health">
        <Workers workers={now.workers} words={words} />
        <Storage storage={storage} words={words} />
      </div>
      {asked ? (
        <Asked
          asked={asked}
          now={now}
          done={done}
          words={words}
          onPause={onPause}
          onResume={onResume}
          onResumeRun={onResumeRun}
          onClose={() => setAsked(null)}
        />
      ) : null}
    </Held>
  );
}
