import { useState } from "react";
import { useNow } from "./clock";
import { named, spoken } from "./said";

function Fault({ fault, words, now, onEnd }) {
  const [ending, setEnding] = useState(false);
  // The clocks of two machines may differ.
  const left = Math.min(fault.seconds, Math.max(0, Math.ceil((fault.until - now) / 1000)));
  return (
    <li className="fault" data-kind={fault.kind}>
      <span className="fault-text">
        <strong>
          {words.fault}: {spoken(fault.text)}
        </strong>{" "}
        <span className="fault-by">
          {words.by} {named(fault.by)}
          <span aria-hidden>
            {" "}
            · {left} {words.left}
          </span>
        </span>
      </span>
      <button
        type="button"
        className="button small"
        aria-disabled={ending}
        onClick={() => {
          if (ending) return;
          setEnding(true);
          onEnd(fault.id);
        }}
      >
        {ending ? words.ending : words.end}
      </button>
    </li>
  );
}

/** What is made to go wrong just now: nothing at all while nothing is. */
export function FaultBar({ faults, words, onEnd }) {
  const now = useNow(faults.length > 0);
  if (!faults.length) return null;
  return (
    <div className="fault-bar" role="alert" data-part="faults">
      <ul>
        {faults.map((fault) => (
          <Fault key={fault.id} fault={fault} words={words} now={now} onEnd={onEnd} />
        ))}
      </ul>
    </div>
  );
}
