// The list of threads of this tab, put together from what changes. It lives outside React, so a page
// change inside the app neither loses nor draws it again. Which folders are closed is kept by the
// browser; which thread was just put away, until it can no longer be undone.
import { useEffect, useState, useSyncExternalStore } from "react";
import { nextDay } from "./thread_groups";

const CLOSED = "agentchat.folders.closed";
export const UNDO_SECONDS = 10;
/** For how long a thread that is put away is hidden before the server has said so. */
const HIDDEN_MS = 5000;

const listeners = new Set();
const NONE = { mark: "", lines: new Map(), shown: [], more: false, after: "", gap: "", unlisted: false };
let held = NONE;
const hidden = new Set();
let closed = null;
let done = null;
let awaited = null;
let tellFocus = "";
let trail = [];

function tell() {
  listeners.forEach((listener) => listener());
}

function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function hold(next) {
  for (const id of hidden) if (!next.lines.has(id)) hidden.delete(id);
  held = { ...next, shown: [...next.lines.values()].filter((line) => !hidden.has(line.id)) };
  tell();
}

/** Takes a change in; false if it does not go on from the list that is here. */
export function takeChange(change) {
  if (!change.mark || change.mark === held.mark) return true;
  if (change.base && change.base !== held.mark) return false;
  const lines = new Map(change.base ? held.lines : []);
  for (const id of change.gone) lines.delete(id);
  for (const line of change.lines) lines.set(line.id, line);
  const { mark, more, after, gap, unlisted } = change;
  hold({ mark, lines, more, after, gap, unlisted });
  return true;
}

/** The list that is here: its lines, and whether there are more. */
export function useHeld() {
  return useSyncExternalStore(subscribe, () => held, () => NONE);
}

/** The places that were looked at, and the same with another at its end: see thread_window.js. */
export function trailed(next = trail) {
  trail = next;
  return trail;
}

/** Shows another title at once; the server's word follows. */
export function retitle(id, title) {
  const line = held.lines.get(id);
  if (!line) return;
  hold({ ...held, lines: new Map(held.lines).set(id, { ...line, title }) });
}

/** A thread goes from the list at once; it comes back if the server does not agree. */
export function putAway(action, line, current) {
  const number = Date.now();
  awaited = { number, action, id: line.id, title: line.title, current };
  hidden.add(line.id);
  hold(held);
  setTimeout(() => showAgain(line.id), HIDDEN_MS);
  return number;
}

export function showAgain(id) {
  if (hidden.delete(id)) hold(held);
}

/** The server has answered: what was put away can be undone, or is still there. */
export function answered({ number, action, undo }) {
  if (!awaited || awaited.number !== number) return;
  if (action) done = { ...awaited, undo };
  else showAgain(awaited.id);
  awaited = null;
  tell();
}

export function forgetDone() {
  done = null;
  tell();
}

/** What was put away last in this tab, as long as it is told. */
export function useDone() {
  return useSyncExternalStore(subscribe, () => done, () => null);
}

/** The thread whose line is to have the focus once it is there; asked for once. */
export function focusNext(id) {
  tellFocus = id;
}

export function takeFocus() {
  const id = tellFocus;
  tellFocus = "";
  return id;
}

function closedFolders() {
  if (closed === null) {
    try {
      closed = new Set(JSON.parse(window.localStorage.getItem(CLOSED) ?? "[]"));
    } catch {
      closed = new Set(); // storage may be switched off; then folders are open after a reload
    }
  }
  return closed;
}

export function toggleFolder(name) {
  const next = new Set(closedFolders());
  if (!next.delete(name)) next.add(name);
  closed = next;
  try {
    window.localStorage.setItem(CLOSED, JSON.stringify([...next]));
  } catch {
    // full or switched off
  }
  tell();
}

const ALL_OPEN = new Set();

/** The names of the folders that are closed in this browser. */
export function useClosed() {
  return useSyncExternalStore(subscribe, closedFolders, () => ALL_OPEN);
}

/** Now, told anew when another day begins, and when somebody comes back to the page. */
export function useToday() {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const look = () => setNow(Date.now());
    // Timers of more than 24 days, and of machines that slept, are not to be trusted.
    const timer = setTimeout(look, Math.min(nextDay(now) - now + 50, 3_600_000));
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [now]);
  return now;
}

/** Whether the tab is seen. */
export function useVisible() {
  return useSyncExternalStore(
    (listener) => {
      document.addEventListener("visibilitychange", listener);
      return () => document.removeEventListener("visibilitychange", listener);
    },
    () => document.visibilityState === "visible",
    () => false,
  );
}
