// How files get to a message: by a button, by pasting, or dropped on the thread.
import { useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { FileText, ImageOff, Paperclip, RotateCcw, X } from "lucide-react";
import {
  attach,
  detach,
  isPicture,
  mostBytes,
  pictureOf,
  retry,
  useAttachments,
} from "./attachments";
import { sizeOf } from "./files";
import { filled, locale, spoken } from "./said";
import { focusComposer } from "./store";

// Longer pasted text is offered as a file.
const LONG = 20_000;
const HOPELESS = new Set(["tooLarge", "empty"]);

/** What becomes of the files of the next message: their list, what was said of them last, and what
 * the message box does with pasted ones. */
export function useFiles(thread, words, form) {
  const files = useAttachments(thread);
  const [note, setNote] = useState("");
  const [pasted, setPasted] = useState("");
  const add = async (chosen) => {
    setNote("");
    if (!chosen.length) return;
    const { left, most } = await attach(thread, chosen);
    if (left) setNote(filled(left === 1 ? words.leftOutOne : words.leftOut, { most, left }));
  };
  const over = useDrop(form, (data) => {
    const { chosen, folders } = dropped(data);
    add(chosen).then(() => {
      if (folders.length) setNote(filled(words.folder, { name: folders[0] }));
    });
  });
  const onPaste = (event) => {
    const { clipboardData: data } = event;
    const text = data.getData("text/plain");
    // Programs that copy text often bring a picture of it along.
    if (data.files.length && !text) {
      event.preventDefault();
      add(Array.from(data.files));
    } else if (text.length > LONG) {
      setPasted(text.replace(/\r\n?/g, "\n"));
    }
  };
  useEffect(() => {
    setNote("");
    setPasted("");
  }, [thread]);
  const remove = (key) => {
    setNote("");
    detach(thread, key);
  };
  return { files, note, add, over, onPaste, remove, pasted, setPasted };
}

/** The files among what was dropped; a folder has no content of its own. */
function dropped(data) {
  const items = Array.from(data.items ?? []).filter(({ kind }) => kind === "file");
  const entries = items.map((item) => [item.webkitGetAsEntry?.(), item.getAsFile()]);
  if (!entries.length) return { chosen: Array.from(data.files), folders: [] };
  return {
    chosen: entries.filter(([entry, file]) => file && !entry?.isDirectory).map(([, file]) => file),
    folders: entries.filter(([entry]) => entry?.isDirectory).map(([entry]) => entry.name),
  };
}

/** Takes what is dropped on the main part of the page; whether something is held over it. Beside
 * it, and under a dialog, the browser would open the file in place of the page: nothing happens. */
function useDrop(form, take) {
  const [over, setOver] = useState(false);
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const main = form.current?.closest("main");
    if (!main) return undefined;
    const brings = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
    const inside = ({ target }) => main.contains(target) && !main.inert;
    const onOver = (event) => {
      if (!brings(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = inside(event) ? "copy" : "none";
      setOver(inside(event));
    };
    const onLeave = ({ relatedTarget }) => {
      if (relatedTarget === null) setOver(false);
    };
    const onDrop = (event) => {
      if (!brings(event)) return;
      event.preventDefault();
      setOver(false);
      if (inside(event)) latest.current(event.dataTransfer);
    };
    const handlers = { dragover: onOver, dragleave: onLeave, drop: onDrop };
    for (const [name, handler] of Object.entries(handlers)) window.addEventListener(name, handler);
    return () => {
      for (const [name, handler] of Object.entries(handlers)) window.removeEventListener(name, handler);
    };
  }, []);
  return over ? form.current?.closest("main") : null;
}

/** Lies over the thread while files are held over it. */
export function DropVeil({ over, words }) {
  if (!over) return null;
  const veil = (
    <div className="drop-veil" aria-hidden data-part="drop-veil">
      <p>
        <Paperclip aria-hidden />
        {words.drop}
      </p>
    </div>
  );
  return createPortal(veil, over);
}

/** Opens the browser's choice of files. */
export function AttachButton({ onChoose, words }) {
  const input = useRef(null);
  return (
    <>
      <button
        type="button"
        className="composer-button attach"
        aria-label={words.attach}
        title={words.attach}
        onClick={() => input.current?.click()}
      >
        <Paperclip aria-hidden />
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        tabIndex={-1}
        aria-label={words.attach}
        data-part="file-input"
        onChange={({ target }) => {
          onChoose(Array.from(target.files));
          // The same file may be chosen again.
          target.value = "";
          focusComposer();
        }}
      />
    </>
  );
}

function problemOf({ problem, said, size }, words) {
  if (problem === "refused") return said ? spoken(said) : words.refused;
  const values = { size: sizeOf(size), most: sizeOf(mostBytes()) };
  return problem ? filled(words[problem], values) : "";
}

function stateOf(file, words) {
  const { status, progress, size } = file;
  if (status === "failed") return problemOf(file, words);
  if (status === "waiting") return words.waiting;
  if (status === "done") return sizeOf(size);
  if (progress >= 1) return words.looking;
  return filled(words.sent, { percent: Math.round(progress * 100) });
}

/** The files that go with the next message, each with what is to be said of it. */
export function AttachedFiles({ thread, files, onRemove, words }) {
  const list = useRef(null);
  useEffect(() => {
    // The newest is seen, where there are more than fit.
    list.current?.lastElementChild?.scrollIntoView({ block: "nearest" });
  }, [files.length]);
  if (!files.length) return null;
  const remove = (key, at) => {
    onRemove(key);
    // The focus goes to what takes its place, or to the box.
    requestAnimationFrame(() => {
      const left = list.current?.querySelectorAll("[data-part=remove]") ?? [];
      if (left.length) left[Math.min(at, left.length - 1)].focus();
      else focusComposer();
    });
  };
  return (
    <ul className="attached" aria-label={words.attached} ref={list} data-part="attached">
      {files.map((file, at) => (
        <li key={file.key} className="attached-file" data-status={file.status}>
          <Thumbnail file={file} />
          <span className="attached-about">
            <span className="file-name" title={file.name}>
              {file.name}
            </span>
            <span className="attached-state">{stateOf(file, words)}</span>
          </span>
          {file.status === "failed" && file.file && !HOPELESS.has(file.problem) ? (
            <button
              type="button"
              className="attached-button"
              aria-label={filled(words.retry, { name: file.name })}
              title={filled(words.retry, { name: file.name })}
              onClick={() => retry(thread, file.key)}
            >
              <RotateCcw aria-hidden />
            </button>
          ) : null}
          <button
            type="button"
            className="attached-button"
            data-part="remove"
            aria-label={filled(words.remove, { name: file.name })}
            title={filled(words.remove, { name: file.name })}
            onClick={() => remove(file.key, at)}
          >
            <X aria-hidden />
          </button>
          {file.status === "sending" || file.status === "waiting" ? (
            <progress
              max={1}
              value={file.status === "sending" && file.progress >= 1 ? undefined : file.progress}
              aria-label={filled(words.progress, { name: file.name })}
            />
          ) : null}
        </li>
      ))}
    </ul>
  );
}

function Thumbnail({ file }) {
  const [broken, setBroken] = useState(false);
  const address = pictureOf(file);
  if (address && !broken) {
    return <img className="attached-picture" src={address} alt="" onError={() => setBroken(true)} />;
  }
  const Icon = isPicture(file) ? ImageOff : FileText;
  return (
    <span className="attached-picture">
      <Icon aria-hidden />
    </span>
  );
}

/** Says to those who do not see it what has become of files; nothing twice. */
export function FilesTeller({ files, note, words }) {
  const before = useRef(new Map());
  const [told, setTold] = useState("");
  useEffect(() => {
    const lines = [];
    for (const file of files) {
      if (before.current.get(file.key) === file.status) continue;
      const known = before.current.has(file.key);
      if (file.status === "done" && known) lines.push(filled(words.isAttached, { name: file.name }));
      if (file.status === "failed") lines.push(`${file.name}: ${problemOf(file, words)}`);
      if (file.status === "sending" && !known) lines.push(filled(words.isComing, { name: file.name }));
    }
    const here = new Set(files.map(({ key }) => key));
    const gone = [...before.current.keys()].some((key) => !here.has(key));
    if (gone && !lines.length && files.length) lines.push(words.isRemoved);
    before.current = new Map(files.map(({ key, status }) => [key, status]));
    if (lines.length) setTold(lines.join(". "));
  }, [files]);
  return (
    <>
      <div className="visually-hidden" role="status" data-part="files-told">
        {told}
      </div>
      <div role="status">{note ? <p className="composer-note files-note">{note}</p> : null}</div>
    </>
  );
}

/** Offers to make a file of long pasted text, while the box still holds it. */
export function PastedOffer({ pasted, text, onFile, onKeep, words }) {
  if (!pasted || !text.includes(pasted)) return null;
  return (
    <div className="pasted-offer" role="group" aria-label={words.pasted} data-part="pasted">
      <span role="status">{filled(words.pastedLong, { count: pasted.length.toLocaleString(locale()) })}</span>
      <button type="button" className="link-button" onClick={onFile}>
        {words.asFile}
      </button>
      <button type="button" className="link-button" onClick={onKeep}>
        {words.asText}
      </button>
    </div>
  );
}

/** A file made of pasted text. */
export const fileOf = (text) => new File([text], "pasted.txt", { type: "text/plain" });

/** Says of pictures that whoever answers cannot see them. */
export function Unseen({ files, agents, picked, words }) {
  const asked = agents.filter(({ name }) => !picked || name === picked);
  const pictures = files.filter((file) => file.status === "done" && isPicture(file));
  const blind = (file) => asked.every(({ media_types: types }) => !(types ?? []).includes(file.media_type));
  const unseen = asked.length > 0 && pictures.some(blind);
  return (
    <div role="status" data-part="unseen">
      {unseen ? (
        <p className="composer-note stranger">
          {picked ? filled(words.unseenBy, { name: picked }) : words.unseen}
        </p>
      ) : null}
    </div>
  );
}
