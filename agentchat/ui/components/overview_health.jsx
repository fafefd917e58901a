// Whether the processes and the database are well, and what stands still until somebody acts.
import { Link } from "react-router";
import { filled } from "./asks";
import { moment } from "./clock";
import { bytes, duration } from "./overview_values";
import { locale, spoken } from "./said";
import { WorkflowName, workflowName } from "./workflow_name";

const LOW = 1e9;

export function Workers({ workers, words }) {
  return (
    <section className="overview-group" aria-labelledby="overview-workers">
      <h2 id="overview-workers">{words.workers}</h2>
      {workers.length ? (
        <ul className="workers">
          {workers.map((worker) => (
            <li key={worker.name} data-part="worker" data-state={worker.state} data-pid={worker.pid}>
              <p>
                <span className={`worker-state worker-${worker.state}`}>{words.states[worker.state]}</span>
                <strong>{filled(words.pid, worker)}</strong>
              </p>
              <p className="overview-soft">
                {[
                  filled(words.beat, { time: duration(Math.max(worker.age_s, 1)) }),
                  filled(worker.runs === 1 ? words.workerRuns.one : words.workerRuns.many, {
                    number: worker.runs.toLocaleString(locale()),
                  }),
                  filled(words.since, { time: moment(worker.started_at) }),
                  worker.lag_ms >= 100 ? filled(words.lag, { ms: worker.lag_ms.toLocaleString(locale()) }) : "",
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </p>
              {worker.state === "dead" && worker.runs ? <p>{words.deadMore}</p> : null}
              {worker.stuck_in && worker.state !== "dead" ? (
                <div className="worker-stuck">
                  <p>{filled(words.stuckIn, { time: duration(worker.stuck_s) })}</p>
                  <pre tabIndex={0}>{worker.stuck_in}</pre>
                </div>
              ) : null}
            </li>
          ))}
        </ul>
      ) : (
        <p className="overview-none" role="alert">
          {words.noWorkers}
        </p>
      )}
    </section>
  );
}

export function Storage({ storage, words }) {
  if (!storage.kind) return null;
  const low = storage.free !== null && storage.free < LOW;
  return (
    <section className="overview-group" aria-labelledby="overview-storage" data-part="storage">
      <h2 id="overview-storage">{words.storage}</h2>
      <p>
        <strong>{storage.kind}</strong> {bytes(storage.size)}
        {storage.free === null || low ? null : (
          <span className="overview-soft"> {filled(words.free, { free: bytes(storage.free) })}</span>
        )}
      </p>
      {low ? (
        <p role="alert" className="overview-bad">
          {filled(words.lowDisk, { free: bytes(storage.free) })}
        </p>
      ) : null}
    </section>
  );
}

export function HeldRuns({ held, more, words, onTry }) {
  if (!held.length) return null;
  return (
    <section className="overview-group overview-warn" aria-labelledby="overview-held" data-part="held">
      <h2 id="overview-held">{words.held}</h2>
      <p>{words.heldMore}</p>
      <ul>
        {held.map((run) => (
          <li key={run.run_id}>
            <p>
              <strong>
                <WorkflowName name={run.workflow} words={words} />
              </strong>{" "}
              <Link to={`/runs/${run.run_id}`}>{run.run_id.slice(0, 8)}</Link>
              <span className="overview-reason">{spoken(run.reason)}</span>
            </p>
            <button
              type="button"
              className="button small"
              aria-label={`${words.tryAgain} ${workflowName(run.workflow, words)} ${run.run_id.slice(0, 8)}`}
              onClick={() => onTry(run)}
            >
              {words.tryAgain}
            </button>
          </li>
        ))}
      </ul>
      {more ? (
        <p>
          {words.heldMany} <Link to="/runs?status=paused">{words.heldAll}</Link>
        </p>
      ) : null}
    </section>
  );
}

export function AtRest({ rests, words, onResume }) {
  if (!rests.length) return null;
  return (
    <section className="overview-group overview-warn" aria-labelledby="overview-rest" data-part="rest">
      <h2 id="overview-rest">{words.atRest}</h2>
      <ul>
        {rests.map((rest) => (
          <li key={rest.workflow}>
            <p>
              <strong>
                <WorkflowName name={rest.workflow} words={words} />
              </strong>{" "}
              <span className="overview-soft">
                {filled(words.restedBy, { who: rest.paused_by, time: moment(rest.paused_at) })}
              </span>
            </p>
            <button
              type="button"
              className="button small"
              aria-label={filled(words.resumeNamed, { name: workflowName(rest.workflow, words) })}
              onClick={() => onResume(rest.workflow)}
            >
              {words.resume}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
