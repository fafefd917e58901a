// The list of threads: in groups, live, and everything in it by keyboard.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useNavigate, useParams } from "react-router";
import { ChevronRight } from "lucide-react";
import { locale } from "./said";
import { focusComposer } from "./store";
import { grouped, newestFirst } from "./thread_groups";
import { Line } from "./thread_line";
import { Gap, More, useStillPlace } from "./thread_scroll";
import {
  answered,
  focusNext,
  putAway,
  retitle,
  takeChange,
  takeFocus,
  toggleFolder,
  trailed,
  useClosed,
  useHeld,
  useToday,
  useVisible,
} from "./thread_store";
import { backward, behind, leftOut, onward } from "./thread_window";

const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;
const AWAY = ["delete", "archive", "leave"];
/** How soon after the focus was lost the list is drawn that took it away, in milliseconds. */
const LOST_MS = 150;
/** How long the page looks for the share button of a thread that it goes to, in milliseconds. */
const LOOKS_MS = 5000;
/** How long until it is said again that a thread is read, which is not so yet. */
const AGAIN_MS = 1500;
/** How long a thread is looked at before it counts as read, whether there is anything new or not. */
const ARRIVED_MS = 700;

function nameOf(group, now, words) {
  if (group.kind === "pinned") return words.pinned;
  if (group.kind === "folder") return group.name;
  if (words[group.name]) return words[group.name];
  const [year, month] = group.name.split("-").map(Number);
  const style = year === new Date(now).getFullYear() ? { month: "long" } : { month: "long", year: "numeric" };
  return new Date(year, month - 1, 1).toLocaleDateString(locale(), style);
}

/** Opens the dialog of a thread with whom it is shared, once its page is there. */
function openShare(thread) {
  const until = Date.now() + LOOKS_MS;
  const look = () => {
    // For a moment the address is the new one already, and the page that of the thread before.
    const button = document.querySelector(`.main [data-part="share"][data-thread="${CSS.escape(thread)}"]`);
    if (button) button.click();
    else if (Date.now() < until) setTimeout(look, 50);
  };
  setTimeout(look, 50);
}

/** Says that the thread on the page is read, once something in it is new and the tab is seen. */
function useReading(held, current, keptUnread, setKeptUnread, onMark) {
  const visible = useVisible();
  const line = held.lines.get(current);
  const unread = Boolean(line?.unread);
  useEffect(() => setKeptUnread(""), [current]);
  useEffect(() => {
    if (!current || !visible || !unread || keptUnread === current) return undefined;
    const read = () => onMark("read", current, "");
    read();
    // Something else may have ended before the server heard of it: then it stays unread.
    const timer = setInterval(read, AGAIN_MS);
    return () => clearInterval(timer);
  }, [current, visible, unread, keptUnread]);
  // Also of what nobody has marked before, or the list does not hold.
  useEffect(() => {
    if (!current || !visible) return undefined;
    const timer = setTimeout(() => onMark("read", current, ""), ARRIVED_MS);
    return () => clearTimeout(timer);
  }, [current, visible]);
}

/** Moves the focus among the rows of a list: links, folders, and what is below them. */
function move(list, from, key) {
  const rows = [...list.querySelectorAll("[data-row]")];
  const at = rows.indexOf(from);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[key];
  rows[Math.max(0, Math.min(rows.length - 1, to))]?.focus();
}

function Group({ group, closed, children, name, tabStop }) {
  if (group.kind !== "folder") {
    return (
      <div role="group" aria-label={name}>
        <h3 className="threads-heading">{name}</h3>
        <ul>{children}</ul>
      </div>
    );
  }
  return (
    <div role="group" aria-label={name}>
      <h3 className="threads-heading">
        <button
          type="button"
          className="threads-folder"
          aria-expanded={!closed}
          tabIndex={tabStop ? 0 : -1}
          data-row={group.key}
          onClick={() => toggleFolder(group.name)}
        >
          <ChevronRight aria-hidden />
          <span className="thread-title">{name}</span>
          <span className="threads-number">{group.lines.length}</span>
          {closed && group.lines.some((line) => line.unread) ? <span className="unread-dot" /> : null}
        </button>
      </h3>
      {closed ? null : <ul>{children}</ul>}
    </div>
  );
}

/** Lets a row keep the focus that is drawn elsewhere, because its thread went to another group. */
function useKeptFocus(rowOf, instead) {
  const had = useRef({ id: "", left: 0 });
  useBeforePaint(() => {
    const { id, left } = had.current;
    if (!id || document.activeElement !== document.body) return;
    // Whoever went away by themselves is let go.
    if (!left || Date.now() - left < LOST_MS) (rowOf(id) ?? instead(id))?.focus();
  });
  const onFocus = (event) => {
    const row = event.target.closest("[data-row]");
    had.current = { id: row?.dataset.row ?? "", left: 0 };
  };
  const onBlur = (event) => {
    if (event.relatedTarget) had.current = { id: "", left: 0 };
    else had.current.left = Date.now();
  };
  return [onFocus, onBlur];
}

export function ThreadList(props) {
  const { change, loaded, done, shares, words, onMiss, onLook, onMark } = props;
  const { thread_id: current = "" } = useParams();
  const navigate = useNavigate();
  const held = useHeld();
  const closed = useClosed();
  const now = useToday();
  const list = useRef(null);
  const [doing, setDoing] = useState({ id: "", mode: "" });
  const [stop, setStop] = useState("");
  const [keptUnread, setKeptUnread] = useState("");
  useBeforePaint(() => {
    if (!takeChange(change)) onMiss();
  }, [change]);
  useEffect(() => answered(done), [done]);
  useReading(held, current, keptUnread, setKeptUnread, onMark);

  const height = useStillPlace(list, held);

  const asked = useRef("");
  asked.current = held.after;
  const wanted = useRef(null);
  const look = (trail) => {
    const after = trail[trail.length - 1] ?? "";
    if (after === asked.current) return;
    // Until it is there, what is asked for once more is the same.
    asked.current = after;
    wanted.current = trail;
    onLook(after);
  };
  // Not before it is there: the gap is as large as the places say.
  if (wanted.current && wanted.current[wanted.current.length - 1] === held.after) {
    trailed(wanted.current);
    wanted.current = null;
  }
  const dated = () => held.shown.filter((line) => !line.pinned && !line.folder).sort(newestFirst);
  const lookOn = () => look(onward(trailed(), held.after, behind(dated(), held.after)));
  const lookBack = (share) => {
    const last = held.lines.get(held.gap);
    if (last) look(backward(trailed(), held.after, share, last));
  };

  const groups = useMemo(() => grouped(held.shown, now), [held, now]);
  const folders = useMemo(
    () => groups.filter((group) => group.kind === "folder").map((group) => group.name),
    [groups],
  );
  const rowOf = (id) => list.current?.querySelector(`[data-row="${CSS.escape(id)}"]`);
  useEffect(() => {
    const id = takeFocus();
    if (id && rowOf(id)) rowOf(id).focus();
    else if (id) focusNext(id);
  });

  // The end of the list is not always a button.
  const lastRow = (id) => (id === "more" ? [...list.current.querySelectorAll("a[data-row]")].pop() : null);
  const [keepFocus, loseFocus] = useKeptFocus(rowOf, lastRow);

  // What the lines are given never changes, so that only those are drawn that are another.
  const latest = useRef(null);
  latest.current = (action, line, text) => {
    if (action === "focus") {
      // Once the list is drawn: the line may have moved, or gone.
      setTimeout(() => (rowOf(line.id) ?? rowOf(takeFocus()))?.focus());
    } else if (action === "rename") {
      retitle(line.id, text);
      props.onRename(line.id, text);
    } else if (action === "share") {
      navigate(`/t/${line.id}`);
      openShare(line.id);
    } else if (AWAY.includes(action)) {
      const rows = [...list.current.querySelectorAll("a[data-row]")].map((row) => row.dataset.row);
      const at = rows.indexOf(line.id);
      const leaves = line.id === current && action !== "archive";
      focusNext(rows[at + 1] ?? rows[at - 1] ?? "");
      props.onPutAway(action, line.id, putAway(action, line, leaves));
      if (leaves) {
        takeFocus();
        navigate("/");
        setTimeout(focusComposer, 100);
      }
    } else {
      if (action === "unread" && line.id === current) setKeptUnread(current);
      onMark(action, line.id, text ?? "");
    }
  };
  const act = useCallback((...all) => latest.current(...all), []);
  const setMode = useCallback((id, mode) => setDoing({ id, mode }), []);

  const onKeyDown = (event) => {
    const row = event.target.closest?.("[data-row], [data-menu]");
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const line = held.lines.get(row.dataset.row ?? row.dataset.menu);
    if (["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key) && row.dataset.row) {
      move(list.current, row, event.key);
    } else if (event.key === "F2" && line && line.role !== "viewer") {
      setMode(line.id, "rename");
    } else if (event.key === "Delete" && line?.role === "owner") {
      act("delete", line);
    } else if ((event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) && line) {
      setMode(line.id, "keys");
    } else {
      return;
    }
    event.preventDefault();
  };
  const onContextMenu = (event) => {
    // Asked for by key; what a mouse or a finger gets is the browser's own.
    if (doing.mode === "keys" && event.button !== 2) event.preventDefault();
  };
  const stops = groups.flatMap((group) => [
    ...(group.kind === "folder" ? [group.key] : []),
    ...(group.kind === "folder" && closed.has(group.name) ? [] : group.lines.map((line) => line.id)),
  ]);
  const tabStop = [stop, current, stops[0]].find((id) => stops.includes(id));
  const row = (line) => (
    <Line
      key={line.id}
      line={line}
      tabStop={line.id === tabStop}
      unread={line.unread && (line.id !== current || keptUnread === current)}
      mode={doing.id === line.id ? doing.mode : ""}
      folders={folders}
      shares={shares}
      act={act}
      setMode={setMode}
      words={words}
    />
  );
  const gap = (
    <Gap
      key="gap"
      mark={held.mark}
      lines={leftOut(trailed(), held.after)}
      height={height.current}
      onBack={lookBack}
    />
  );
  const drawn = (some) =>
    some.map((group) => (
      <Group
        key={group.key}
        group={group}
        closed={closed.has(group.name)}
        name={nameOf(group, now, words)}
        tabStop={group.key === tabStop}
      >
        {group.lines.flatMap((line) => (line.id === held.gap ? [row(line), gap] : row(line)))}
      </Group>
    ));
  return (
    <div
      ref={list}
      className="thread-groups"
      onKeyDown={onKeyDown}
      onContextMenu={onContextMenu}
      onBlur={loseFocus}
      onFocus={(event) => {
        keepFocus(event);
        const focused = event.target.closest("[data-row], [data-menu]");
        if (focused) setStop(focused.dataset.row ?? focused.dataset.menu);
      }}
    >
      {drawn(groups.filter(({ kind }) => kind !== "date"))}
      {held.unlisted ? <p className="threads-note">{words.unlisted}</p> : null}
      {drawn(groups.filter(({ kind }) => kind === "date"))}
      {held.more ? <More mark={held.mark} onMore={lookOn} words={words} /> : null}
      {loaded && held.mark && !held.lines.size ? <p className="threads-empty">{words.empty}</p> : null}
      {loaded ? null : <p aria-busy="true" />}
    </div>
  );
}
