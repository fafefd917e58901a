// Times as people read them, and a clock for what is still going on.
import { useEffect, useState } from "react";
import { decimal, locale } from "./said";

/** Now, told anew every second while somebody waits. */
export function useNow(waiting) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!waiting) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [waiting]);
  return now;
}

/** How long something took, or has taken so far; the clocks of two machines may differ. */
export function lasted(began, ended, rough) {
  const seconds = Math.max(0, (ended - began) / 1000);
  if (seconds < 10 && !rough) return `${decimal(seconds, 1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A moment: the time if it is today, with its day otherwise. */
export function moment(iso) {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  const day = today ? {} : { weekday: "short", day: "numeric", month: "short" };
  const hour = { hour: "2-digit", minute: "2-digit", hour12: false };
  return at.toLocaleString(locale(), { ...day, ...hour });
}
