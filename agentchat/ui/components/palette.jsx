import { useEffect, useId, useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { useNavigate } from "react-router";
import * as Dialog from "@radix-ui/react-dialog";
import {
  Activity,
  Archive,
  Brain,
  CalendarClock,
  Import,
  Inbox,
  Keyboard,
  MessageSquare,
  Search,
  Settings,
  SquarePen,
  SunMoon,
  Trash2,
} from "lucide-react";
import { useNewThread } from "./new_thread";
import { spoken } from "./said";
import { onTold, restoresFocus, signsOf, tell } from "./shortcuts.js";

const TYPING = 120;
const RECENT = 6;
const ICONS = {
  new: SquarePen,
  inbox: Inbox,
  runs: Activity,
  schedules: CalendarClock,
  memory: Brain,
  archive: Archive,
  deleted: Trash2,
  import: Import,
  settings: Settings,
  theme: SunMoon,
  shortcuts: Keyboard,
};
// Numbers of questions: an answer to an older one is not shown.
let asked = 0;

function dayOf(at) {
  const day = new Date(at);
  const near = Date.now() - day < 300 * 24 * 3600 * 1000;
  const shape = near ? { day: "numeric", month: "short" } : { dateStyle: "medium" };
  return day.toLocaleDateString(document.documentElement.lang || undefined, shape);
}

function Pieces({ of }) {
  return of.map(({ text, marked }, place) =>
    marked ? <mark key={place}>{text}</mark> : <span key={place}>{text}</span>,
  );
}

/** What was found: kept while the next is looked for, so that the list does not flicker. */
function useSearch(text, open, found, onLook) {
  const [kept, setKept] = useState({ number: -1, text: "", threads: [], following: -1 });
  const waiting = useRef({ number: 0, text: "" });
  const ask = (skip) => {
    asked += 1;
    waiting.current = { number: asked, text };
    onLook(text, skip, asked);
  };
  useEffect(() => {
    if (!open) return undefined;
    const timer = setTimeout(() => ask(0), text.trim() ? TYPING : 0);
    return () => clearTimeout(timer);
  }, [text, open]);
  useEffect(() => {
    const { number, text: of } = waiting.current;
    if (!number || found.number !== number) return;
    setKept((before) => ({
      ...found,
      text: of,
      threads: found.skip > 0 ? [...before.threads, ...found.threads] : found.threads,
    }));
  }, [found]);
  const busy = open && kept.number !== waiting.current.number;
  return { ...kept, busy, more: () => ask(kept.following) };
}

/** The button that opens the palette, and the palette: threads by their words, and places. */
export function Palette({ found, places, words, onLook, onTheme }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const [place, setPlace] = useState(0);
  const navigate = useNavigate();
  const goToNew = useNewThread();
  const list = useRef(null);
  const before = useRef(null);
  const entered = useRef(false);
  const id = useId();
  const search = useSearch(text, open, found, onLook);
  const empty = text.trim() === "";
  const isAnswered = search.text.trim() === text.trim();
  // Threads used last are no answer to what is typed since.
  const threads = empty === (search.text.trim() === "") ? search.threads : [];

  const show = (given) => {
    before.current = document.activeElement;
    entered.current = false;
    // At once: the next key is typed into it already.
    flushSync(() => {
      setText(typeof given === "string" ? given : "");
      setPlace(0);
      setOpen(true);
    });
  };
  useEffect(() => onTold("search", (given) => (open ? setOpen(false) : show(given))), [open]);
  useEffect(() => setPlace(0), [text]);

  const options = useMemo(() => {
    const typed = text.trim().toLowerCase();
    const fitting = places.filter(({ title }) => title.toLowerCase().includes(typed));
    const actions = fitting.map((one) => ({ ...one, key: `do-${one.name}`, kind: "action" }));
    const rows = threads.flatMap((thread) => [
      { key: thread.id, kind: "thread", thread, to: `/t/${thread.id}` },
      ...thread.messages.map((message) => ({
        key: message.id,
        kind: "message",
        message,
        to: `/t/${thread.id}#m-${message.id}`,
      })),
    ]);
    const more = search.following >= 0 && !empty ? [{ key: "more", kind: "more" }] : [];
    // While something is looked for, what it finds comes first.
    return typed ? [...rows, ...more, ...actions] : [...rows.slice(0, RECENT), ...actions];
  }, [text, places, threads, search.following, empty]);

  const current = Math.min(place, options.length - 1);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [current, open, options]);

  const take = (option) => {
    if (!option) return;
    if (option.kind === "more") {
      search.more();
      return;
    }
    setOpen(false);
    if (option.to) navigate(option.to);
    else if (option.name === "new") goToNew();
    else if (option.name === "theme") onTheme();
    else if (option.name === "shortcuts") setTimeout(() => tell("shortcuts"), 0);
  };

  useEffect(() => {
    if (!isAnswered || !entered.current || !open) return;
    entered.current = false;
    take(options[0]);
  }, [isAnswered, options, open]);

  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    const last = options.length - 1;
    const to = {
      ArrowDown: current >= last ? 0 : current + 1,
      ArrowUp: current <= 0 ? last : current - 1,
      PageDown: Math.min(last, current + 6),
      PageUp: Math.max(0, current - 6),
    }[event.key];
    if (to !== undefined) setPlace(to);
    else if (event.key === "Enter") {
      // What was typed last is still looked for: the key waits for what it finds.
      if (isAnswered || options[current]?.kind === "action") take(options[current]);
      else entered.current = true;
    } else return;
    event.preventDefault();
  };

  const optionOf = (option) => ({
    id: `${id}-${option.key}`,
    role: "option",
    "aria-selected": options[current]?.key === option.key,
    "data-kind": option.kind,
    className: "palette-option",
    onMouseDown: (event) => event.preventDefault(),
    onMouseMove: () => setPlace(options.findIndex(({ key }) => key === option.key)),
    onClick: () => take(option),
  });
  const row = (option) => {
    if (option.kind === "thread") {
      const { title, at, more, archived } = option.thread;
      return (
        <div key={option.key} {...optionOf(option)}>
          <MessageSquare aria-hidden />
          <span className="palette-title">{title.length ? <Pieces of={title} /> : words.untitled}</span>
          {archived ? <small>{words.archived}</small> : null}
          {more ? <small>{words.moreIn}</small> : null}
          <time dateTime={at}>{dayOf(at)}</time>
        </div>
      );
    }
    if (option.kind === "message") {
      const { author, role, snippet, at } = option.message;
      return (
        <div key={option.key} {...optionOf(option)}>
          <span className="palette-snippet">
            <strong>{author || (role === "user" ? words.you : role)}</strong> <Pieces of={snippet} />
          </span>
          <time dateTime={at}>{dayOf(at)}</time>
        </div>
      );
    }
    const Icon = ICONS[option.name];
    return (
      <div key={option.key} {...optionOf(option)}>
        {Icon ? <Icon aria-hidden /> : null}
        <span className="palette-title">{option.kind === "more" ? words.more : option.title}</span>
      </div>
    );
  };
  const group = (name, kinds) => {
    const rows = options.filter(({ kind }) => kinds.includes(kind));
    if (!rows.length) return null;
    return (
      <div key={name} role="group" aria-labelledby={`${id}-${name}`}>
        <div className="palette-heading" id={`${id}-${name}`} role="presentation">
          {words[name]}
        </div>
        {rows.map(row)}
      </div>
    );
  };
  const hits = group(empty ? "recent" : "threads", ["thread", "message", "more"]);
  const actions = group("actions", ["action"]);
  const number = threads.length;
  const count = number === 1 ? words.countOne : words.count.replace("{count}", number);
  const cut = search.cut && !empty && isAnswered ? words.cut : "";
  const told = empty || !isAnswered ? "" : number ? count : words.nothing;

  return (
    <>
      <button type="button" className="search-button" onClick={show} aria-haspopup="dialog">
        <Search aria-hidden />
        <span>{words.search}</span>
        <Keys />
      </button>
      <Dialog.Root open={open} onOpenChange={setOpen}>
        <Dialog.Portal>
          <Dialog.Overlay className="dialog-veil" />
          <Dialog.Content
            className="palette"
            aria-describedby={undefined}
            onCloseAutoFocus={restoresFocus(before.current)}
          >
            <Dialog.Title className="visually-hidden">{words.title}</Dialog.Title>
            <div className="palette-ask">
              <Search aria-hidden />
              <input
                role="combobox"
                aria-expanded={options.length > 0}
                aria-controls={`${id}-list`}
                aria-autocomplete="list"
                aria-activedescendant={options[current] ? `${id}-${options[current].key}` : undefined}
                aria-label={words.title}
                placeholder={words.placeholder}
                value={text}
                maxLength={200}
                autoComplete="off"
                spellCheck={false}
                enterKeyHint="go"
                onChange={(event) => {
                  entered.current = false;
                  setText(event.target.value);
                }}
                onKeyDown={onKeyDown}
              />
              {search.busy && text.trim() ? (
                <span className="spinner" role="img" aria-label={words.searching} />
              ) : null}
            </div>
            <div
              role="listbox"
              id={`${id}-list`}
              className="palette-list"
              aria-label={words.results}
              aria-busy={search.busy}
              ref={list}
            >
              {hits}
              {actions}
            </div>
            {search.problem ? (
              <p className="palette-note" role="alert">
                {spoken(search.problem)}
              </p>
            ) : told === words.nothing ? (
              <p className="palette-note">{words.nothing}</p>
            ) : null}
            {cut ? <p className="palette-note">{cut}</p> : null}
            <p className="palette-foot">{words.keys}</p>
            <span role="status" className="visually-hidden">
              {told} {cut}
            </span>
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog.Root>
    </>
  );
}

/** The keys that open it, where there are keys: known once the page is alive. */
function Keys() {
  const [signs, setSigns] = useState([]);
  useEffect(() => setSigns(signsOf(["mod", "k"])), []);
  return (
    <span className="search-keys" aria-hidden>
      {signs.map((sign) => (
        <kbd key={sign}>{sign}</kbd>
      ))}
    </span>
  );
}
