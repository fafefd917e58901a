// The language of the page, and texts in it. English is what the pages are written in; another
// language is a file in the folder languages, fetched only where somebody reads it.
import { useEffect, useSyncExternalStore } from "react";
import { fill, sayer } from "./catalogue";

const PICKED = "agentchat.language";
const ENGLISH = { language: "en", say: (text) => text, you: "you" };
const files = import.meta.glob("./languages/*.json");

/** The languages that can be picked, English first. */
export const LANGUAGES = [
  "en",
  ...Object.keys(files).map((path) => path.replace(/^.*\/|\.json$/g, "")),
];

const arrived = () => document.documentElement.removeAttribute("data-words");

const listeners = new Set();
let speaking = ENGLISH;
let asked = "en";

function remembered() {
  try {
    return window.localStorage.getItem(PICKED);
  } catch {
    return null; // storage may be switched off
  }
}

/** The first language of the browser that there is a catalogue of; what was picked goes before. */
function wanted() {
  const picked = remembered();
  if (LANGUAGES.includes(picked)) return picked;
  const codes = (navigator.languages ?? []).map((tag) => tag.toLowerCase().split("-")[0]);
  return codes.find((code) => LANGUAGES.includes(code)) ?? "en";
}

async function speak(language) {
  asked = language;
  let next = ENGLISH;
  try {
    if (language !== "en") {
      const { default: catalogue } = await files[`./languages/${language}.json`]();
      next = { language, say: sayer(catalogue, language), you: catalogue.told.you };
    }
  } catch {
    // Without its catalogue, the page goes on in the language that it has.
    if (asked === language) arrived();
    return;
  }
  if (asked !== language) return;
  speaking = next;
  document.documentElement.lang = language;
  listeners.forEach((listener) => listener());
}

if (typeof window !== "undefined") {
  const first = wanted();
  if (first !== "en") speak(first);
  window.addEventListener("storage", ({ key }) => {
    if (key === PICKED) speak(wanted());
  });
}

/** Shows this language from now on, here and in the other tabs of this browser. */
export function pickLanguage(language) {
  try {
    window.localStorage.setItem(PICKED, language);
  } catch {
    // it lasts until the reload
  }
  speak(language);
}

function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What gives a text in the language of the page; another one, once that is another. The pages
 * as they were built are English, so that is what the first render says, too. */
export function useSaid() {
  return useSyncExternalStore(subscribe, () => speaking, () => ENGLISH).say;
}

/** The language of the page. */
export function useLanguage() {
  return useSyncExternalStore(subscribe, () => speaking, () => ENGLISH).language;
}

/** The text in the language of the page as it is now; for where a parent brings the next one. */
export function spoken(text) {
  return speaking.say(text);
}

/** How this language writes dates and numbers, where the reader lives if the browser says it. */
export function locale() {
  if (speaking.language === "en") return "en-GB";
  const own = (tag) => tag.toLowerCase().split("-")[0] === speaking.language;
  return (navigator.languages ?? []).find(own) ?? speaking.language;
}

/** The same number, shorter: 38.4K. */
export function compact(number) {
  const form = { notation: "compact", maximumFractionDigits: 1 };
  return new Intl.NumberFormat(speaking.language, form).format(number);
}

/** A number with so many digits behind its point. */
export function decimal(number, digits) {
  const form = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return number.toLocaleString(locale(), form);
}

/** A sum of US dollars, with at least and at most so many digits behind its point. */
export function usd(sum, least = 2, most = least) {
  const form = { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" };
  const digits = { minimumFractionDigits: least, maximumFractionDigits: most };
  return sum.toLocaleString(locale(), { ...form, ...digits });
}

/** Lets the page be seen as soon as it is in its language; see the script in its head. */
export function LanguageArrived() {
  const language = useLanguage();
  useEffect(() => {
    if (language === asked) arrived();
  }, [language]);
  return null;
}

/** The name of a person; where nobody has one, "you" stands for it. */
export const named = (name) => (name === "you" ? speaking.you : name);

/** The text with its {names} filled in, in the language of the page. */
export function filled(text, values) {
  const told = Object.entries(values).map(([name, value]) => [name, named(value)]);
  return fill(text, Object.fromEntries(told), speaking.language);
}
