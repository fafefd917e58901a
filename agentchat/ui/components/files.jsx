// The files of messages that are sent: pictures to look at, all else to read or to keep.
import { useRef, useState } from "react";
import * as Dialog from "@radix-ui/react-dialog";
import { ChevronLeft, ChevronRight, Download, FileText, ImageOff, X } from "lucide-react";
import { decimal, filled } from "./said";

const PICTURE = /^image\/(png|jpeg|gif|webp)$/;
const READABLE = /^(text\/|application\/(json|xml|pdf)$)/;

/** How large a file is, as people say it. */
export function sizeOf(bytes) {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${decimal(bytes / 1_000, 0)} kB`;
  return `${decimal(bytes / 1_000_000, 1)} MB`;
}

const sorted = (files) => ({
  pictures: files.filter(({ media_type }) => PICTURE.test(media_type)),
  others: files.filter(({ media_type }) => !PICTURE.test(media_type)),
});

/** The files of a message: where they lie is told by `at`. */
export function MessageFiles({ files, at = "/files", readable = true, words }) {
  const { pictures, others } = sorted(files);
  return (
    <div className="message-files">
      {pictures.length ? <Pictures pictures={pictures} at={at} words={words} /> : null}
      {others.length ? (
        <ul className="files" aria-label={words.files}>
          {others.map((file) => (
            <OneFile key={file.id} file={file} at={at} readable={readable} words={words} />
          ))}
        </ul>
      ) : null}
    </div>
  );
}

/** The same of a message that is on its way: nothing can be done with them yet, and they take the
 * room that they will have. */
export function WaitingFiles({ files, pictureOf, words }) {
  if (!files?.length) return null;
  const { pictures, others } = sorted(files);
  return (
    <div className="message-files">
      {pictures.length ? (
        <ul className="files pictures" aria-label={words.pictures}>
          {pictures.map((file) => {
            const address = pictureOf(file);
            return (
              <li key={file.id} className="picture">
                {address ? <img src={address} alt={file.name} /> : null}
              </li>
            );
          })}
        </ul>
      ) : null}
      {others.length ? (
        <ul className="files" aria-label={words.files}>
          {others.map((file) => (
            <li key={file.id} className="file">
              <About file={file} />
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

function About({ file }) {
  return (
    <>
      <FileText aria-hidden />
      <span className="file-name" title={file.name}>
        {file.name}
      </span>
      <span className="file-size">{sizeOf(file.size)}</span>
    </>
  );
}

function Pictures({ pictures, at, words }) {
  const [shown, setShown] = useState(-1);
  const [broken, setBroken] = useState({});
  const opened = useRef(null);
  return (
    <>
      <ul className="files pictures" aria-label={words.pictures}>
        {pictures.map((file, number) => (
          <li key={file.id}>
            <button
              type="button"
              className="picture"
              aria-label={filled(words.open, { name: file.name })}
              onClick={({ currentTarget }) => {
                opened.current = currentTarget;
                setShown(number);
              }}
            >
              {broken[file.id] ? (
                <span className="picture-broken">
                  <ImageOff aria-hidden />
                  <span>{file.name}</span>
                </span>
              ) : (
                <img
                  src={`${at}/${file.id}`}
                  alt={file.name}
                  loading="lazy"
                  decoding="async"
                  onError={() => setBroken((ids) => ({ ...ids, [file.id]: true }))}
                />
              )}
            </button>
          </li>
        ))}
      </ul>
      {shown >= 0 && pictures[shown] ? (
        <LargePicture
          pictures={pictures}
          shown={shown}
          onShow={setShown}
          onClosed={(event) => {
            event.preventDefault();
            opened.current?.focus();
          }}
          at={at}
          words={words}
        />
      ) : null}
    </>
  );
}

function LargePicture({ pictures, shown, onShow, onClosed, at, words }) {
  const file = pictures[shown];
  const [failed, setFailed] = useState("");
  const step = (by) => onShow((shown + by + pictures.length) % pictures.length);
  const onKeyDown = ({ key }) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (by && pictures.length > 1) step(by);
  };
  return (
    <Dialog.Root open onOpenChange={(open) => open || onShow(-1)}>
      <Dialog.Portal>
        <Dialog.Overlay className="dialog-veil" />
        <Dialog.Content
          className="large-picture"
          aria-describedby={undefined}
          onCloseAutoFocus={onClosed}
          onKeyDown={onKeyDown}
        >
          <header>
            <Dialog.Title asChild>
              <h2 className="file-name" title={file.name}>
                {file.name}
              </h2>
            </Dialog.Title>
            <span className="file-size">{sizeOf(file.size)}</span>
            <a
              className="icon-button"
              href={`${at}/${file.id}`}
              download={file.name}
              aria-label={filled(words.download, { name: file.name })}
              title={filled(words.download, { name: file.name })}
            >
              <Download aria-hidden />
            </a>
            <Dialog.Close className="icon-button" aria-label={words.close} title={words.close}>
              <X aria-hidden />
            </Dialog.Close>
          </header>
          <div className="large-picture-frame">
            {failed === file.id ? (
              <p className="picture-broken">
                <ImageOff aria-hidden />
                <span>{words.broken}</span>
              </p>
            ) : (
              <img
                key={file.id}
                src={`${at}/${file.id}`}
                alt={file.name}
                onError={() => setFailed(file.id)}
              />
            )}
            {pictures.length > 1 ? (
              <>
                <button
                  type="button"
                  className="icon-button picture-step before"
                  aria-label={words.before}
                  onClick={() => step(-1)}
                >
                  <ChevronLeft aria-hidden />
                </button>
                <button
                  type="button"
                  className="icon-button picture-step after"
                  aria-label={words.after}
                  onClick={() => step(1)}
                >
                  <ChevronRight aria-hidden />
                </button>
              </>
            ) : null}
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function OneFile({ file, at, readable, words }) {
  const [text, setText] = useState(null);
  const address = `${at}/${file.id}`;
  const read = async ({ currentTarget }) => {
    if (!currentTarget.open || text?.text !== undefined) return;
    setText({ words: words.reading });
    try {
      const answer = await fetch(`${address}/text`, { headers: { Accept: "application/json" } });
      setText(answer.ok ? await answer.json() : { words: words.unreadable });
    } catch {
      setText({ words: words.unreadable });
    }
  };
  return (
    <li className="file-entry">
      <a
        className="file"
        href={address}
        download={file.name}
        aria-label={filled(words.download, { name: `${file.name}, ${sizeOf(file.size)}` })}
      >
        <About file={file} />
        <Download aria-hidden className="file-download" />
      </a>
      {readable && READABLE.test(file.media_type) ? (
        <details className="file-text" onToggle={read}>
          <summary aria-label={filled(words.previewOf, { name: file.name })}>{words.preview}</summary>
          {text?.text === undefined ? (
            <p role="status">{text?.words ?? ""}</p>
          ) : (
            // It scrolls: the keyboard has to reach it.
            <pre tabIndex={0} aria-label={file.name}>
              {text.text || words.nothing}
            </pre>
          )}
          {text?.cut ? <p>{words.cut}</p> : null}
        </details>
      ) : null}
    </li>
  );
}
