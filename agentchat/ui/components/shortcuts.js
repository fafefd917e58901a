// The keys that do something anywhere on a page. This one table is what the list of shortcuts
// shows and what the pages listen to; those that are "told" belong to the message box, which
// listens to them itself.
import { useSyncExternalStore } from "react";

export const SHORTCUTS = [
  { name: "search", group: "anywhere", keys: ["mod", "k"] },
  { name: "new", group: "anywhere", keys: ["mod", "shift", "o"] },
  { name: "previous", group: "anywhere", keys: ["alt", "ArrowUp"] },
  { name: "next", group: "anywhere", keys: ["alt", "ArrowDown"] },
  { name: "sidebar", group: "anywhere", keys: ["mod", "shift", "s"] },
  { name: "help", group: "anywhere", keys: ["?"] },
  { name: "compose", group: "thread", keys: ["/"] },
  { name: "stop", group: "thread", keys: ["Escape"] },
  { name: "copy", group: "thread", keys: ["mod", "shift", "c"] },
  { name: "send", group: "box", keys: ["Enter"], told: true },
  { name: "line", group: "box", keys: ["shift", "Enter"], told: true },
  { name: "edit", group: "box", keys: ["ArrowUp"], told: true },
  { name: "mention", group: "box", keys: ["@"], told: true },
  { name: "command", group: "box", keys: ["/"], told: true },
];

const MODIFIERS = ["mod", "shift", "alt"];
const SIGNS = { ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", Enter: "Enter" };

const isMac = () => /Mac|iP(hone|ad)/.test(navigator.platform);

/** The keys of a shortcut as they stand on this keyboard. */
export function signsOf(keys) {
  const modifiers = isMac()
    ? { mod: "⌘", shift: "⇧", alt: "⌥" }
    : { mod: "Ctrl", shift: "Shift", alt: "Alt" };
  return keys.map((key) => modifiers[key] ?? SIGNS[key] ?? key.toUpperCase());
}

/** The key as it is on a Latin keyboard: on others Ctrl+K is where K is there. */
function keyOf({ key, code }) {
  if (/^[\x20-\x7e]$/.test(key) || key.length > 1) return key.length > 1 ? key : key.toLowerCase();
  return code.replace(/^Key/, "").toLowerCase();
}

/** The shortcut whose keys an event has; a sign, like ?, may need Shift to be typed. */
export function shortcutOf(event) {
  const held = {
    mod: isMac() ? event.metaKey : event.ctrlKey,
    shift: event.shiftKey,
    alt: event.altKey,
  };
  const strange = isMac() ? event.ctrlKey : event.metaKey;
  if (strange || event.isComposing || event.keyCode === 229) return undefined;
  return SHORTCUTS.find(({ keys, told }) => {
    if (told) return false;
    const key = keys[keys.length - 1];
    const sign = keys.length === 1 && key.length === 1;
    const fits = sign ? event.key === key : keyOf(event) === key;
    return (
      fits && MODIFIERS.every((one) => (sign && one === "shift") || held[one] === keys.includes(one))
    );
  });
}

const TYPED = "input, textarea, select, [contenteditable=''], [contenteditable='true']";
const OPEN = "[role='dialog'], [role='alertdialog'], [role='menu'], [role='listbox']";

/** Whether a shortcut may act just now: nothing is typed elsewhere, and nothing is open above. */
export function mayAct({ name, keys }, target) {
  if (name === "search") return !document.querySelector("[role='alertdialog']");
  if (document.querySelector(OPEN)) return false;
  const typing = target?.closest?.(TYPED);
  if (!typing) return true;
  return name === "stop" ? typing.id === "message" : keys.length > 1;
}

const OFF = "agentchat.shortcuts.off";
const listeners = new Set();
let off = null;

function isOff() {
  try {
    off ??= window.localStorage.getItem(OFF) === "1";
  } catch {
    off = false; // storage may be switched off
  }
  return off;
}

/** Whether the shortcuts are switched off in this browser. */
export function useOff() {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isOff,
    () => false,
  );
}

export const areOff = isOff;

export function switchOff(value) {
  off = value;
  try {
    if (value) window.localStorage.setItem(OFF, "1");
    else window.localStorage.removeItem(OFF);
  } catch {
    // it holds until the page is left
  }
  listeners.forEach((listener) => listener());
}

/** Has something open or happen that is elsewhere on the page. */
export function tell(name, detail) {
  window.dispatchEvent(new CustomEvent(`agentchat:${name}`, { detail }));
}

/** Calls what was told; gives what ends it. */
export function onTold(name, listener) {
  const heard = (event) => listener(event.detail);
  window.addEventListener(`agentchat:${name}`, heard);
  return () => window.removeEventListener(`agentchat:${name}`, heard);
}

/** For when what had the focus went with the page before: the title says where one is now. */
export function focusTitle() {
  const title = document.querySelector("main h1");
  title?.setAttribute("tabindex", "-1");
  title?.focus({ preventScroll: true });
}

/**
 * Where the focus goes when a dialog closes that a key has opened: to where it was, or, if that is
 * gone or put away, to the message box, or to the title where there is none.
 */
export function restoresFocus(to) {
  return (event) => {
    event.preventDefault();
    if (to?.isConnected && to !== document.body) to.focus();
    const { activeElement, body } = document;
    const lost = !activeElement || activeElement === body || activeElement.closest("[role=dialog]");
    if (lost && window.matchMedia("(hover: hover)").matches) {
      document.getElementById("message")?.focus();
    }
    if (document.activeElement === body) focusTitle();
  };
}
