// Numbers of the overview as people read them.
import { filled } from "./asks";
import { compact, decimal, locale, usd } from "./said";

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${decimal(seconds, 1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A count that may be cut off says so. */
export function counted(number, most) {
  return `${number.toLocaleString(locale())}${most && number >= most ? "+" : ""}`;
}

export function short(number) {
  if (number < 10_000) return number.toLocaleString(locale());
  return compact(number);
}

export function share(value) {
  if (value === null || value === undefined) return "–";
  const percent = value * 100;
  // Never rounded up to all of them.
  const most = percent > 99.9 && percent < 100 ? 99.9 : percent;
  return `${decimal(most, most % 1 ? 1 : 0)} %`;
}

function dollars(cost) {
  if (cost === 0) return usd(0, 0);
  if (cost < 0.0001) return `<${usd(0.0001, 4)}`;
  const digits = cost < 1 ? 4 : 2;
  return usd(cost, 2, digits);
}

/** What something cost. A price that nobody knows is not nothing. */
export function costOf({ cost_usd, unknown, calls }, words) {
  if (calls === 0) return "–";
  if (cost_usd === null) return words.unknownCost;
  return unknown ? filled(words.atLeast, { cost: dollars(cost_usd) }) : dollars(cost_usd);
}

export function unknownCalls(unknown, words) {
  if (!unknown) return "";
  const text = unknown === 1 ? words.unknownCalls.one : words.unknownCalls.many;
  return filled(text, { number: unknown.toLocaleString(locale()) });
}

export function bytes(size) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  let left = size;
  while (left >= 1000 && unit < units.length - 1) {
    left /= 1000;
    unit += 1;
  }
  return `${left < 10 && unit ? decimal(left, 1) : Math.round(left)} ${units[unit]}`;
}

/** When a period begins, as long as it needs to be told from the others. */
export function periodAt(iso, range) {
  const at = new Date(iso);
  const hour = { hour: "2-digit", minute: "2-digit", hour12: false };
  if (range === "1h" || range === "24h") return at.toLocaleTimeString(locale(), hour);
  const day = { day: "numeric", month: "short" };
  return at.toLocaleString(locale(), range === "7d" ? { weekday: "short", ...hour } : day);
}

export function periodFull(iso) {
  const form = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false };
  return new Date(iso).toLocaleString(locale(), form);
}
