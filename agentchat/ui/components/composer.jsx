import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useParams } from "react-router";
import { ArrowUp, Square } from "lucide-react";
import { AgentPicker, ModelPicker, SecondMenu, Stranger, useMention } from "./agents";
import {
  AttachButton,
  AttachedFiles,
  DropVeil,
  FilesTeller,
  PastedOffer,
  Unseen,
  fileOf,
  useFiles,
} from "./attach";
import { allThere, takeAttachments } from "./attachments";
import { useCommands } from "./composer_commands";
import { locale } from "./said";
import { Returned } from "./waiting";
import {
  arriveWithDraft,
  carryDraft,
  focusComposer,
  newId,
  nextThread,
  onFill,
  pickAgent,
  pickModel,
  putItem,
  readDraft,
  saveDraft,
  usePickedAgent,
  usePickedModel,
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
  const { shown, missing, running, beside, several, agents, agent, model, lacking, second } = props;
  const { models, chosenModel, joins, returned } = props;
  const { watched, words, agentWords, fileWords, commandWords, waitingWords } = props;
  const { onSend, onStop, onAgent, onModel, onSecond, onTyping, onCollect } = props;
  const { thread_id: thread = "" } = useParams();
  const [text, setText] = useState("");
  const draft = useRef("");
  const box = useRef(null);
  const form = useRef(null);
  const attached = useFiles(thread, fileWords, form);
  const { files } = attached;

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
  const pickedModel = usePickedModel();
  const asks = create ? pickedModel : here ? chosenModel : "";
  const chooseModel = (name) => (create ? pickModel(name) : onModel(thread, name));
  const types = models.find(({ name }) => name === asks)?.media_types;
  // What of the files is seen is for the model that is asked.
  const seers = types ? agents.map((one) => ({ ...one, media_types: types })) : agents;

  const commands = useCommands({
    ...{ text, change, agents, choose, models, chooseModel, onStop, words: commandWords },
    thread: create || !here ? "" : thread,
    running: (running || beside) && here,
  });

  const told = useRef(0);
  const tellTyping = (value) => {
    if (!watched || create || !here || !value.trim() || Date.now() - told.current < TYPING_EVERY) return;
    told.current = Date.now();
    onTyping(thread);
  };

  const length = lengthOf(text, words.limit);
  const tooLong = length > words.limit;
  const empty = text.trim() === "";
  const ready = allThere(files);
  const mend = files.some(({ status }) => status === "failed");

  const send = () => {
    const message = draft.current.trim();
    // Read from the ref: a double click comes before the next render.
    if (!message || lengthOf(message, words.limit) > words.limit || !ready) return;
    if (commands.takes(message)) return;
    const item = {
      id: newId(),
      thread: create ? nextThread() : thread,
      create,
      text: message,
      files: takeAttachments(thread),
      agent: create && agents.some(({ name }) => name === picked) ? picked : "",
      model: create && models.some(({ name }) => name === pickedModel) ? pickedModel : "",
      at: Date.now(),
      attempt: 1,
    };
    putItem(item);
    change("");
    const ids = item.files.map((file) => file.id);
    const { id, text: said, attempt, agent: who, model: by } = item;
    onSend(item.thread, id, said, create, attempt, who, ids, by);
    box.current?.focus();
  };

  const onKeyDown = (event) => {
    if (commands.onKeyDown(event) || mention.onKeyDown(event)) return;
    const composing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (event.key === "Enter" && !event.shiftKey && !composing) {
      event.preventDefault();
      send();
    }
  };

  return (
    <form
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {here ? (
        <Returned {...{ thread, returned, onCollect }} words={waitingWords} />
      ) : null}
      {mention.listbox}
      {commands.listbox}
      <DropVeil over={attached.over} words={fileWords} />
      <PastedOffer
        pasted={attached.pasted}
        text={text}
        words={fileWords}
        onFile={() => {
          change(text.replace(attached.pasted, () => ""));
          attached.add([fileOf(attached.pasted)]);
          attached.setPasted("");
          box.current?.focus();
        }}
        onKeep={() => {
          attached.setPasted("");
          box.current?.focus();
        }}
      />
      <div className="composer">
        <AttachedFiles
          thread={thread}
          files={files}
          onRemove={attached.remove}
          words={fileWords}
        />
        <AttachButton onChoose={attached.add} words={fileWords} />
        <textarea
          {...mention.attributes}
          {...commands.attributes}
          ref={box}
          id="message"
          rows={1}
          aria-label={words.label}
          aria-invalid={tooLong || undefined}
          aria-describedby={tooLong ? "message-problem" : undefined}
          placeholder={files.length ? fileWords.placeholder : words.placeholder}
          value={text}
          onChange={(event) => {
            change(event.target.value);
            tellTyping(event.target.value);
          }}
          onKeyDown={onKeyDown}
          onPaste={attached.onPaste}
        />
        {(running || beside) && here ? (
          <button
            type="button"
            className={several ? "composer-button stop all" : "composer-button stop"}
            aria-label={several ? undefined : words.stop}
            title={several ? words.stopAllMore : words.stop}
            onClick={() => {
              onStop(thread);
              box.current?.focus();
            }}
          >
            <Square fill="currentColor" strokeWidth={0} aria-hidden />
            {several ? words.stopAll : null}
          </button>
        ) : null}
        <button
          type="submit"
          className="composer-button"
          aria-label={words.send}
          title={words.send}
          disabled={empty || tooLong || !ready}
          aria-describedby={ready ? undefined : "message-files"}
        >
          <ArrowUp strokeWidth={2.4} aria-hidden />
        </button>
      </div>
      <FilesTeller files={files} note={attached.note} words={fileWords} />
      <Unseen files={files} agents={seers} picked={chosen} words={fileWords} />
      {ready ? null : (
        <p className="composer-note files-note" id="message-files">
          {mend ? fileWords.mend : fileWords.wait}
        </p>
      )}
      {commands.note}
      <Stranger text={text} agents={agents} picked={chosen} words={agentWords} />
      {tooLong ? (
        <p className="composer-note" role="alert" id="message-problem">
          {words.tooLong
            .replace("{count}", length.toLocaleString(locale()))
            .replace("{limit}", words.limit.toLocaleString(locale()))}
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
          <ModelPicker models={models} value={asks} onChoose={chooseModel} words={waitingWords} />
          {running && here ? (
            <SecondMenu
              value={second}
              apart={joins ? "" : waitingWords.waits}
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
