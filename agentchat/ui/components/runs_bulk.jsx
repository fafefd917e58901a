// One action on many runs: chosen, explained before it is done, and followed to its end.
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import * as AlertDialog from "@radix-ui/react-alert-dialog";
import { X } from "lucide-react";
import { filled } from "./asks";
import { numbered } from "./runs_address";
import { locale, spoken } from "./said";
import { newId } from "./store";

const ACTIONS = ["retry", "resume", "pause", "cancel"];
const SHOWN = 20;

function Explained({ planned, action, words }) {
  return (
    <div className="runs-plan">
      {planned.number ? <p>{words.effects[action]}</p> : null}
      {planned.cannot.length ? (
        <ul>
          {planned.cannot.map((one) => (
            <li key={one.words}>{filled(numbered(words.cannot, one.number), { words: spoken(one.words) })}</li>
          ))}
        </ul>
      ) : null}
      {planned.more ? <p className="runs-plan-more">{words.more}</p> : null}
    </div>
  );
}

function Confirm({ action, planned, words, onConfirm, onClose, onClosed }) {
  const none = planned !== null && planned.number === 0;
  const title =
    planned === null
      ? words.actions[action]
      : none
        ? words.none[action]
        : numbered(words.titles[action], planned.number);
  return (
    <AlertDialog.Root open onOpenChange={(open) => open || onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="dialog-veil" />
        <AlertDialog.Content className="dialog" onCloseAutoFocus={onClosed}>
          <AlertDialog.Title asChild>
            <h2>{planned?.problem ? words.actions[action] : title}</h2>
          </AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div aria-live="polite">
              {planned === null ? (
                <p>{words.looking}…</p>
              ) : planned.problem ? (
                <p role="alert">{spoken(planned.problem)}</p>
              ) : (
                <Explained planned={planned} action={action} words={words} />
              )}
            </div>
          </AlertDialog.Description>
          <div className="dialog-actions">
            <AlertDialog.Cancel className="button">{words.keep}</AlertDialog.Cancel>
            {planned?.number ? (
              <AlertDialog.Action
                className={`button ${action === "cancel" ? "danger" : "primary"}`}
                onClick={onConfirm}
              >
                {words.actions[action]} {planned.number.toLocaleString(locale())}
              </AlertDialog.Action>
            ) : null}
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** What is selected, and what can be done with it. */
export function Bar({ selected, everything, canAll, planned, desk, words }) {
  const [asked, setAsked] = useState(null);
  const number = selected.size;
  const answer = asked !== null && planned.attempt === asked.attempt ? planned : null;
  const opener = useRef(null);
  const ask = (action, button) => {
    opener.current = button;
    const attempt = Date.now();
    setAsked({ action, attempt });
    desk.onPlan(action, everything ? [] : [...selected], attempt);
  };
  const confirm = () => {
    const id = newId();
    desk.onConfirm(id);
    setAsked(null);
    desk.onStarted(id);
  };
  return (
    <div className="runs-bar" role="region" aria-label={words.bar}>
      <span className="runs-bar-number" role="status">
        {everything ? words.selectedAll : numbered(words.selected, number)}
      </span>
      {canAll && !everything ? (
        <button type="button" className="link-button" onClick={desk.onEverything}>
          {words.selectAll}
        </button>
      ) : null}
      <span className="runs-bar-actions">
        {ACTIONS.map((action) => (
          <button
            key={action}
            type="button"
            className="button small"
            onClick={(event) => ask(action, event.currentTarget)}
          >
            {words.actions[action]}
          </button>
        ))}
      </span>
      <button
        type="button"
        className="icon-button"
        aria-label={words.unselect}
        title={words.unselect}
        onClick={desk.onUnselect}
      >
        <X aria-hidden />
      </button>
      {asked !== null ? (
        <Confirm
          action={asked.action}
          planned={answer}
          words={words}
          onConfirm={confirm}
          onClose={() => setAsked(null)}
          onClosed={(event) => {
            event.preventDefault();
            opener.current?.focus();
          }}
        />
      ) : null}
    </div>
  );
}

function Refused({ bulk, words }) {
  if (!bulk.failed) return null;
  return (
    <details className="runs-refused">
      <summary>{numbered(words.refused, bulk.failed)}</summary>
      <ul>
        {bulk.refused.slice(0, SHOWN).map((one) => (
          <li key={one.run_id}>
            <Link className="mono" to={`/runs/${one.run_id}`}>
              {one.run_id.slice(0, 8)}
            </Link>{" "}
            {spoken(one.words)}
          </li>
        ))}
        {bulk.failed > SHOWN ? (
          <li>
            <Link to={`/runs/${bulk.id}`}>
              {filled(words.more_refused, { number: bulk.failed - SHOWN })}
            </Link>
          </li>
        ) : null}
      </ul>
    </details>
  );
}

/** How far an action on many runs is, and what came of it. */
export function Progress({ bulk, address, words }) {
  const root = useRef(null);
  const mine = bulk.id === address.bulk;
  useEffect(() => {
    // What had the focus is gone with the selection.
    if (!document.activeElement || document.activeElement === document.body) {
      root.current?.focus({ preventScroll: true });
    }
  }, [address.bulk]);
  if (!address.bulk || !mine) return null;
  const left = bulk.total - bulk.done - bulk.failed;
  const counted = { ...bulk, left };
  const complete = bulk.over && left === 0;
  const title = bulk.missing
    ? words.missing
    : filled((bulk.over ? words.did : words.doing)[bulk.action], counted);
  const line =
    bulk.status === "queued" ? words.queued : filled(words.progress, counted);
  return (
    <section
      ref={root}
      tabIndex={-1}
      className="runs-progress"
      data-over={bulk.over || bulk.missing ? "" : undefined}
      aria-label={words.bar}
    >
      <div className="runs-progress-head">
        <strong role="status">{title}</strong>
        {bulk.missing ? null : <Link to={`/runs/${bulk.id}`}>{words.open}</Link>}
        <button
          type="button"
          className="icon-button"
          aria-label={words.dismiss}
          onClick={() => address.openBulk("")}
        >
          <X aria-hidden />
        </button>
      </div>
      {bulk.missing || complete ? null : (
        <>
          <div
            className="progress"
            role="progressbar"
            aria-label={title}
            aria-valuemin={0}
            aria-valuemax={bulk.total}
            aria-valuenow={bulk.done + bulk.failed}
          >
            <div style={{ width: `${(100 * (bulk.total - left)) / Math.max(1, bulk.total)}%` }} />
          </div>
          <p>{bulk.over ? filled(words.cut, { words: spoken(bulk.words || bulk.status), left }) : line}</p>
        </>
      )}
      <Refused bulk={bulk} words={words} />
    </section>
  );
}
