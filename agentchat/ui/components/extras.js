// What only some messages need, fetched when the first of them is shown.
import { useEffect, useSyncExternalStore } from "react";

const sources = {
  math: () => import("./math"),
  highlight: () => import("./highlight"),
};
const loaded = {};
const asked = {};
const listeners = new Set();

function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function load(name) {
  asked[name] ??= sources[name]().then(
    (module) => {
      loaded[name] = module;
      listeners.forEach((listener) => listener());
    },
    () => {
      // The text stays as it is written; the next message tries again.
      asked[name] = undefined;
    },
  );
}

/** The module of this name, null until it is there; only fetched if it is wanted. */
export function useExtra(name, wanted) {
  const found = useSyncExternalStore(
    subscribe,
    () => loaded[name] ?? null,
    () => null,
  );
  useEffect(() => {
    if (wanted && !found) load(name);
  }, [name, wanted, found]);
  return wanted ? found : null;
}
