// The texts of messages that grow, put together from the pieces that the server sends. They
// live outside React: of a long answer only what shows it is drawn again.
import { useEffect, useLayoutEffect, useSyncExternalStore } from "react";

const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;
const grown = new Map();
const listeners = new Set();

function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Takes pieces in; false if one that came before them is missing. */
function grow(pieces) {
  let complete = true;
  let changed = false;
  for (const { message, number, text, whole } of pieces) {
    const have = grown.get(message);
    if (have && number <= have.number) continue;
    if (text === null) {
      complete = false;
      continue;
    }
    if (whole) grown.set(message, { number, text });
    else if (have && number === have.number + 1) {
      grown.set(message, { number, text: have.text + text });
    } else {
      complete = false;
      continue;
    }
    changed = true;
  }
  if (changed) listeners.forEach((listener) => listener());
  return complete;
}

/** The text of a growing message so far. */
export function useGrown(message) {
  return useSyncExternalStore(subscribe, () => grown.get(message)?.text ?? "", () => "");
}

/** The ids of messages and of the answers of sub-agents in them. */
function idsOf(messages) {
  return messages.flatMap((message) => [
    message.id,
    ...idsOf(message.parts.map((part) => part.answer).filter(Boolean)),
  ]);
}

/** Keeps the texts: shows nothing. Asks for everything anew when it has missed something. */
export function Growth({ tail, live, onMissed }) {
  useBeforePaint(() => {
    if (!grow(tail)) onMissed();
  }, [tail]);
  useEffect(() => {
    const ids = new Set(idsOf(live));
    for (const id of grown.keys()) if (!ids.has(id)) grown.delete(id);
  }, [live]);
  return null;
}
