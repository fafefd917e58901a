// Which part of a long list a page holds: its front, and a window behind some place in it. The
// places that windows began at are its trail, each some lines behind the one before.

/** How many lines of a window are passed before the next one is asked for. */
export const STEP = 75;

/** A place in the list as the server knows it: behind this line. */
export function placeOf(line) {
  return `${line.at} ${line.id}`;
}

/** The number of the window that begins at a place; -1 if there is only the front. */
export function numberOf(trail, after) {
  return after ? Math.max(0, trail.indexOf(after)) : -1;
}

/**
 * The trail with the place of the next window at its end, once somebody has scrolled to the end of
 * *lines*: those behind *after*, or at the front if that is empty.
 */
export function onward(trail, after, lines) {
  const number = numberOf(trail, after);
  const at = number < 0 ? lines.length - 1 : Math.min(STEP, lines.length) - 1;
  return lines.length ? [...trail.slice(0, number + 1), placeOf(lines[at])] : trail;
}

/**
 * The trail with the place of the window at its end that shows what stands at a *share* of the gap
 * between the front and the window behind *after*. *last* is the last line at the front.
 */
export function backward(trail, after, share, last) {
  const lines = share * numberOf(trail, after) * STEP;
  // So that it is in the middle, and what is around it is there as well.
  const number = Math.max(0, Math.round(lines / STEP) - 1);
  // Since then others may have come to the front.
  return number ? trail.slice(0, number + 1) : [placeOf(last)];
}

/** About how many lines are left out between the front and the window behind *after*. */
export function leftOut(trail, after) {
  return Math.max(1, numberOf(trail, after) * STEP);
}

/** Those of the lines that stand behind a place, or all if it is empty. */
export function behind(lines, after) {
  if (!after) return lines;
  const cut = after.indexOf(" ");
  const [at, id] = [Number(after.slice(0, cut)), after.slice(cut + 1)];
  return lines.filter((line) => line.at < at || (line.at === at && line.id > id));
}
