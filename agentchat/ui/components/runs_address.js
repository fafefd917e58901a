// The address of the list of runs: what it asks for, and the ways from it to others.
import { useSyncExternalStore } from "react";
import { useLocation, useNavigate } from "react-router";
import { filled, locale } from "./said";

const PLACES = ["after", "before", "skip"];
const FILTERS = [
  "status",
  "workflow",
  "agent",
  "model",
  "user",
  "thread",
  "schedule",
  "within",
  "since",
  "until",
  "text",
];

/** The query string that asks for this; commas and colons need no escape in it. */
function written(params) {
  return params.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
}

function statusesOf(params) {
  return params.getAll("status").join(",").split(",").filter(Boolean);
}

const never = () => () => {};

/** Whether the page is alive: it was built for the address without anything in it. */
function useAlive() {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}

/** What the address asks for, and how to ask for something else. */
export function useAddress() {
  const location = useLocation();
  const search = useAlive() ? location.search : "";
  const { pathname } = location;
  const navigate = useNavigate();
  const params = new URLSearchParams(search);
  const bulk = params.get("bulk") ?? "";
  const go = (next, options) => {
    const query = written(next);
    navigate({ pathname, search: query ? `?${query}` : "" }, options);
  };
  // What is pressed twice in a moment comes before the page is drawn for the first.
  const current = () => new URLSearchParams(window.location.search);
  /** The address with these changes, on its first page; empty values are taken out. */
  const changed = (changes) => {
    const next = current();
    for (const name of PLACES) next.delete(name);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    return next;
  };
  return {
    asked: search.slice(1),
    pathname,
    bulk,
    statuses: statusesOf(params),
    get: (name) => params.get(name) ?? "",
    sort: params.get("sort") || "newest",
    filtered: FILTERS.some((name) => params.get(name)),
    change: (changes, options) => go(changed(changes), options),
    /** Show runs of this status too, or no more. */
    toggle: (status) => {
      const chosen = statusesOf(current());
      const next = chosen.includes(status)
        ? chosen.filter((one) => one !== status)
        : [...chosen, status];
      go(changed({ status: next.join(",") }));
    },
    clear: () => go(changed(Object.fromEntries(FILTERS.map((name) => [name, ""])))),
    /** The address of a filter that the server wrote, with what else is in this one. */
    to: (query) => {
      const next = new URLSearchParams(query);
      if (bulk) next.set("bulk", bulk);
      const text = written(next);
      return text ? `${pathname}?${text}` : pathname;
    },
    /** The filter alone, without page and action. */
    filter: () => {
      const next = new URLSearchParams(search);
      for (const name of [...PLACES, "bulk"]) next.delete(name);
      return written(next);
    },
    openBulk: (id) => {
      const next = current();
      if (id) next.set("bulk", id);
      else next.delete("bulk");
      go(next, { replace: !id });
    },
  };
}

/** What a form for local time shows of a moment; empty if it is none. */
export function toLocal(iso) {
  const at = new Date(iso);
  if (!iso || Number.isNaN(at.getTime())) return "";
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** The moment that a form for local time names, in UTC; empty if it names none. */
export function fromLocal(text) {
  const at = new Date(text);
  if (!text || Number.isNaN(at.getTime())) return "";
  return at.toISOString().replace(/:\d{2}\.\d{3}Z$/, "Z");
}

/** Words for a number: `one` for 1, `many` for others. */
export function numbered(words, number) {
  const text = number === 1 ? words.one : words.many;
  return filled(text, { number: number.toLocaleString(locale()) });
}
