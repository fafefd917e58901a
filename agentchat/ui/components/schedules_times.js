// Times of schedules: in the zone of the viewer, and in that of the schedule.
import { locale } from "./said";

export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export function zones() {
  try {
    return ["UTC", ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC")];
  } catch {
    return ["UTC", HERE]; // an old browser; any name may be typed
  }
}

function told(iso, zone, seconds) {
  const form = {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" } : {}),
    hour12: false,
    timeZone: zone,
  };
  const at = new Date(iso);
  if (at.getFullYear() !== new Date().getFullYear()) form.year = "numeric";
  return at.toLocaleString(locale(), form);
}

/** A time where the viewer is. */
export function here(iso) {
  return told(iso, HERE, new Date(iso).getSeconds() !== 0);
}

/** A time where the schedule is, with its day if that is another; empty if clocks show the same. */
export function there(iso, zone) {
  try {
    const seconds = new Date(iso).getSeconds() !== 0;
    const [mine, theirs] = [told(iso, HERE, seconds), told(iso, zone, seconds)];
    if (mine === theirs) return "";
    const hour = /\d\d:\d\d(:\d\d)?$/;
    return mine.replace(hour, "") === theirs.replace(hour, "") ? theirs.match(hour)[0] : theirs;
  } catch {
    return ""; // a zone that this browser does not know
  }
}

/** How long until a time, or since, in its largest unit. */
export function away(iso, now) {
  const seconds = Math.round((Date.parse(iso) - now) / 1000);
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: "always" });
  const size = Math.abs(seconds);
  if (size < 60) return words.format(seconds, "second");
  if (size < 3600) return words.format(Math.trunc(seconds / 60), "minute");
  if (size < 86_400 * 2) return words.format(Math.trunc(seconds / 3600), "hour");
  return words.format(Math.trunc(seconds / 86_400), "day");
}
