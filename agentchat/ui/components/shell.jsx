import { useEffect, useRef, useSyncExternalStore } from "react";
import { useLocation } from "react-router";
import { Menu, X } from "lucide-react";

// Whether the drawer with the threads is open; it matters only on narrow screens.
let open = false;
const listeners = new Set();

function setOpen(value) {
  open = value;
  listeners.forEach((listener) => listener());
}

function useOpen() {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => open,
    () => false,
  );
}

/** The page: sidebar and main part side by side, or the sidebar as a drawer. */
export function Shell({ children }) {
  const isOpen = useOpen();
  const { pathname } = useLocation();
  const root = useRef(null);
  useEffect(() => setOpen(false), [pathname]);
  useEffect(() => {
    if (!isOpen) return undefined;
    root.current.querySelector(".sidebar button, .sidebar a")?.focus();
    const onKey = (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) {
        setOpen(false);
        root.current?.querySelector("[aria-controls='threads']")?.focus();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [isOpen]);
  return (
    <div className="shell" data-drawer={isOpen ? "open" : "closed"} ref={root}>
      {children}
      <div className="veil" aria-hidden onClick={() => setOpen(false)} />
    </div>
  );
}

/** Opens or closes the drawer; seen only on narrow screens. */
export function DrawerButton({ opens, label }) {
  const isOpen = useOpen();
  return (
    <button
      type="button"
      className="icon-button only-narrow"
      aria-label={label}
      aria-expanded={isOpen}
      aria-controls={opens ? "threads" : undefined}
      onClick={() => setOpen(opens)}
    >
      {opens ? <Menu aria-hidden /> : <X aria-hidden />}
    </button>
  );
}
