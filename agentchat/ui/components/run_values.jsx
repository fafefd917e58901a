// Small things that the page of a run is made of: status, times, money, values.
import { useEffect, useRef, useState } from "react";
import env from "$/env.json";
import { lasted } from "./clock";
import { filled, locale, spoken, usd } from "./said";

const ACTIVE = new Set(["queued", "running", "waiting", "paused", "stopping"]);

export const isActive = (status) => ACTIVE.has(status);

/** The address of the file that holds all of a run: the backend's, which may be another's. */
export function exportOf(runId) {
  return String(env.PING).replace(/\/ping$/, `/export/runs/${encodeURIComponent(runId)}.json`);
}

export function Chip({ status, words }) {
  return <span className={`chip chip-${status}`}>{words.status[status] ?? status}</span>;
}

/** A moment to the second; its day, if that is not today. */
export function stamp(iso) {
  if (!iso) return "";
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  const day = today ? {} : { day: "numeric", month: "short" };
  const year = at.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  const hour = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
  return at.toLocaleString(locale(), { ...day, ...year, ...hour });
}

/** How long something took, or has taken so far: to the millisecond where it is short. */
export function took(began, ended) {
  const milliseconds = ended - began;
  if (milliseconds < 1) return "<1 ms";
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : lasted(began, ended);
}

/** Words with the time that belongs into them. */
export function tellAt(words, at) {
  return filled(spoken(words), { at: stamp(at) });
}

export function dollars(cost) {
  if (cost === 0) return usd(0, 0);
  if (cost < 0.0001) return `<${usd(0.0001, 4)}`;
  const digits = cost < 1 ? 4 : 2;
  return usd(cost, 2, digits);
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** A value, of which the beginning is here; the rest comes when somebody wants it. */
export function Value({ label, kept, none, of, step, what, whole, words, heading: Heading = "h4" }) {
  const [wants, setWants] = useState("");
  const { onWhole } = whole;
  const mine = whole.of === of && whole.text !== "";
  const name = useRef("");
  name.current = `${step || "run"} ${what}.json`.replace(/[^\w.#-]+/g, "-");
  useEffect(() => {
    if (wants === "file" && mine) {
      save(name.current, whole.text);
      setWants("");
    }
  }, [wants, mine]);
  const cut = kept.text.length < kept.size;
  const get = (wish) => {
    setWants(wish);
    if (!mine) onWhole(of, step, what);
  };
  const shown = wants === "all" && mine ? whole.text : kept.text;
  return (
    <div className="run-value" data-part={what}>
      <Heading>{label}</Heading>
      {kept.text ? (
        <pre tabIndex={0} aria-label={label}>
          {shown}
        </pre>
      ) : (
        <p className="run-none">{none}</p>
      )}
      {cut ? (
        <p className="run-cut">
          {shown === kept.text ? (
            <>
              <span>
                {filled(words.cut, {
                  shown: kept.text.length.toLocaleString(locale()),
                  size: kept.size.toLocaleString(locale()),
                })}
              </span>
              <button type="button" className="link-button" onClick={() => get("all")}>
                {words.showAll}
              </button>
            </>
          ) : (
            <button type="button" className="link-button" onClick={() => setWants("")}>
              {words.showLess}
            </button>
          )}
          <button type="button" className="link-button" onClick={() => get("file")}>
            {words.download}
          </button>
        </p>
      ) : null}
      {whole.of === of && whole.said ? <p role="alert">{spoken(whole.said)}</p> : null}
    </div>
  );
}
