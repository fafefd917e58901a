// Threads as files: the menu that exports the one on the page, and the box that takes some in.
import { useEffect, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";
import * as DropdownMenu from "@radix-ui/react-dropdown-menu";
import { Braces, FileDown, FileText, FileUp, Upload } from "lucide-react";
import { filled } from "./asks";
import { spoken } from "./said";

const MOST_LISTED = 20;

/** What the thread on the page can be kept as, and the way to where threads are imported. */
export function FileMenu({ thread, words }) {
  const navigate = useNavigate();
  const file = (ending) => `/export/threads/${thread}.${ending}`;
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="icon-button" aria-label={words.menu} title={words.menu}>
        <FileDown aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          <DropdownMenu.Item className="menu-item" asChild>
            <a href={file("md")} download>
              <FileText aria-hidden />
              {words.markdown}
            </a>
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" asChild>
            <a href={file("json")} download>
              <Braces aria-hidden />
              {words.json}
            </a>
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" onSelect={() => navigate("/import")}>
            <FileUp aria-hidden />
            {words.import}
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function sent(file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/import/file");
    request.setRequestHeader("Content-Type", "application/json");
    request.responseType = "json";
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.onload = () => resolve({ ok: request.status === 201, answer: request.response });
    request.onerror = reject;
    request.send(file);
  });
}

function Made({ threads, leftOut, words }) {
  return (
    <>
      <p>{threads.length === 1 ? words.doneOne : filled(words.done, { count: threads.length })}</p>
      <ul className="imported">
        {threads.slice(0, MOST_LISTED).map((one) => (
          <li key={one.id}>
            <Link to={`/t/${one.id}`}>{one.title || words.untitled}</Link>
          </li>
        ))}
      </ul>
      {threads.length > MOST_LISTED ? (
        <p>{filled(words.more, { count: threads.length - MOST_LISTED })}</p>
      ) : null}
      {leftOut.length > 0 ? (
        <>
          <p>{words.leftOut}</p>
          <ul className="left-out">
            {leftOut.map((one) => (
              <li key={one}>{spoken(one)}</li>
            ))}
          </ul>
        </>
      ) : null}
    </>
  );
}

/** Takes a file of threads by its button, or dropped on it. */
export function ImportBox({ words }) {
  const [state, setState] = useState({ at: "empty" });
  const picker = useRef(null);
  const result = useRef(null);
  const busy = state.at === "sending";
  useEffect(() => {
    if (state.at === "done" || state.at === "failed") result.current?.focus();
  }, [state.at]);
  const take = async (file) => {
    if (!file || busy) return;
    setState({ at: "sending", name: file.name, share: 0 });
    try {
      const { ok, answer } = await sent(file, (share) =>
        setState((before) => (before.at === "sending" ? { ...before, share } : before)),
      );
      if (ok) setState({ at: "done", threads: answer.threads, leftOut: answer.left_out });
      else setState({ at: "failed", why: answer?.error ?? words.lost });
    } catch {
      setState({ at: "failed", why: words.lost });
    }
    if (picker.current) picker.current.value = "";
  };
  return (
    <section
      className="import-box"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        take(event.dataTransfer.files[0]);
      }}
    >
      <p>{words.what}</p>
      <input
        ref={picker}
        type="file"
        accept=".json,application/json"
        hidden
        tabIndex={-1}
        aria-label={words.choose}
        onChange={(event) => take(event.target.files[0])}
      />
      <button
        type="button"
        className={state.at === "done" ? "button" : "button primary"}
        disabled={busy}
        onClick={() => picker.current.click()}
      >
        <Upload size={14} aria-hidden />
        {state.at === "done" ? words.another : words.choose}
      </button>
      <div ref={result} tabIndex={-1} className="import-result" aria-live="polite" aria-busy={busy}>
        {busy ? (
          <>
            <p>{filled(state.share < 1 ? words.sending : words.making, state)}</p>
            <progress value={state.share < 1 ? state.share : undefined} aria-label={state.name} />
          </>
        ) : null}
        {state.at === "failed" ? (
          <p className="editor-refused">
            <strong>{words.failed}.</strong> {spoken(state.why)}
          </p>
        ) : null}
        {state.at === "done" ? (
          <Made threads={state.threads} leftOut={state.leftOut} words={words} />
        ) : null}
      </div>
    </section>
  );
}
