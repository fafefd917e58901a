import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Navigate, useLocation } from "react-router";
import { Menu, PanelLeft, X } from "lucide-react";
import { Boundary } from "./boundary";
import { focusTitle, onTold } from "./shortcuts.js";
import { focusComposer } from "./store";

// The page on which the drawer with the threads was opened, so another page closes it at once;
// it matters only on narrow screens.
let openedOn = null;
const listeners = new Set();
const NARROW = "(max-width: 820px)";

function setOpenedOn(page) {
  openedOn = page;
  listeners.forEach((listener) => listener());
}

const close = () => setOpenedOn(null);

function useOpen() {
  const { pathname } = useLocation();
  const page = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => openedOn,
    () => null,
  );
  return page === pathname;
}

const HIDDEN = "agentchat.sidebar.hidden";
let hidden = null;

function isHidden() {
  try {
    hidden ??= window.localStorage.getItem(HIDDEN) === "1";
  } catch {
    hidden ??= false; // storage may be switched off
  }
  return hidden;
}

function hide(value) {
  hidden = value;
  try {
    if (value) window.localStorage.setItem(HIDDEN, "1");
    else window.localStorage.removeItem(HIDDEN);
  } catch {
    // it holds until the page is left
  }
  listeners.forEach((listener) => listener());
}

/** Whether the list of threads is put away on wide screens, in this browser. */
function useHidden() {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isHidden,
    () => false,
  );
}

/** Shows the list of threads or puts it away, and leaves the focus to something that is seen. */
function toggleThreads(opens, pathname) {
  if (window.matchMedia(NARROW).matches) {
    setOpenedOn(opens ? pathname : null);
    return;
  }
  const within = document.activeElement?.closest(".sidebar");
  hide(!opens);
  const next = opens ? ".sidebar [aria-expanded]" : "[aria-controls='threads']";
  if (within || document.activeElement?.matches("[aria-controls='threads']")) {
    requestAnimationFrame(() => document.querySelector(next)?.focus());
  }
}

/** The page, or words in its place where it breaks. */
export function Shell({ crash, children }) {
  const instead = (
    <main className="full-page">
      <div className="center-note">
        <h1 className="note-title">{crash.title}</h1>
        <p>{crash.text}</p>
        <a href="" className="button primary">
          {crash.reload}
        </a>
      </div>
    </main>
  );
  return (
    <Boundary instead={instead}>
      <Frame>{children}</Frame>
    </Boundary>
  );
}

/** Sidebar and main part side by side, or the sidebar as a drawer. */
function Frame({ children }) {
  const isOpen = useOpen();
  const { pathname, search } = useLocation();
  const root = useRef(null);
  const away = useHidden();
  useEffect(close, [pathname]);
  useEffect(
    () =>
      onTold("sidebar", () => {
        const narrow = window.matchMedia(NARROW).matches;
        toggleThreads(narrow ? openedOn !== pathname : isHidden(), pathname);
      }),
    [pathname],
  );
  useEffect(() => {
    if (!isOpen) return undefined;
    const shell = root.current;
    const sidebar = shell.querySelector(".sidebar");
    sidebar.querySelector("button, a")?.focus();
    const onKey = (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) close();
    };
    const narrow = window.matchMedia(NARROW);
    document.addEventListener("keydown", onKey);
    narrow.addEventListener("change", close);
    return () => {
      document.removeEventListener("keydown", onKey);
      narrow.removeEventListener("change", close);
      const { activeElement, body } = document;
      if (activeElement === body || sidebar.contains(activeElement)) {
        shell.querySelector("[aria-controls='threads']")?.focus();
      }
    };
  }, [isOpen]);
  // The router ignores case, the server does not: it would never say what is at /T/….
  if (pathname.startsWith("/T/")) {
    return <Navigate to={{ pathname: `/t/${pathname.slice(3)}`, search }} replace />;
  }
  const onClick = (event) => {
    if (event.target.closest(".sidebar a, .new-thread")) close();
  };
  return (
    <div
      className="shell"
      data-drawer={isOpen ? "open" : "closed"}
      data-sidebar={away ? "hidden" : "shown"}
      ref={root}
      onClick={onClick}
    >
      {children}
      <div className="veil" aria-hidden onClick={close} />
    </div>
  );
}

// Whether there was a page before the one that comes: where the first begins, the browser says.
let came = false;

/** The main part of the page, out of reach while the drawer covers it. */
export function Main({ children }) {
  useEffect(() => {
    if (came && document.activeElement === document.body) focusTitle();
    came = true;
  }, []);
  return (
    <main className="main" inert={useOpen()}>
      {children}
    </main>
  );
}

/** Leads past the threads; an address alone would not move the focus. */
export function SkipLink({ children }) {
  const onClick = (event) => {
    event.preventDefault();
    focusComposer();
  };
  return (
    <a href="#message" className="skip" inert={useOpen()} onClick={onClick}>
      {children}
    </a>
  );
}

/** Opens or closes the drawer; on wide screens it shows the list or puts it away. */
export function DrawerButton({ opens, label }) {
  const isOpen = useOpen();
  const away = useHidden();
  const { pathname } = useLocation();
  const [narrow, setNarrow] = useState(false);
  useEffect(() => {
    const query = window.matchMedia(NARROW);
    const look = () => setNarrow(query.matches);
    look();
    query.addEventListener("change", look);
    return () => query.removeEventListener("change", look);
  }, []);
  return (
    <button
      type="button"
      className="icon-button only-narrow"
      aria-label={label}
      title={label}
      aria-expanded={narrow ? isOpen : !away}
      aria-controls={opens ? "threads" : undefined}
      onClick={() => toggleThreads(opens, pathname)}
    >
      {!narrow ? <PanelLeft aria-hidden /> : opens ? <Menu aria-hidden /> : <X aria-hidden />}
    </button>
  );
}

/** Shows its children on a page that was loaded from another build than the server has now. */
export function OfAnotherBuild({ mark, children }) {
  const [mine, setMine] = useState("");
  useEffect(() => {
    const link = document.querySelector('link[rel="modulepreload"][href*="/assets/manifest-"]');
    setMine(link?.getAttribute("href").split("/").pop() ?? "");
  }, []);
  return mark && mine && mark !== mine ? children : null;
}

/** One text at first, and another once that has lasted. */
export function Lasting({ first, then, seconds }) {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), seconds * 1000);
    return () => clearTimeout(timer);
  }, [seconds]);
  return <span>{long ? then : first}</span>;
}

/** Loads the page again; what is typed is kept. */
export function Reload({ children }) {
  return (
    <button type="button" className="link-button" onClick={() => window.location.reload()}>
      {children}
    </button>
  );
}
