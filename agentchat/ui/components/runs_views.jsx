// Saved views: filters under a name.
import { useRef, useState } from "react";
import { Link } from "react-router";
import * as Dialog from "@radix-ui/react-dialog";
import { Bookmark, Link2, Pencil, Trash2 } from "lucide-react";
import { filled } from "./asks";
import { spoken } from "./said";

function View({ view, address, desk, words, onGone }) {
  const [name, setName] = useState(null);
  const pencil = useRef(null);
  const back = () => {
    setName(null);
    requestAnimationFrame(() => pencil.current?.focus());
  };
  if (name !== null) {
    return (
      <li>
        <form
          className="runs-view-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() && name.trim() !== view.name) desk.onRename(view.id, name.trim());
            back();
          }}
        >
          <input
            autoFocus
            aria-label={filled(words.newName, view)}
            value={name}
            maxLength={80}
            onChange={(event) => setName(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "Escape") return;
              event.stopPropagation();
              back();
            }}
          />
          <button type="submit" className="button small primary" disabled={!name.trim()}>
            {words.keep}
          </button>
          <button type="button" className="button small" onClick={back}>
            {words.cancel}
          </button>
        </form>
      </li>
    );
  }
  return (
    <li>
      <Dialog.Close asChild>
        <Link to={address.to(view.query)} className="runs-view-link">
          {view.name}
        </Link>
      </Dialog.Close>
      <button
        ref={pencil}
        type="button"
        className="icon-button"
        aria-label={filled(words.renameOf, view)}
        onClick={() => setName(view.name)}
      >
        <Pencil aria-hidden />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={filled(words.deleteOf, view)}
        onClick={() => {
          desk.onDelete(view.id);
          onGone();
        }}
      >
        <Trash2 aria-hidden />
      </button>
    </li>
  );
}

function CopyLink({ address, words }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    const query = address.filter();
    const link = `${window.location.origin}${address.pathname}${query ? `?${query}` : ""}`;
    try {
      await navigator.clipboard.writeText(link);
      setCopied(true);
      setTimeout(() => setCopied(false), 2000);
    } catch {
      window.prompt(words.copy, link); // without https there is no clipboard
    }
  };
  return (
    <button type="button" className="button small" onClick={copy}>
      <Link2 aria-hidden size={15} />
      <span role="status">{copied ? words.copied : words.copy}</span>
    </button>
  );
}

/** A button that opens the list of saved views. */
export function Views({ views, problem, address, desk, words }) {
  const [name, setName] = useState("");
  const field = useRef(null);
  const save = (event) => {
    event.preventDefault();
    if (!name.trim()) return;
    desk.onSave(name.trim(), address.filter());
    setName("");
  };
  return (
    <Dialog.Root>
      <Dialog.Trigger className="button small">
        <Bookmark aria-hidden size={15} />
        {words.button}
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className="dialog-veil" />
        <Dialog.Content className="dialog runs-views">
          <Dialog.Title asChild>
            <h2>{words.title}</h2>
          </Dialog.Title>
          <Dialog.Description asChild>
            <p>{words.about}</p>
          </Dialog.Description>
          {views.length ? (
            <ul>
              {views.map((view) => (
                <View
                  key={view.id}
                  view={view}
                  address={address}
                  desk={desk}
                  words={words}
                  onGone={() => field.current?.focus()}
                />
              ))}
            </ul>
          ) : (
            <p className="runs-views-none">{words.none}</p>
          )}
          <form className="runs-view-form" onSubmit={save}>
            <input
              ref={field}
              aria-label={words.name}
              placeholder={words.name}
              value={name}
              maxLength={80}
              onChange={(event) => setName(event.target.value)}
            />
            <button type="submit" className="button small primary" disabled={!name.trim()}>
              {words.save}
            </button>
          </form>
          {problem ? (
            <p className="ask-problem" role="alert">
              {spoken(problem)}
            </p>
          ) : null}
          <div className="dialog-actions">
            <CopyLink address={address} words={words} />
            <Dialog.Close className="button small">{words.close}</Dialog.Close>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
