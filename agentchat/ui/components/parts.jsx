// What was said and done on the way to an answer, live; the answers of sub-agents have parts too.
import { createContext, useContext, useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import {
  ArrowRightLeft,
  Ban,
  Bot,
  Brain,
  Check,
  ChevronRight,
  CircleAlert,
  Globe,
  Hand,
  Hourglass,
  Info,
  MessageSquare,
  NotebookText,
  Route,
} from "lucide-react";
import { AskCard, Decided, Held, filled, isOpen, openAsks } from "./asks";
import { lasted, useNow } from "./clock";
import { useGrown } from "./growth";
import { CopyButton, Markdown } from "./markdown";
import { StepChip } from "./run_chip";
import { spoken } from "./said";

const Desk = createContext(null);
const RunOf = createContext("");
const LIVE = new Set(["pending", "running"]);
const MOST_OPEN = 4;
const OWN = /^\/(t\/[\w-]+|memory)$/;

/** The parts of an answer. */
export function Parts({ parts, run, ...desk }) {
  return (
    <Desk.Provider value={desk}>
      <RunOf.Provider value={run}>
        <PartList parts={parts} />
      </RunOf.Provider>
    </Desk.Provider>
  );
}

/** Leads to the step that wrote a part. */
function StepOf({ part }) {
  const run = useContext(RunOf);
  const { runWords } = useContext(Desk);
  return <StepChip run={run} step={part.step} words={runWords} />;
}

function isShown(part) {
  // It stands below the message.
  if (part.kind === "note" && part.name === "forked") return false;
  return !part.quiet || part.asks.length > 0 || ["failed", "denied"].includes(part.status);
}

/** Agents that were asked side by side are shown side by side. */
function grouped(parts) {
  const groups = [];
  for (const part of parts) {
    const last = groups[groups.length - 1];
    if (part.kind === "agent" && last?.kind === "agents") last.parts.push(part);
    else if (part.kind === "agent") {
      groups.push({ kind: "agents", position: part.position, parts: [part] });
    } else groups.push(part);
  }
  return groups;
}

function PartList({ parts }) {
  const shown = parts.filter(isShown);
  if (shown.length === 0) return null;
  return (
    <div className="parts">
      {grouped(shown).map((part) => {
        const Kind = KINDS[part.kind] ?? Note;
        return <Kind key={part.position} part={part} />;
      })}
    </div>
  );
}

function Said({ part }) {
  const { markdownWords } = useContext(Desk);
  return (
    <div className="markdown" data-part="said">
      <Markdown text={part.text} message="" growing={false} words={markdownWords} />
      <StepOf part={part} />
    </div>
  );
}

const between = (part) => new Date(part.ended) - new Date(part.began);

function Reasoning({ part }) {
  const { words, markdownWords } = useContext(Desk);
  const known = part.ended && between(part) >= 1000;
  const time = known ? lasted(0, between(part), true) : "";
  return (
    <Fold
      className="reasoning"
      icon={<Brain aria-hidden />}
      title={known ? filled(words.thoughtFor, { time }) : words.thought}
    >
      <div className="markdown small-text">
        <Markdown text={part.text} message="" growing={false} words={markdownWords} />
      </div>
    </Fold>
  );
}

function Fold({ className, icon, title, children, ...rest }) {
  return (
    <details className={`fold ${className}`} {...rest}>
      <summary>
        {icon}
        <span className="fold-title">{title}</span>
        <ChevronRight className="fold-mark" aria-hidden />
      </summary>
      <div className="fold-body">{children}</div>
    </details>
  );
}

const STATUS_ICONS = {
  pending: Hourglass,
  asked: Hand,
  done: Check,
  failed: CircleAlert,
  denied: Ban,
  interrupted: Ban,
  stopped: Ban,
};

function StatusIcon({ status }) {
  if (status === "running") return <span className="spinner" aria-hidden />;
  const Icon = STATUS_ICONS[status] ?? Check;
  return <Icon className="status-icon" data-status={status} aria-hidden />;
}

function Elapsed({ part }) {
  const running = part.status === "running";
  const now = useNow(running);
  if (!part.began || (!running && !part.ended)) return null;
  const began = new Date(part.began).getTime();
  const ended = running ? now : new Date(part.ended).getTime();
  if (ended - began < 100 && !running) return null;
  return <span className="elapsed">{lasted(began, ended, running)}</span>;
}

function Verbatim({ label, text }) {
  const { words } = useContext(Desk);
  return (
    <div className="verbatim">
      <div className="verbatim-head">
        <span>{label}</span>
        <CopyButton text={text} words={words} label={`${words.copy}: ${label}`} />
      </div>
      <pre tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
    </div>
  );
}

function ToolCard({ part }) {
  const { words, askWords } = useContext(Desk);
  const decided = part.asks.find((ask) => ask.kind === "approval" && !isOpen(ask));
  const edited = part.edited && decided;
  const why = part.status === "failed" && !decided ? part.text : "";
  const empty = !part.input && !part.text;
  const head = (
    <>
      <StatusIcon status={part.status} />
      <code className="tool-name">{part.name}</code>
      <span className="tool-status">{words[part.status]}</span>
      {["asked", "denied"].includes(part.status) ? null : <Elapsed part={part} />}
    </>
  );
  return (
    <div className="tool" data-part="tool" data-status={part.status} data-name={part.name}>
      {empty ? (
        <div className="tool-head">{head}</div>
      ) : (
        <details>
          <summary className="tool-head">
            {head}
            <ChevronRight className="fold-mark" aria-hidden />
          </summary>
          <div className="fold-body">
            {part.input && part.input !== "{}" ? (
              <Verbatim label={words.arguments} text={part.input} />
            ) : null}
            {edited ? <Verbatim label={words.askedFor} text={decided.input} /> : null}
            {part.text ? <Verbatim label={words.result} text={part.text} /> : null}
            <StepOf part={part} />
          </div>
        </details>
      )}
      {decided ? <Decided ask={decided} edited={part.edited} words={askWords} /> : null}
      {part.given ? (
        <p className="tool-given">
          {filled(part.given === "result" ? words.givenResult : words.givenArguments, part)}
        </p>
      ) : null}
      {why ? <p className="tool-why">{why}</p> : null}
    </div>
  );
}

/** The same while nothing is decided, and another after each decision. */
const stateOf = (asks) => asks.map((ask) => ask.status).join();

function Asked({ asks }) {
  const desk = useContext(Desk);
  return asks.map((ask) =>
    isOpen(ask) ? (
      <AskCard key={ask.id} ask={ask} desk={desk} />
    ) : (
      <div key={ask.id} className="question-over">
        <p className="ask-text">{ask.text}</p>
        <Decided ask={ask} words={desk.askWords} />
      </div>
    ),
  );
}

function ToolPart({ part }) {
  const { asks } = part;
  const questions = asks.filter((ask) => ask.kind === "question");
  const approvals = asks.filter((ask) => ask.kind !== "question");
  // A tool that only asks came to what was answered.
  const more = !part.quiet && !questions.some((ask) => ask.answer === part.text);
  const card =
    questions.length > 0 ? approvals.length > 0 || (more && !asks.some(isOpen)) : true;
  return (
    <Held open={stateOf(asks)} className="part-tool">
      <Asked asks={[...approvals.filter(isOpen), ...questions]} />
      {card && !approvals.some(isOpen) ? <ToolCard part={part} /> : null}
    </Held>
  );
}

function Agents({ part: { parts } }) {
  const { words } = useContext(Desk);
  const many = parts.length > 1;
  return (
    <div
      className={many ? "agents many" : "agents"}
      role={many ? "group" : undefined}
      aria-label={many ? words.agents : undefined}
    >
      {parts.map((part) => (
        <AgentPart key={part.position} part={part} few={parts.length <= MOST_OPEN} />
      ))}
    </div>
  );
}

/** The newest words of a growing text, or the first of one that is complete. */
function Preview({ answer, growing }) {
  const grown = useGrown(answer.id);
  const text = (growing ? grown.slice(-200) : answer.text.slice(0, 200)).replace(/\s+/g, " ");
  return (
    <span className={growing ? "agent-preview growing" : "agent-preview"}>
      <bdi dir="ltr">{text}</bdi>
    </span>
  );
}

/** Shows the end of what grows in it, unless the reader went up. */
function Pinned({ label, children }) {
  const frame = useRef(null);
  const content = useRef(null);
  const following = useRef(true);
  useEffect(() => {
    const grown = new ResizeObserver(() => {
      if (following.current) frame.current.scrollTop = frame.current.scrollHeight;
    });
    grown.observe(content.current);
    return () => grown.disconnect();
  }, []);
  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = frame.current;
    following.current = scrollHeight - scrollTop - clientHeight < 32;
  };
  return (
    <div
      className="agent-frame"
      ref={frame}
      onScroll={onScroll}
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <div ref={content}>{children}</div>
    </div>
  );
}

function AgentPart({ part, few }) {
  const { words, markdownWords } = useContext(Desk);
  const { answer } = part;
  const growing = answer !== null && LIVE.has(answer.status);
  const asks = answer === null ? 0 : openAsks([answer]).length;
  const [open, setOpen] = useState((growing && few) || asks > 0);
  useEffect(() => {
    if (asks) setOpen(true);
  }, [asks > 0]);
  const status = answer?.status === "stopped" ? "stopped" : part.status;
  const said = growing ? spoken(answer.words) : "";
  return (
    <details
      className="agent"
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
      data-part="agent"
      data-name={part.name}
      data-status={part.status}
    >
      <summary>
        <span className="agent-head">
          <StatusIcon status={asks ? "asked" : status} />
          <Bot className="agent-icon" aria-hidden />
          <strong>{part.name}</strong>
          <span className="tool-status">{said || words[status]}</span>
          <Elapsed part={part} />
          <ChevronRight className="fold-mark" aria-hidden />
        </span>
        {open || answer === null ? null : <Preview answer={answer} growing={growing} />}
      </summary>
      {open ? (
        <div className="agent-body">
          <p className="agent-task">
            <span>{words.task}</span> {part.text}
          </p>
          {answer === null ? null : (
            <Pinned label={filled(words.answerOf, part)}>
              <RunOf.Provider value={answer.run_id}>
                <PartList parts={answer.parts} />
              </RunOf.Provider>
              <div className="markdown small-text" data-part="agent-text">
                <Markdown
                  message={answer.id}
                  growing={growing}
                  text={answer.text}
                  words={markdownWords}
                />
              </div>
              {!growing && answer.words ? <p className="tool-why">{spoken(answer.words)}</p> : null}
            </Pinned>
          )}
          {part.thread_id ? <Link to={`/t/${part.thread_id}`}>{words.openThread}</Link> : null}
        </div>
      ) : null}
    </details>
  );
}

function Line({ icon, children, ...rest }) {
  return (
    <p className="part-line" {...rest}>
      {icon}
      <span>{children}</span>
    </p>
  );
}

function Routed({ part }) {
  const { words } = useContext(Desk);
  const title = filled(words.routed, part) + (part.why ? `: ${spoken(part.why)}` : "");
  if (!part.others && !part.by) return <Line icon={<Route aria-hidden />}>{title}</Line>;
  return (
    <Fold className="routed" data-part="route" icon={<Route aria-hidden />} title={title}>
      <p className="small-text">
        {part.by ? `${filled(words.routedBy, part)}. ` : ""}
        {part.others ? filled(words.others, part) : ""}
      </p>
    </Fold>
  );
}

function reasonOf(part) {
  try {
    return JSON.parse(part.input).reason ?? "";
  } catch {
    return "";
  }
}

function HandedOver({ part }) {
  const { words } = useContext(Desk);
  const why = part.why || reasonOf(part);
  return (
    <Line icon={<ArrowRightLeft aria-hidden />} data-part="hand-over">
      {filled(words.handedOver, { from: part.agent, to: part.name })}
      {why ? `: ${why}` : ""}
    </Line>
  );
}

function Joined({ part }) {
  const { words } = useContext(Desk);
  return (
    <Line icon={<MessageSquare aria-hidden />} data-part="joined">
      {filled(words.joined, part)}: {part.text}
    </Line>
  );
}

function Note({ part }) {
  const { asks } = part;
  if (asks.length === 0) return <Line icon={<Info aria-hidden />}>{spoken(part.text)}</Line>;
  return (
    <Held open={stateOf(asks)} className="part-tool">
      <Asked asks={asks} />
    </Held>
  );
}

function hostOf(url) {
  try {
    return new URL(url).host.replace(/^www\./, "");
  } catch {
    return "";
  }
}

function Source({ source }) {
  if (!/^https?:\/\//i.test(source.url)) return <span>{source.title || source.text}</span>;
  return (
    <a href={source.url} target="_blank" rel="noopener noreferrer nofollow" title={source.url}>
      <span className="source-title">{source.title || source.url}</span>
      <span className="source-host">{hostOf(source.url)}</span>
    </a>
  );
}

/** What was recalled before the answer. */
function Recalled({ part }) {
  const { words } = useContext(Desk);
  const title = `${words.recalled} · ${part.sources.length}`;
  return (
    <Fold
      className="recalled"
      data-part="recalled"
      icon={<NotebookText aria-hidden />}
      title={title}
    >
      <ul className="recalled-list">
        {part.sources.map((source, place) => (
          <li key={place}>
            {source.title || source.text}{" "}
            {OWN.test(source.url) ? (
              <Link to={source.url}>
                {source.url.startsWith("/t/") ? words.itsThread : words.inMemory}
              </Link>
            ) : null}
          </li>
        ))}
      </ul>
    </Fold>
  );
}

const KINDS = {
  text: Said,
  reasoning: Reasoning,
  tool: ToolPart,
  agents: Agents,
  route: Routed,
  hand_over: HandedOver,
  sources: Recalled,
  message: Joined,
  note: Note,
};

/** Where the answer comes from: all that its tools found, each once, numbered. */
export function Sources({ parts, words }) {
  const found = new Map();
  for (const part of parts) {
    if (part.kind === "sources") continue;
    for (const source of part.sources) found.set(source.url || source.title, source);
  }
  if (found.size === 0) return null;
  return (
    <section className="sources" aria-label={words.sources} data-part="sources">
      <p>
        <Globe aria-hidden />
        {words.sources}
      </p>
      <ol>
        {[...found.values()].map((source, place) => (
          <li key={place}>
            <Source source={source} />
          </li>
        ))}
      </ol>
    </section>
  );
}
