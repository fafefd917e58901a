import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useParams } from "react-router";
import { ArrowUp, Square } from "lucide-react";
import { AgentPicker, SecondMenu, Stranger, useMention } from "./agents";
import {
  arriveWithDraft,
  carryDraft,
  focusComposer,
  leaveForNewThread,
  newId,
  nextThread,
  onFill,
  pickAgent,
  putItem,
  readDraft,
  saveDraft,
  usePickedAgent,
} from "./store";

const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;
// As often as the server takes it.
const TYPING_EVERY = 3_000;
const fieldSizing = () => CSS.supports("field-sizing", "content");

function lengthOf(text, limit) {
  // The server counts characters, a JavaScript string counts UTF-16 units.
  return text.length <= limit ? text.length : Array.from(text).length;
}

/**
 * The message box: Enter sends, the draft of every thread is kept, Stop ends what runs. Below it
 * is who answers, and what a message does while an answer is being written.
 */
export function Composer(props) {
  const { shown, missing, running, beside, agents, agent, model, lacking, second } = props;
  const { watched, words, agentWords } = props;
  const { onSend, onStop, onAgent, onSecond, onTyping } = props;
  const { thread_id: thread = "" } = useParams();
  const [text, setText] = useState("");
  const draft = useRef("");
  const box = useRef(null);

  const change = (value) => {
    draft.current = value;
    setText(value);
    saveDraft(thread, value);
    carryDraft(thread, value);
  };

  useBeforePaint(() => {
    // What was typed before the page came alive counts as the draft.
    const typed = box.current?.value;
    const brought = arriveWithDraft(thread);
    const value = brought || (draft.current === "" && typed ? typed : readDraft(thread));
    draft.current = value;
    setText(value);
  }, [thread]);

  useEffect(() => {
    if (window.matchMedia("(hover: hover)").matches) box.current?.focus();
  }, [thread]);

  useEffect(
    () =>
      onFill((value) => {
        change(draft.current.trim() ? `${value}\n\n${draft.current}` : value);
        box.current?.focus();
      }),
    [thread],
  );

  useBeforePaint(() => {
    if (box.current && !fieldSizing()) {
      box.current.style.height = "auto";
      box.current.style.height = `${box.current.scrollHeight}px`;
    }
  }, [text]);

  const mention = useMention(text, agents, agentWords, change);
  const picked = usePickedAgent();
  // On the page of a new thread, and of one that is gone: what is sent starts a thread.
  const create = thread === "" || missing;
  const here = shown === thread;
  const chosen = create ? picked : here ? agent : "";
  const choose = (name) => (create ? pickAgent(name) : onAgent(thread, name));

  const told = useRef(0);
  const tellTyping = (value) => {
    if (!watched || create || !here || !value.trim() || Date.now() - told.current < TYPING_EVERY) return;
    told.current = Date.now();
    onTyping(thread);
  };

  const length = lengthOf(text, words.limit);
  const tooLong = length > words.limit;
  const empty = text.trim() === "";

  const send = () => {
    const message = draft.current.trim();
    // Read from the ref: a double click comes before the next render.
    if (!message || lengthOf(message, words.limit) > words.limit) return;
    const item = {
      id: newId(),
      thread: create ? nextThread() : thread,
      create,
      text: message,
      agent: create && agents.some(({ name }) => name === picked) ? picked : "",
      at: Date.now(),
      attempt: 1,
    };
    putItem(item);
    change("");
    onSend(item.thread, item.id, item.text, item.create, item.attempt, item.agent);
    box.current?.focus();
  };

  const onKeyDown = (event) => {
    if (mention.onKeyDown(event)) return;
    const composing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (event.key === "Enter" && !event.shiftKey && !composing) {
      event.preventDefault();
      send();
    }
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {mention.listbox}
      <div className="composer">
        <textarea
          {...mention.attributes}
          ref={box}
          id="message"
          rows={1}
          aria-label={words.label}
          aria-invalid={tooLong || undefined}
          aria-describedby={tooLong ? "message-problem" : undefined}
          placeholder={words.placeholder}
          value={text}
          onChange={(event) => {
            change(event.target.value);
            tellTyping(event.target.value);
          }}
          onKeyDown={onKeyDown}
        />
        {(running || beside) && here ? (
          <button
            type="button"
            className="composer-button stop"
            aria-label={words.stop}
            title={words.stop}
            onClick={() => {
              onStop(thread);
              box.current?.focus();
            }}
          >
            <Square fill="currentColor" strokeWidth={0} aria-hidden />
          </button>
        ) : null}
        <button
          type="submit"
          className="composer-button"
          aria-label={words.send}
          title={words.send}
          disabled={empty || tooLong}
        >
          <ArrowUp strokeWidth={2.4} aria-hidden />
        </button>
      </div>
      <Stranger text={text} agents={agents} picked={chosen} words={agentWords} />
      {tooLong ? (
        <p className="composer-note" role="alert" id="message-problem">
          {words.tooLong
            .replace("{count}", length.toLocaleString("en"))
            .replace("{limit}", words.limit.toLocaleString("en"))}
        </p>
      ) : (
        <div className="composer-foot">
          {agents.length > 1 ? (
            <AgentPicker
              agents={agents}
              model={model}
              lacking={lacking}
              value={chosen}
              onChoose={choose}
              words={agentWords}
            />
          ) : null}
          {running && here ? (
            <SecondMenu
              value={second}
              onChoose={(name) => onSecond(thread, name)}
              words={agentWords}
            />
          ) : (
            <p className="composer-note hint">{words.hint}</p>
          )}
        </div>
      )}
    </form>
  );
}

/** Goes to a new thread; what is typed until it is there goes along. */
export function NewThreadButton({ onPress, children }) {
  const press = () => {
    leaveForNewThread();
    onPress();
  };
  return (
    <button type="button" className="button new-thread" onClick={press}>
      {children}
    </button>
  );
}

/** A button that goes away when it is pressed: the message box takes the focus. */
export function PassingButton({ className, onPress, children }) {
  return (
    <button
      type="button"
      className={className}
      onClick={() => {
        onPress();
        focusComposer();
      }}
    >
      {children}
    </button>
  );
}
