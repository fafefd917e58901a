// A question before something is done, and what came of it.
import { useEffect, useRef, useState } from "react";
import * as Dialog from "@radix-ui/react-dialog";

const SLOW = 10_000;

/** Sends an attempt once; `acted` tells what came of it. */
export function useAttempt(acted, onDone, patience = SLOW) {
  const [sent, setSent] = useState(0);
  const [slow, setSlow] = useState(false);
  const sending = useRef(false);
  const mine = sent !== 0 && acted.attempt === sent ? acted : null;
  const busy = sent !== 0 && !mine && !slow;
  sending.current = busy;
  useEffect(() => {
    if (!sent) return undefined;
    const timer = setTimeout(() => setSlow(true), patience);
    return () => clearTimeout(timer);
  }, [sent]);
  useEffect(() => {
    if (mine) onDone(mine);
  }, [mine]);
  const send = (act) => {
    // Read from the ref: a double click comes before the next render.
    if (sending.current) return;
    sending.current = true;
    const attempt = Date.now();
    setSlow(false);
    setSent(attempt);
    act(attempt);
  };
  return { busy, slow: slow && !mine, send, came: mine };
}

/** Where the focus goes when a dialog closes: whence it came, or to the page if that is gone. */
export function useReturn() {
  const from = useRef(null);
  from.current ??= document.activeElement;
  return (event) => {
    event.preventDefault();
    const there = from.current?.isConnected && from.current !== document.body;
    (there ? from.current : document.querySelector("[data-page]"))?.focus();
  };
}

/** Asks first. `problem` says why it was not done, `moot` why it need not be done any more. */
export function Sure({ title, text, confirm, danger, attempt, problem, moot, words, onConfirm, onClose }) {
  const back = useRef(null);
  const onReturn = useReturn();
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="dialog-veil" />
        <Dialog.Content
          className="dialog"
          onCloseAutoFocus={onReturn}
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            back.current?.focus();
          }}
        >
          <Dialog.Title asChild>
            <h2>{title}</h2>
          </Dialog.Title>
          <Dialog.Description asChild>
            <p>{text}</p>
          </Dialog.Description>
          {problem || moot ? (
            <p role="alert" className="sure-problem">
              {problem || moot}
            </p>
          ) : null}
          {attempt.slow ? <p role="alert">{words.slow}</p> : null}
          <div className="dialog-actions">
            <button type="button" className="button" ref={back} onClick={onClose}>
              {words.keep}
            </button>
            {moot ? null : (
              <button
                type="button"
                className={`button ${danger ? "danger" : "primary"}`}
                aria-disabled={attempt.busy || undefined}
                onClick={onConfirm}
              >
                {attempt.busy ? words.doing : confirm}
              </button>
            )}
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
