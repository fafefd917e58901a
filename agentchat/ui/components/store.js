// What one tab knows before the server does: messages on their way, drafts, the next thread's id.
// It lives outside React, so a page change inside the app loses nothing; sessionStorage keeps
// messages and drafts through a reload.
import { useSyncExternalStore } from "react";

const OUTBOX = "agentchat.outbox";
const DRAFT = "agentchat.draft.";
const NOTHING = [];

const listeners = new Set();
let outbox = null;
let opening = null;

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
    opening = outbox.find((item) => item.create)?.thread ?? null;
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

/**
 * The thread that a message on its way will open; null while there is none. Another tab never
 * has the same, not even a duplicate of this one: only the messages themselves are stored.
 */
export function openingThread() {
  items();
  return opening;
}

/** The id of the thread that is being opened, made if there is none. For handlers only. */
export function nextThread() {
  opening = openingThread() ?? newId();
  return opening;
}

/** The thread exists: the next new one gets another id. */
export function threadOpened(thread) {
  opening = null;
  pickAgent("");
  pickModel("");
  replace(items().map((item) => (item.thread === thread ? { ...item, create: false } : item)));
}

const NEW = "new";

/** The draft of a thread, or of the thread to come ("") that every tab has its own of. */
export function readDraft(thread) {
  const key = DRAFT + (thread || NEW);
  return read(session, key) ?? (thread ? read(local, key) : null) ?? "";
}

// Between pressing "New thread" and being there, what is typed belongs to the new thread.
let leaving = null;

export function leaveForNewThread() {
  const leave = { from: null, text: "" };
  leaving = leave;
  setTimeout(() => {
    if (leaving === leave) leaving = null;
  }, 5000);
}

/** Text that is typed on the way to a new thread. */
export function carryDraft(thread, text) {
  if (leaving) Object.assign(leaving, { from: thread, text });
}

/** The text that was typed on the way to this thread, taken from where it was typed. */
export function arriveWithDraft(thread) {
  if (!leaving || leaving.from === thread) return "";
  const { from, text: typed } = leaving;
  leaving = null;
  if (!typed) return "";
  // What had been begun for the new thread, and was left, is not lost.
  const text = [readDraft(thread), typed].filter(Boolean).join("\n\n");
  saveDraft(from, "");
  saveDraft(thread, text);
  return text;
}

export function saveDraft(thread, text) {
  const key = DRAFT + (thread || NEW);
  write(session, key, text);
  if (thread) write(local, key, text);
}

// The agent that is picked for a thread that is not there yet.
const AGENT = "agentchat.agent";
let picked = null;

function agentPicked() {
  picked ??= read(session, AGENT) ?? "";
  return picked;
}

export function pickAgent(name) {
  picked = name;
  write(session, AGENT, name);
  listeners.forEach((listener) => listener());
}

export function usePickedAgent() {
  return useSyncExternalStore(subscribe, agentPicked, () => "");
}

// The same of models.
const MODEL = "agentchat.model";
let pickedModel = null;

function modelPicked() {
  pickedModel ??= read(session, MODEL) ?? "";
  return pickedModel;
}

export function pickModel(name) {
  pickedModel = name;
  write(session, MODEL, name);
  listeners.forEach((listener) => listener());
}

export function usePickedModel() {
  return useSyncExternalStore(subscribe, modelPicked, () => "");
}

/** For when what had the focus goes away. Behind an open drawer the box cannot take it. */
export function focusComposer() {
  const box = document.getElementById("message");
  (box?.closest("[inert]") ? document.querySelector(".sidebar button") : box)?.focus();
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
