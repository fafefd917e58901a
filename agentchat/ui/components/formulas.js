// Where in a markdown text formulas are. Pure: it knows no page and no parser.

/** Whether there may be math in a text. */
export const mayHoldMath = (text) => /\$|\\\(|\\\[/.test(text);

// A longer one is none.
const MOST = 4_000;
const BLANK = /\n[ \t]*\n/;

/** Where the run of the same sign ends that begins at this place. */
function endOfRun(text, at) {
  let end = at;
  while (text[end] === text[at]) end += 1;
  return end;
}

/** Where marks come next in a text: each is looked for once, however often it is asked for. */
function seeker(text) {
  const next = {};
  return (mark, from) => {
    const known = next[mark];
    if (known === undefined || (known >= 0 && known < from)) next[mark] = text.indexOf(mark, from);
    return next[mark];
  };
}

/** The text of code from this place on: up to the run of as many backticks. */
function codeAt(text, at, unclosed) {
  const begin = endOfRun(text, at);
  const mark = text.slice(at, begin);
  if (unclosed.has(mark)) return mark;
  for (let from = begin; ; ) {
    const found = text.indexOf(mark, from);
    if (found < 0) {
      unclosed.add(mark);
      return mark;
    }
    const end = endOfRun(text, found);
    if (end - found === mark.length) return text.slice(at, end);
    from = end;
  }
}

/** What stands between two marks, from the place after the first; null if it is no formula. */
function between(text, from, end, blankLines = false) {
  const inner = end < 0 || end - from > MOST ? "" : text.slice(from, end);
  return inner.trim() && (blankLines || !BLANK.test(inner)) ? inner : null;
}

// A number with words after it: "$6, or 8$".
const SUM = /^\d[\d.,]*[,;:]?\s+\p{L}{2,}/u;

/**
 * A formula in single dollars. As in other programs: nothing but the formula touches them from
 * within, and no letter or digit from outside. $5 and $6 are sums.
 */
function singleAt(text, at) {
  if (/[\p{L}\p{N}$\\]/u.test(text[at - 1] ?? "") || /[\s$]/.test(text[at + 1] ?? " ")) return null;
  const end = text.indexOf("$", at + 1);
  if (end < 0 || end - at > MOST || /\s/.test(text[end - 1]) || /[\p{L}\p{N}$]/u.test(text[end + 1] ?? "")) return null;
  const inner = text.slice(at + 1, end);
  return SUM.test(inner) || inner.endsWith("\\") || inner.includes("`") || BLANK.test(inner) ? null : inner;
}

const IS_CODE = /^(?: {4}|\t| {0,3}(?:```|~~~))/;
const startsLine = (text, at) => /(^|\n)[ \t>]*$/.test(text.slice(Math.max(0, at - 80), at));

/**
 * The text with every formula between $$, and those that stand by themselves between $$$: the
 * one way in which the parser looks for them. All other dollars stay what they are.
 */
export function withMath(text) {
  if (IS_CODE.test(text)) return text;
  const seek = seeker(text);
  const unclosed = new Set();
  let out = "";
  for (let at = 0; at < text.length; ) {
    let taken = text[at];
    let given = null;
    if (taken === "`") taken = codeAt(text, at, unclosed);
    else if (taken === "\\") {
      taken = text.slice(at, at + 2);
      const mark = { "\\(": "\\)", "\\[": "\\]" }[taken];
      const inner = mark ? between(text, at + 2, seek(mark, at + 2)) : null;
      if (inner !== null) {
        taken += inner + mark;
        given = fenced(inner, mark === "\\]");
      }
    } else if (text.startsWith("$$", at)) {
      const begins = startsLine(text, at) && /^[ \t]*\n/.test(text.slice(at + 2));
      const inner = text[at + 2] === "$" ? null : between(text, at + 2, seek("$$", at + 2), begins);
      if (inner === null) {
        taken = text.slice(at, endOfRun(text, at));
        given = taken.replaceAll("$", "\\$");
      } else {
        taken = `$$${inner}$$`;
        if (!begins || !/\n[ \t>]*$/.test(inner)) given = fenced(inner, true);
      }
    } else if (taken === "$") {
      const inner = singleAt(text, at);
      if (inner !== null) {
        taken = `$${inner}$`;
        given = fenced(inner, false);
      }
    }
    out += given ?? taken;
    at += taken.length;
  }
  return out;
}

function fenced(inner, apart) {
  const mark = apart ? "$$$" : "$$";
  return inner.includes("$") ? null : `${mark} ${inner.trim()} ${mark}`;
}
