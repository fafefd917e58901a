// Which threads stand together in the list: pinned ones, folders, and by when they were last used.

/** The number of a calendar day where the browser is; two days that follow each other differ by 1. */
export function dayOf(at) {
  const date = new Date(at);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);
}

/** When the next calendar day begins: a day may have 23 or 25 hours. */
export function nextDay(now) {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime();
}

/** The group of a time: today, yesterday, week, month, or a month as in 2026-03. */
export function dateGroup(at, now) {
  const days = dayOf(now) - dayOf(at);
  if (days <= 0) return "today";
  if (days === 1) return "yesterday";
  if (days <= 7) return "week";
  if (days <= 30) return "month";
  const date = new Date(at);
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}`;
}

/** The order of the list. */
export function newestFirst(one, other) {
  return other.at - one.at || (one.id < other.id ? -1 : 1);
}

/**
 * The groups of *lines* in the order in which they are shown, each with a key, its kind (pinned,
 * folder or date), its name and its lines, the newest first. *now* is in milliseconds, the times of
 * lines are in seconds.
 */
export function grouped(lines, now) {
  const pinned = [];
  const folders = new Map();
  const dates = new Map();
  for (const line of [...lines].sort(newestFirst)) {
    if (line.pinned) pinned.push(line);
    else if (line.folder) put(folders, line.folder, line);
    else put(dates, dateGroup(line.at * 1000, now), line);
  }
  const byName = [...folders.keys()].sort((one, other) => one.localeCompare(other));
  return [
    ...(pinned.length ? [{ key: "pinned", kind: "pinned", name: "", lines: pinned }] : []),
    ...byName.map((name) => ({
      key: `folder ${name}`,
      kind: "folder",
      name,
      lines: folders.get(name),
    })),
    ...[...dates].map(([name, some]) => ({ key: `date ${name}`, kind: "date", name, lines: some })),
  ];
}

function put(groups, key, line) {
  if (groups.has(key)) groups.get(key).push(line);
  else groups.set(key, [line]);
}
