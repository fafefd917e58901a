// From an answer, and from a part of it, to the run and the step that wrote it.
import { useEffect, useRef } from "react";
import { Link, useLocation } from "react-router";
import { Workflow } from "lucide-react";

const SETTLED = 250; // milliseconds until a thread that opens has come to its end

/** Leads to the run that wrote an answer; an address that names the answer leads to it. */
export function RunChip({ run, message, words }) {
  const chip = useRef(null);
  const { hash } = useLocation();
  useEffect(() => {
    if (hash !== `#m-${message}`) return undefined;
    const timer = setTimeout(
      () => chip.current?.closest("article")?.scrollIntoView({ block: "start" }),
      SETTLED,
    );
    return () => clearTimeout(timer);
  }, [hash, message]);
  return (
    <Link ref={chip} to={`/runs/${run}`} className="run-chip" title={words.label} data-part="run">
      <Workflow aria-hidden />
      {words.run}
      <span className="visually-hidden">: {words.label}</span>
    </Link>
  );
}

/** Leads to the step that wrote a part. */
export function StepChip({ run, step, words }) {
  if (!run || !step) return null;
  return (
    <Link
      to={`/runs/${run}?step=${encodeURIComponent(step)}`}
      className="run-chip step-chip"
      title={words.step}
      data-part="step"
    >
      <Workflow aria-hidden />
      {step}
      <span className="visually-hidden">: {words.step}</span>
    </Link>
  );
}
