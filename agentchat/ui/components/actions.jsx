// What can be done with messages: a quiet row below each, and the box in which one's own is edited.
import { createContext, useContext, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation, useNavigate } from "react-router";
import * as DropdownMenu from "@radix-ui/react-dropdown-menu";
import {
  Check,
  ChevronLeft,
  ChevronRight,
  Copy,
  Ellipsis,
  GitFork,
  Link2,
  Pencil,
  Play,
  RefreshCw,
  ThumbsDown,
  ThumbsUp,
} from "lucide-react";
import { filled } from "./asks";
import { spoken } from "./said";
import { focusComposer, newId } from "./store";
import { WaitingActions } from "./waiting";

const Desk = createContext(null);
const LINKED = /^#m-([\w-]{8,64})$/;
const MARKED = 2_500;
const LATER = 500;
const MOVES = ["wheel", "touchmove", "pointerdown", "keydown"];
const COPIED = 1_600;

/** Everything that the actions of all messages have in common. */
export function ActionsDesk({ children, ...given }) {
  const { words, ...rest } = given;
  // Words are made anew with each sentence of an answer; only another language makes others.
  const desk = useMemo(() => given, [...Object.values(rest), words.copy]);
  return (
    <Desk.Provider value={desk}>
      <Linked desk={desk} />
      {children}
    </Desk.Provider>
  );
}

function articleOf(message) {
  return document.querySelector(`.message[data-id="${CSS.escape(message)}"]`);
}

function mark(article) {
  article.scrollIntoView({ block: "center" });
  article.setAttribute("tabindex", "-1");
  article.focus({ preventScroll: true });
  article.setAttribute("data-marked", "");
  setTimeout(() => article.removeAttribute("data-marked"), MARKED);
}

/**
 * Formulas and pictures above it come later, and the message box takes the focus as it comes.
 * Whoever does something meanwhile stays where they are.
 */
function settleLater(article) {
  const still = new AbortController();
  const { signal } = still;
  for (const kind of MOVES) {
    window.addEventListener(kind, () => still.abort(), { capture: true, passive: true, signal });
  }
  setTimeout(() => {
    if (signal.aborted) return;
    still.abort();
    if (!article.isConnected) return;
    article.scrollIntoView({ block: "center" });
    if (document.activeElement?.id === "message") article.focus({ preventScroll: true });
  }, LATER);
}

/** Goes to the message that the address names, and asks where it is if it is further up. */
function Linked({ desk }) {
  const { hash } = useLocation();
  const navigate = useNavigate();
  const { thread, found, onFind } = desk;
  const message = LINKED.exec(hash)?.[1];
  const done = useRef("");
  const asked = useRef("");
  const key = `${thread} ${hash}`;
  useEffect(() => {
    if (!message || !thread || done.current === key) return;
    const article = articleOf(message);
    if (article) {
      done.current = key;
      mark(article);
      settleLater(article);
    } else if (asked.current !== key) {
      asked.current = key;
      onFind(message);
    }
  });
  useEffect(() => {
    if (!message || found.message !== message || !found.span || articleOf(message)) return;
    navigate({ search: found.span, hash }, { replace: true, preventScrollReset: true });
  }, [found, message]);
  return null;
}

function useCopied() {
  const [copied, set] = useState("");
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => set(""), COPIED);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (what, text) => {
    try {
      await navigator.clipboard.writeText(text);
      set(what);
    } catch {
      // Not allowed here; the text can still be marked and copied.
    }
  };
  return [copied, copy];
}

function linkTo(thread, message) {
  return `${window.location.origin}/t/${thread}#m-${message}`;
}

function Action({ label, pressed, onClick, children, ...rest }) {
  return (
    <button
      type="button"
      className="icon-button action"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      onClick={onClick}
      {...rest}
    >
      {children}
    </button>
  );
}

function Item({ icon, onSelect, children }) {
  return (
    <DropdownMenu.Item className="menu-item" onSelect={onSelect}>
      {icon}
      {children}
    </DropdownMenu.Item>
  );
}

/** The rest of what can be done with a message; *fork* and *link* with every one. */
function More({ message, children, onLink }) {
  const { words, onFork } = useContext(Desk);
  const press = useRef("");
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="icon-button action" aria-label={words.more} title={words.more}>
        <Ellipsis aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="start" sideOffset={4}>
          {children}
          <Item
            icon={<GitFork aria-hidden />}
            onSelect={() => onFork(message, (press.current ||= newId()))}
          >
            {words.fork}
          </Item>
          <Item icon={<Link2 aria-hidden />} onSelect={onLink}>
            {words.copyLink}
          </Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** What was copied is said, also to who does not see it. */
function Told({ copied, words }) {
  return (
    <span className="visually-hidden" aria-live="polite">
      {copied === "link" ? words.linkCopied : copied ? words.copied : ""}
    </span>
  );
}

// The arrow that was pressed goes with its message; that of the message which comes has the focus.
let pressed = null;

function Versions({ branches, way }) {
  const { thread, mayWrite, running, words, onBranch } = useContext(Desk);
  const arrows = useRef(null);
  useEffect(() => {
    if (!pressed || pressed.to !== branches[way]) return;
    if (document.activeElement !== document.body) return;
    const [before, after] = arrows.current?.querySelectorAll("button") ?? [];
    (pressed.by < 0 ? before : after)?.focus({ preventScroll: true });
    pressed = null;
  }, []);
  if (branches.length < 2) return null;
  const step = (by, label, icon) => {
    const to = way + by;
    const off = !(to in branches) || !mayWrite || running;
    return (
      <button
        type="button"
        className="icon-button"
        aria-label={label}
        title={running ? words.wait : label}
        aria-disabled={off || undefined}
        onClick={() => {
          if (off) return;
          pressed = { to: branches[to], by };
          onBranch(thread, branches[to]);
        }}
      >
        {icon}
      </button>
    );
  };
  return (
    <span className="versions" ref={arrows}>
      {step(-1, words.before, <ChevronLeft aria-hidden />)}
      <span aria-live="polite">
        <span className="visually-hidden">{words.version} </span>
        {way + 1} / {branches.length}
      </span>
      {step(1, words.after, <ChevronRight aria-hidden />)}
    </span>
  );
}

function Editor({ message, text, waits, onClose }) {
  const { words, edited, onEdit } = useContext(Desk);
  const [draft, setDraft] = useState(text);
  const [sent, setSent] = useState(null);
  const box = useRef(null);
  useEffect(() => {
    const end = box.current.value.length;
    box.current.focus();
    box.current.setSelectionRange(end, end);
    box.current.closest("form").scrollIntoView({ block: "nearest" });
    // Whoever presses "Save and send" is taken along when this message goes.
    return () => {
      setTimeout(() => document.activeElement === document.body && focusComposer());
    };
  }, []);
  useEffect(() => {
    box.current.style.height = "auto";
    box.current.style.height = `${box.current.scrollHeight}px`;
  }, [draft]);
  const answer = sent && edited.new_id === sent.id && edited.attempt === sent.attempt ? edited : null;
  const refused = answer?.words ?? "";
  const under = sent !== null && !refused;
  const save = (event) => {
    event?.preventDefault();
    if (!draft.trim() || under) return;
    const next = { id: sent?.id ?? newId(), attempt: (sent?.attempt ?? 0) + 1, waits };
    setSent(next);
    onEdit(message, draft, next.id, next.attempt, waits);
  };
  // One that waits keeps its place: nothing takes this box away.
  useEffect(() => {
    if (answer && !refused && sent.waits) onClose();
  }, [answer, refused]);
  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape" && !under) {
      event.preventDefault();
      event.stopPropagation();
      onClose();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save(event);
  };
  return (
    <form className="editor" onSubmit={save}>
      <textarea
        ref={box}
        rows={1}
        value={draft}
        readOnly={under}
        aria-label={words.editLabel}
        aria-invalid={refused ? true : undefined}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {refused ? (
        <p className="editor-refused" role="alert">
          {spoken(refused)}
        </p>
      ) : null}
      <div className="editor-actions">
        <button type="button" className="button small" onClick={onClose} disabled={under}>
          {words.cancel}
        </button>
        <button type="submit" className="button small primary" disabled={!draft.trim() || under}>
          {under ? words.sending : words.send}
        </button>
      </div>
    </form>
  );
}

/** What a person said; who said it may edit it, with Esc to leave it, Ctrl+Enter to send it. */
export function OwnText({ message, text, mine, branches, way, children }) {
  const { thread, mayWrite, words, waiting, joins, onSendNow, onTakeBack } = useContext(Desk);
  const waits = waiting.find((one) => one.id === message);
  const [editing, setEditing] = useState(false);
  const [copied, copy] = useCopied();
  const pencil = useRef(null);
  const own = useRef(null);
  const may = mine && mayWrite;
  useEffect(() => {
    if (!may) return undefined;
    const onLast = (event) => {
      const all = document.querySelectorAll("[data-own]");
      if (all[all.length - 1] !== own.current) return;
      event.preventDefault();
      setEditing(true);
    };
    window.addEventListener("agentchat:edit-last", onLast);
    return () => window.removeEventListener("agentchat:edit-last", onLast);
  }, [may]);
  const close = () => {
    setEditing(false);
    setTimeout(() => pencil.current?.focus());
  };
  return (
    <div
      ref={own}
      className="own"
      data-own={may || undefined}
      data-editing={editing || undefined}
      data-joining={waits?.joins || undefined}
    >
      {editing ? (
        <Editor message={message} text={text} waits={Boolean(waits?.mine)} onClose={close} />
      ) : (
        children
      )}
      {editing ? null : (
        <div className="actions" role="group" aria-label={words.label}>
          <Versions branches={branches} way={way} />
          <Action label={copied === "text" ? words.copied : words.copy} onClick={() => copy("text", text)}>
            {copied === "text" ? <Check aria-hidden /> : <Copy aria-hidden />}
          </Action>
          {may ? (
            <Action label={words.edit} onClick={() => setEditing(true)} ref={pencil}>
              <Pencil aria-hidden />
            </Action>
          ) : null}
          <More message={message} onLink={() => copy("link", linkTo(thread, message))} />
          <WaitingActions one={waits} {...{ joins, words, onSendNow, onTakeBack }} />
          <Told copied={copied} words={words} />
        </div>
      )}
    </div>
  );
}

function Why({ rating, onSave, onClose, words }) {
  const [reason, setReason] = useState(rating.reason);
  const box = useRef(null);
  useEffect(() => box.current.focus(), []);
  const save = (event) => {
    event.preventDefault();
    onSave(reason.trim());
  };
  return (
    <form
      className="why"
      onSubmit={save}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onClose();
      }}
    >
      <label>
        {rating.good ? words.reasonGood : words.reasonBad}
        <input
          ref={box}
          value={reason}
          maxLength={1000}
          onChange={(event) => setReason(event.target.value)}
        />
      </label>
      <button type="submit" className="button small primary">
        {words.saveReason}
      </button>
      <button type="button" className="button small" onClick={onClose}>
        {words.noReason}
      </button>
      <p>{words.thanks}</p>
    </form>
  );
}

function Thumbs({ message }) {
  const { ratings, words, onRate } = useContext(Desk);
  const [asking, setAsking] = useState(null);
  const thumb = useRef({});
  const rating = ratings.find((one) => one.message_id === message);
  const press = (good) => {
    const again = rating?.good === good;
    onRate(message, again ? null : good, "");
    setAsking(again ? null : { good, reason: "" });
  };
  const close = () => {
    thumb.current[asking.good]?.focus();
    setAsking(null);
  };
  const button = (good, label, Icon) => (
    <Action
      label={label}
      pressed={rating?.good === good}
      onClick={() => press(good)}
      ref={(element) => (thumb.current[good] = element)}
    >
      <Icon aria-hidden />
    </Action>
  );
  return (
    <>
      {button(true, words.good, ThumbsUp)}
      {button(false, words.bad, ThumbsDown)}
      {asking ? (
        <Why
          key={asking.good}
          rating={asking}
          words={words}
          onClose={close}
          onSave={(reason) => {
            onRate(message, asking.good, reason);
            close();
          }}
        />
      ) : null}
    </>
  );
}

function sourceOf(text, parts) {
  const said = parts.filter((part) => part.kind === "text").map((part) => part.text);
  return [...said, text].filter((one) => one.trim()).join("\n\n");
}

/** What can be done with an answer that is over. */
export function AnswerActions({ message, text, parts, status, author, cut, kept }) {
  const { thread, mayWrite, agents, models, model, words, onAgain, onGoOn } = useContext(Desk);
  const [copied, copy] = useCopied();
  const press = useRef("");
  // Without a model it is that of the thread; an empty one is the agent's own.
  const ask = (agent, by = null) => {
    onAgain(message, (press.current ||= newId()), agent, by);
    press.current = "";
  };
  const others = agents.filter((one) => one.name !== author);
  const goesOn = mayWrite && kept && (cut || status === "stopped" || status === "failed");
  return (
    <div className="actions" role="group" aria-label={words.label}>
      {status === "done" ? <Thumbs message={message} /> : null}
      <More message={message} onLink={() => copy("link", linkTo(thread, message))}>
        {goesOn ? (
          <Item icon={<Play aria-hidden />} onSelect={() => onGoOn(message)}>
            {words.goOn}
          </Item>
        ) : null}
        {mayWrite && kept ? (
          <Item icon={<RefreshCw aria-hidden />} onSelect={() => ask("")}>
            {words.again}
          </Item>
        ) : null}
        {mayWrite && kept && agents.length > 1
          ? others.map((one) => (
              <Item key={one.name} icon={<RefreshCw aria-hidden />} onSelect={() => ask(one.name)}>
                {filled(words.askInstead, { name: one.name })}
              </Item>
            ))
          : null}
        {mayWrite && kept
          ? models
              .filter(({ name }) => name !== model)
              .map(({ name, label }) => (
                <Item key={name} icon={<RefreshCw aria-hidden />} onSelect={() => ask("", name)}>
                  {filled(words.askModel, { name: label })}
                </Item>
              ))
          : null}
        {mayWrite && kept && model && models.length ? (
          <Item icon={<RefreshCw aria-hidden />} onSelect={() => ask("", "")}>
            {words.askOwnModel}
          </Item>
        ) : null}
        <Item icon={<Copy aria-hidden />} onSelect={() => copy("text", sourceOf(text, parts))}>
          {words.copyMarkdown}
        </Item>
      </More>
      <Told copied={copied} words={words} />
    </div>
  );
}

/** Where a thread is from, below the last message that came from there. */
export function Origin({ parts, words }) {
  const line = parts.find((part) => part.kind === "note" && part.name === "forked");
  if (!line) return null;
  return (
    <p className="origin">
      <GitFork size={14} aria-hidden />
      {words.forkedFrom}
      {line.thread_id ? <Link to={`/t/${line.thread_id}`}>{words.openOrigin}</Link> : null}
    </p>
  );
}
