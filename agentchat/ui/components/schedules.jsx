// The page about schedules: the list, one of them with its history, and what is done to them.
import { useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { CalendarClock, Code, Plus } from "lucide-react";
import { Held, filled } from "./asks";
import { useNow } from "./clock";
import { Sure, useAttempt } from "./overview_sure";
import { spoken } from "./said";
import { EMPTY, ScheduleDialog } from "./schedules_form";
import { away, here, there } from "./schedules_times";

function Times({ at, zone, more, words }) {
  const other = there(at, zone);
  return (
    <span className="schedule-times">
      <span>
        <time dateTime={at}>{here(at)}</time> {more ? <small>{more}</small> : null}
      </span>
      {other ? <small>{filled(words.notHere, { time: other, zone })}</small> : null}
    </span>
  );
}

function Chip({ status, words }) {
  return (
    <span className={`chip chip-${status}`} data-status={status}>
      {words.statuses[status] ?? status}
    </span>
  );
}

function Next({ line, now, words }) {
  if (line.paused_at) {
    return (
      <span>
        <span className="chip chip-paused">{words.paused}</span>{" "}
        <small>{filled(words.pausedBy, { who: line.paused_by, time: here(line.paused_at) })}</small>
      </span>
    );
  }
  if (!line.next_at) return <span>{words.over}</span>;
  return <Times at={line.next_at} zone={line.timezone} more={away(line.next_at, now)} words={words} />;
}

function Last({ line, words }) {
  if (!line.last_at) return <span className="schedule-soft">{words.never}</span>;
  return (
    <span>
      {line.last_status ? (
        <Link to={`/runs/${line.last_run_id}`} className="schedule-run">
          <Chip status={line.last_status} words={words} />
        </Link>
      ) : (
        <span>{filled(words.outcomes[line.last_outcome], { who: "" })}</span>
      )}{" "}
      <small>{here(line.last_at)}</small>
    </span>
  );
}

function Actions({ line, words, onAsk, onEdit, onCopy }) {
  const named = (action) => `${words.actions[action]} ${line.name}`;
  const button = (action, press, key = action) => (
    <button type="button" key={key} className="button small" aria-label={named(action)} onClick={press}>
      {words.actions[action]}
    </button>
  );
  return (
    <div className="schedule-actions" role="group" aria-label={filled(words.actionsOf, line)}>
      {line.declared ? null : button("edit", () => onEdit(line))}
      {button("copy", () => onCopy(line))}
      {button("run", () => onAsk("run", line))}
      {line.paused_at
        ? button("resume", () => onAsk("resume", line), "pause")
        : button("pause", () => onAsk("pause", line))}
      {button("delete", () => onAsk("delete", line))}
    </div>
  );
}

function Declared({ line, words }) {
  return line.declared ? (
    <span className="schedule-code" title={words.codeMore}>
      <Code aria-hidden />
      {words.code}
    </span>
  ) : null;
}

function List({ lines, now, words, desk }) {
  return (
    <ul className="schedule-list" aria-label={words.list}>
      {lines.map((line) => (
        <li key={line.id} data-part="schedule" data-name={line.name}>
          <div className="schedule-name">
            <h2>
              <Link to={`?schedule=${line.id}`}>{line.name}</Link>
            </h2>
            <Declared line={line} words={words} />
            <p>{spoken(line.words)}</p>
          </div>
          <dl>
            <div>
              <dt>{words.workflow}</dt>
              <dd>{line.workflow}</dd>
            </div>
            <div>
              <dt>{words.next}</dt>
              <dd data-part="next">
                <Next line={line} now={now} words={words} />
              </dd>
            </div>
            <div>
              <dt>{words.last}</dt>
              <dd data-part="last">
                <Last line={line} words={words} />
              </dd>
            </div>
          </dl>
          <Actions line={line} words={words} {...desk} />
        </li>
      ))}
    </ul>
  );
}

function History({ history, line, words }) {
  if (!history.length) return <p className="schedule-soft">{words.noHistory}</p>;
  return (
    <div className="overview-scroll" tabIndex={0} role="region" aria-label={words.history}>
      <table data-part="history">
        <thead>
          <tr>
            <th scope="col">{words.due}</th>
            <th scope="col">{words.outcome}</th>
            <th scope="col">{words.run}</th>
          </tr>
        </thead>
        <tbody>
          {history.map((one) => (
            <tr key={one.due_at}>
              <th scope="row">
                <Times at={one.due_at} zone={line.timezone} words={words} />
              </th>
              <td data-outcome={one.outcome}>{filled(words.outcomes[one.outcome], { who: one.asked_by })}</td>
              <td>
                {one.run_status ? (
                  <Link to={`/runs/${one.run_id}`} className="schedule-run">
                    <Chip status={one.run_status} words={words} />
                    <code>{one.run_id.slice(0, 8)}</code>
                  </Link>
                ) : one.run_id ? (
                  <span className="schedule-soft">{words.runGone}</span>
                ) : (
                  "–"
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function changedIn(columns, words) {
  const names = columns.split(", ").filter(Boolean);
  return [...new Set(names.map((name) => words.columnsOf[name] ?? name))].join(", ");
}

function Audits({ audits, words }) {
  if (!audits.length) return <p className="schedule-soft">{words.noAudits}</p>;
  return (
    <ol className="schedule-audits" data-part="audits">
      {audits.map((one) => (
        <li key={one.id}>
          <time dateTime={one.at}>{here(one.at)}</time>{" "}
          <span>
            <strong>{one.by}</strong> {words.did[one.action] ?? one.action}
            {one.changed ? <small>: {changedIn(one.changed, words)}</small> : null}
          </span>{" "}
          {one.run_id ? <Link to={`/runs/${one.run_id}`}>{one.run_id.slice(0, 8)}</Link> : null}
        </li>
      ))}
    </ol>
  );
}

function One({ line, now, history, audits, words, desk }) {
  return (
    <article className="schedule-one" data-part="one">
      <header>
        <Link to="?" className="link-button schedule-back">
          {words.all}
        </Link>
        <div className="schedule-name">
          <h2>{line.name}</h2>
          <Declared line={line} words={words} />
          <p>{spoken(line.words)}</p>
        </div>
        <Actions line={line} words={words} {...desk} />
      </header>
      {line.declared ? <p className="schedule-note">{words.codeMore}</p> : null}
      <dl className="schedule-facts">
        <div>
          <dt>{words.workflow}</dt>
          <dd>{line.workflow}</dd>
        </div>
        <div>
          <dt>{words.next}</dt>
          <dd data-part="next">
            <Next line={line} now={now} words={words} />
          </dd>
        </div>
        <div>
          <dt>{words.timezone}</dt>
          <dd>{line.timezone}</dd>
        </div>
        <div>
          <dt>{words.missed}</dt>
          <dd>{words.missedKinds[line.form.missed]}</dd>
        </div>
        <div>
          <dt>{words.overlap}</dt>
          <dd>{words.overlapKinds[line.form.overlap]}</dd>
        </div>
        {line.form.jitter === "0" ? null : (
          <div>
            <dt>{words.jitter}</dt>
            <dd>{line.form.jitter}</dd>
          </div>
        )}
      </dl>
      <section>
        <h3>{words.arguments}</h3>
        {line.arguments === "{}" ? (
          <p className="schedule-soft">{words.noArguments}</p>
        ) : (
          <pre tabIndex={0} aria-label={words.arguments}>
            {line.arguments}
          </pre>
        )}
      </section>
      <section>
        <h3>
          {words.history} <Link to={`/runs?schedule=${line.id}`}>{words.runs}</Link>
        </h3>
        <History history={history} line={line} words={words} />
      </section>
      <section>
        <h3>{words.audits}</h3>
        <Audits audits={audits} words={words} />
      </section>
    </article>
  );
}

function Gone({ audits, words }) {
  return (
    <div className="center-note" data-part="gone">
      <h2 className="note-title">{words.gone}</h2>
      <p>{words.goneMore}</p>
      {audits.length ? <Audits audits={audits} words={words} /> : null}
      <Link to="?" className="button primary">
        {words.all}
      </Link>
    </div>
  );
}

function Empty({ workflows, words, onNew }) {
  return (
    <div className="center-note" data-part="empty">
      <CalendarClock aria-hidden />
      <h2 className="note-title">{words.emptyTitle}</h2>
      <p>{words.empty}</p>
      {workflows.length ? (
        <button type="button" className="button primary" onClick={onNew}>
          {words.new}
        </button>
      ) : (
        <p>{words.noneOfApp}</p>
      )}
    </div>
  );
}

function Asked({ action, line, now, acted, words, onAct, onRan, onClose }) {
  const attempt = useAttempt(acted, (came) => {
    if (!came.done) return;
    if (came.run_id) onRan(came.run_id);
    onClose();
  });
  const effect = action === "delete" && line.declared ? "deleteDeclared" : action;
  const refused = attempt.came && !attempt.came.done ? attempt.came.problems.map((one) => spoken(one.words)).join(" ") : "";
  let moot = "";
  if (!attempt.busy && !refused) {
    if (!now) moot = words.deletedMeanwhile;
    else if (action === "pause" && now.paused_at) moot = filled(words.already.pause, { who: now.paused_by });
    else if (action === "resume" && !now.paused_at) moot = words.already.resume;
  }
  return (
    <Sure
      title={filled(words.titles[action], line)}
      text={words.effects[effect]}
      confirm={words.actions[action]}
      danger={action === "delete"}
      attempt={attempt}
      problem={refused}
      moot={moot}
      words={words}
      onConfirm={() => attempt.send((number) => onAct(action, line.id, number))}
      onClose={onClose}
    />
  );
}

export function SchedulesPage(props) {
  const { schedules, history, audits, workflows, loaded, problem, words } = props;
  const [params, setParams] = useSearchParams();
  const now = useNow(true);
  const [open, setOpen] = useState(null);
  const [ran, setRan] = useState("");
  const opened = useRef(0);
  const show = (next) => {
    opened.current += 1;
    setRan("");
    setOpen(next);
  };
  const id = params.get("schedule") ?? "";
  const find = (wanted) => schedules.find((line) => line.id === wanted);
  const line = find(id);
  const desk = {
    onAsk: (action, of) => show({ action, line: of }),
    onEdit: (of) => show({ form: of.form, line: of }),
    onCopy: (of) => show({ form: { ...of.form, name: "" } }),
  };
  const onNew = () => show({ form: EMPTY });
  const close = () => setOpen(null);
  if (problem && !loaded) {
    return (
      <div className="schedules-page">
        <p role="alert">{spoken(problem)}</p>
      </div>
    );
  }
  if (!loaded && !schedules.length) {
    return (
      <div className="schedules-page">
        <p className="schedule-soft" aria-busy>
          {words.loading}
        </p>
      </div>
    );
  }
  // What may take a button away that had the focus.
  const there = [id, ...schedules.map((one) => one.id)].join();
  return (
    <Held open={there} className="schedules-page" data-page>
      {id && !line ? <Gone audits={audits} words={words} /> : null}
      {line ? <One line={line} now={now} history={history} audits={audits} words={words} desk={desk} /> : null}
      {!id && !schedules.length ? <Empty workflows={workflows} words={words} onNew={onNew} /> : null}
      {!id && schedules.length ? (
        <>
          {workflows.length ? (
            <button type="button" className="button primary schedule-new" onClick={onNew}>
              <Plus aria-hidden />
              {words.new}
            </button>
          ) : null}
          <List lines={schedules} now={now} words={words} desk={desk} />
        </>
      ) : null}
      {ran ? (
        <p className="schedule-said" role="status">
          {words.ran} <Link to={`/runs/${ran}`}>{words.seeRun}</Link>
        </p>
      ) : null}
      {open?.form ? (
        <ScheduleDialog
          key={opened.current}
          line={open.line}
          now={open.line && find(open.line.id)}
          first={open.form}
          workflows={workflows}
          previewed={props.previewed}
          acted={props.acted}
          words={words}
          onPreview={props.onPreview}
          onCreate={props.onCreate}
          onChange={props.onChange}
          onDone={close}
          onTheirs={(theirs) => show({ form: theirs.form, line: theirs })}
          onClose={close}
        />
      ) : null}
      {open?.action ? (
        <Asked
          key={opened.current}
          action={open.action}
          line={open.line}
          now={find(open.line.id)}
          acted={props.acted}
          words={words}
          onAct={props.onAct}
          onRan={setRan}
          onClose={() => {
            close();
            if (open.action === "delete" && id && !find(id)) setParams({});
          }}
        />
      ) : null}
    </Held>
  );
}
