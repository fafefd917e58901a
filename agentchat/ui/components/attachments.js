// Files that are being attached to messages, by thread ("" is the one to come). They live outside
// React, so that a page change inside the app ends no upload; sessionStorage keeps through a reload
// what the server has already.
import { useSyncExternalStore } from "react";
import { newId } from "./store";

const KEY = "agentchat.files.";
const NEW = "new";
const NOTHING = [];
const AT_ONCE = 3;
// So often a file waits by itself for its turn, when too many come at once.
const TURNS = 5;

const listeners = new Set();
const threads = new Map();
const requests = new Map();
const pictures = new Map();
let limits = null;

const tell = () => listeners.forEach((listener) => listener());

function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const kept = ({ key, id, name, size, media_type, status }) => ({ key, id, name, size, media_type, status });

function store(thread, files) {
  threads.set(thread, files);
  try {
    const slot = KEY + (thread || NEW);
    if (files.length) window.sessionStorage.setItem(slot, JSON.stringify(files.map(kept)));
    else window.sessionStorage.removeItem(slot);
  } catch {
    // full or switched off: only the reload loses it
  }
}

/** What was attached before the page was loaded. What was still on its way then is lost. */
function restored(thread) {
  try {
    const found = JSON.parse(window.sessionStorage.getItem(KEY + (thread || NEW)) ?? "[]");
    return found.map((file) =>
      file.status === "done" ? file : { ...file, status: "failed", problem: "interrupted" },
    );
  } catch {
    return [];
  }
}

function filesOf(thread) {
  if (!threads.has(thread)) {
    const found = restored(thread);
    threads.set(thread, found.length ? found : NOTHING);
    if (found.some(({ status }) => status === "done")) lookAfter(thread);
  }
  return threads.get(thread);
}

function replace(thread, next) {
  store(thread, next.length ? next : NOTHING);
  tell();
}

function change(thread, key, values) {
  replace(
    thread,
    filesOf(thread).map((file) => (file.key === key ? { ...file, ...values } : file)),
  );
}

async function ask() {
  const answer = await fetch("/uploads", { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

/** Says of files that the server does not keep any more that they are gone. */
async function lookAfter(thread) {
  let there;
  try {
    const found = await ask();
    limits = found;
    there = new Set(found.files.map(({ id }) => id));
  } catch {
    return; // the send will tell
  }
  const lost = filesOf(thread).filter(({ status, id }) => status === "done" && !there.has(id));
  lost.forEach(({ key }) => change(thread, key, { status: "failed", problem: "gone", id: undefined }));
}

/** The files that go with the next message of a thread. */
export function useAttachments(thread) {
  return useSyncExternalStore(subscribe, () => filesOf(thread), () => NOTHING);
}

/** Whether all files are with the server. */
export const allThere = (files) => files.every(({ status }) => status === "done");

const IMAGE = /^image\/(png|jpeg|gif|webp)$/;

/** Where a picture can be seen that is not sent yet; nothing for what is none. */
export function pictureOf({ id, key, media_type }) {
  if (!IMAGE.test(media_type)) return "";
  return pictures.get(key) ?? pictures.get(id) ?? (id ? `/uploads/${id}` : "");
}

/** The same while this page holds the picture itself. */
export const pictureHere = ({ id }) => pictures.get(id) ?? "";

export const isPicture = ({ media_type }) => IMAGE.test(media_type);

/** Attaches files, as many as a message takes; how many are left out. */
export async function attach(thread, chosen) {
  try {
    limits ??= await ask();
  } catch {
    // The server says it of each.
  }
  const most = limits?.most ?? Infinity;
  const room = Math.max(0, most - filesOf(thread).length);
  const added = chosen.slice(0, room).map((file) => {
    const key = newId();
    const name = file.name || "file";
    if (IMAGE.test(file.type)) pictures.set(key, URL.createObjectURL(file));
    const about = { key, name, size: file.size, media_type: file.type, file, progress: 0, turns: 0 };
    const tooLarge = limits && file.size > limits.most_bytes;
    const problem = tooLarge ? "tooLarge" : file.size === 0 ? "empty" : undefined;
    return { ...about, status: problem ? "failed" : "waiting", problem };
  });
  if (added.length) replace(thread, [...filesOf(thread), ...added]);
  pump();
  return { left: chosen.length - added.length, most };
}

/** The largest file that is taken, in bytes, once the server has told it. */
export const mostBytes = () => limits?.most_bytes ?? 0;

/** Sends what waits, a few at once. */
function pump() {
  for (const [thread, files] of threads) {
    for (const file of files) {
      if (requests.size >= AT_ONCE) return;
      if (file.status === "waiting") transmit(thread, file);
    }
  }
}

function transmit(thread, { key, name, file, turns }) {
  const request = new XMLHttpRequest();
  requests.set(key, request);
  const ended = (values) => {
    requests.delete(key);
    change(thread, key, values);
    pump();
  };
  request.open("POST", "/uploads");
  request.setRequestHeader("X-File-Name", encodeURIComponent(name));
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.upload.onprogress = ({ loaded, total }) => change(thread, key, { progress: total ? loaded / total : 0 });
  request.onload = () => {
    const said = answerOf(request);
    if (request.status === 201) {
      const about = { id: said.id, name: said.name, size: said.size, media_type: said.media_type };
      return ended({ ...about, status: "done", progress: 1, file: undefined });
    }
    const seconds = Number(request.getResponseHeader("Retry-After"));
    if (request.status === 429 && seconds <= 5 && turns < TURNS) {
      change(thread, key, { progress: 0, turns: turns + 1 });
      setTimeout(() => {
        if (filesOf(thread).some((one) => one.key === key)) ended({ status: "waiting" });
      }, seconds * 1000);
      return undefined;
    }
    return ended({ status: "failed", problem: "refused", said: said.error });
  };
  request.onerror = () => ended({ status: "failed", problem: "lost" });
  change(thread, key, { status: "sending", progress: 0, problem: undefined, said: undefined });
  request.send(file);
}

function answerOf(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {};
  }
}

/** Tries once more to send a file. */
export function retry(thread, key) {
  change(thread, key, { status: "waiting", progress: 0, turns: 0, problem: undefined });
  pump();
}

/** Takes a file away, wherever it is. */
export function detach(thread, key) {
  const gone = filesOf(thread).find((file) => file.key === key);
  requests.get(key)?.abort();
  requests.delete(key);
  replace(thread, filesOf(thread).filter((file) => file.key !== key));
  // What the server keeps without being told so is removed after a day.
  if (gone?.id) fetch(`/uploads/${gone.id}`, { method: "DELETE" }).catch(() => undefined);
  forget([key]);
  pump();
}

/** The files for a message that is sent now: they are attached to it, and to nothing else. */
export function takeAttachments(thread) {
  const taken = filesOf(thread);
  replace(thread, []);
  return taken.map(({ key, id, name, size, media_type }) => {
    if (pictures.has(key)) pictures.set(id, pictures.get(key));
    pictures.delete(key);
    return { id, name, size, media_type };
  });
}

/** Gives the files of a message that was not sent back to the next one. */
export function giveBack(thread, files) {
  const back = files.map((file) => ({ ...file, key: file.id, status: "done" }));
  replace(thread, [...filesOf(thread), ...back]);
  lookAfter(thread);
}

/** Lets go of the pictures of files that are sent. */
export function forget(ids) {
  for (const id of ids) {
    if (pictures.has(id)) URL.revokeObjectURL(pictures.get(id));
    pictures.delete(id);
  }
}
