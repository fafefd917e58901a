import { useEffect, useRef } from "react";
import { useNavigate, useParams } from "react-router";
import { forget, giveBack, pictureHere } from "./attachments";
import { useNow } from "./clock";
import { WaitingFiles } from "./files";
import { spoken } from "./said";
import {
  dropItems,
  fillComposer,
  nextAttempt,
  openingThread,
  threadOpened,
  useOutbox,
} from "./store";

const LATE = 10_000;

/** The messages sent from this page that the server has not confirmed. */
function useUnconfirmed(confirmed, missing) {
  const { thread_id: thread } = useParams();
  const all = useOutbox();
  if (all.length === 0) return all;
  const here = [thread, thread === undefined || missing ? openingThread() : undefined];
  return all.filter((item) => here.includes(item.thread) && !confirmed.has(item.id));
}

/** Bubbles for messages on their way; each goes when the rows of the thread hold its id. */
export function Outbox(props) {
  const { shown, missing, settled, live, accepted, rejected, online, onSend, words, fileWords } = props;
  const { thread_id: thread } = useParams();
  const navigate = useNavigate();
  const rows = thread && shown === thread ? [...settled, ...live] : [];
  const confirmed = new Set(rows.map((row) => row.id));
  const waiting = useUnconfirmed(confirmed, missing);
  const now = useNow(waiting.length > 0);
  const send = (item) =>
    onSend(
      item.thread,
      item.id,
      item.text,
      item.create,
      item.attempt,
      item.agent ?? "",
      (item.files ?? []).map(({ id }) => id),
      item.model ?? "",
    );
  const retry = (item) => send(nextAttempt(item));

  useEffect(() => {
    dropItems(confirmed);
    forget(rows.flatMap(({ files }) => files.map(({ id }) => id)));
  });

  // The first message of a new thread is in the database: go where the thread lives.
  const opened = waiting.find((item) => item.id === accepted && item.thread !== thread);
  useEffect(() => {
    if (opened) {
      threadOpened(opened.thread);
      navigate(`/t/${opened.thread}`);
    }
  }, [opened?.id]);

  // After a reload or a lost connection nobody knows what arrived; the id makes asking safe.
  const lost = useRef(false);
  useEffect(() => {
    if (!online) lost.current = true;
    const unsure = waiting.filter((item) => item.restored || lost.current);
    if (online) {
      lost.current = false;
      unsure.forEach(retry);
    }
  }, [online, waiting.some((item) => item.restored)]);

  return waiting.map((item) => {
    const refusal = rejected[item.id];
    const failed = refusal !== undefined && refusal.attempt === item.attempt;
    const late = !failed && now - item.at > LATE;
    return (
      <article
        key={item.id}
        className="message"
        data-role="user"
        data-status={failed ? "failed" : "pending"}
        data-id={item.id}
      >
        <h2 className="visually-hidden">{words.you}</h2>
        <div className="text" data-part="text">
          {item.text}
        </div>
        <WaitingFiles files={item.files} pictureOf={pictureHere} words={fileWords} />
        <div className={failed || late ? "message-foot" : "message-foot unhurried"}>
          <span className="outbox-words" role={failed ? "alert" : undefined}>
            {failed ? `${words.failed}. ${spoken(refusal.words)}` : late ? words.late : words.sending}
          </span>
          {failed || late ? (
            <span className="outbox-actions">
              {failed ? (
                <button
                  type="button"
                  onClick={() => {
                    dropItems([item.id]);
                    giveBack(thread ?? "", item.files ?? []);
                    fillComposer(item.text);
                  }}
                >
                  {words.edit}
                </button>
              ) : null}
              <button type="button" onClick={() => retry(item)}>
                {words.retry}
              </button>
            </span>
          ) : null}
        </div>
      </article>
    );
  });
}

/** The welcome of a thread without messages. */
export function Welcome({ empty, children }) {
  const waiting = useUnconfirmed(new Set(), false);
  return empty && waiting.length === 0 ? children : null;
}

/** A suggestion that goes into the message box, for the person to change or send. */
export function Starter({ title, text }) {
  return (
    <button type="button" className="starter" onClick={() => fillComposer(text)}>
      <strong>{title}</strong>
      <span>{text}</span>
    </button>
  );
}
