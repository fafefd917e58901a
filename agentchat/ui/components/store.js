// What one tab knows before the server does: messages on their way, drafts, the next thread's id.
// It lives outside React, so a page change inside the app loses nothing; sessionStorage keeps it
// through a reload.
import { useSyncExternalStore } from "react";

const OUTBOX = "agentchat.outbox";
const NEXT_THREAD = "agentchat.next-thread";
const DRAFT = "agentchat.draft.";
const NOTHING = [];

const listeners = new Set();
let outbox = null;

function read(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null; // storage may be switched off; the app works without it
  }
}

function write(storage, key, value) {
  try {
    if (value) storage().setItem(key, value);
    else storage().removeItem(key);
  } catch {
    // full or switched off: only the reload loses it
  }
}

const session = () => window.sessionStorage;
const local = () => window.localStorage;

function items() {
  if (outbox === null) {
    try {
      outbox = JSON.parse(read(session, OUTBOX) ?? "[]").map((item) => ({ ...item, restored: true }));
    } catch {
      outbox = [];
    }
  }
  return outbox;
}

function replace(next) {
  outbox = next;
  write(session, OUTBOX, next.length ? JSON.stringify(next) : null);
  listeners.forEach((listener) => listener());
}

function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Messages this tab sent that the server's rows do not hold yet, oldest first. */
export function useOutbox() {
  return useSyncExternalStore(subscribe, items, () => NOTHING);
}

export function putItem(item) {
  replace([...items().filter((other) => other.id !== item.id), item]);
}

/** The same message, tried once more: same id, so the server never has it twice. */
export function nextAttempt(item) {
  const again = { ...item, attempt: item.attempt + 1, at: Date.now(), restored: false };
  replace(items().map((other) => (other.id === item.id ? again : other)));
  return again;
}

export function dropItems(ids) {
  const gone = new Set(ids);
  if (items().some((item) => gone.has(item.id))) {
    replace(items().filter((item) => !gone.has(item.id)));
  }
}

/** 32 hexadecimal digits; crypto.randomUUID is missing on plain http outside localhost. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The id the next new thread will get: one per tab until that thread exists. */
export function nextThread() {
  let id = read(session, NEXT_THREAD);
  if (!id) {
    id = newId();
    write(session, NEXT_THREAD, id);
  }
  return id;
}

export function forgetNextThread() {
  write(session, NEXT_THREAD, null);
}

export function readDraft(thread) {
  return read(session, DRAFT + thread) ?? read(local, DRAFT + thread) ?? "";
}

export function saveDraft(thread, text) {
  write(session, DRAFT + thread, text);
  write(local, DRAFT + thread, text);
}

const fillers = new Set();

/** Called with text that should go into the composer. */
export function onFill(filler) {
  fillers.add(filler);
  return () => fillers.delete(filler);
}

export function fillComposer(text) {
  fillers.forEach((filler) => filler(text));
}
