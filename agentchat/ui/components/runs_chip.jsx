// The status of a run or of a step.

/** A word with its colour. */
export function Chip({ status, words }) {
  return (
    <span className={`chip chip-${status}`} data-status={status}>
      <span className="chip-dot" aria-hidden />
      {words[status] ?? status}
    </span>
  );
}
