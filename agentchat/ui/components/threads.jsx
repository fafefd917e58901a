import { useRef, useState } from "react";
import { Link, NavLink, useLocation, useNavigate, useParams } from "react-router";
import * as AlertDialog from "@radix-ui/react-alert-dialog";
import * as Dialog from "@radix-ui/react-dialog";
import * as DropdownMenu from "@radix-ui/react-dropdown-menu";
import { Ellipsis, Pencil, Trash2 } from "lucide-react";
import { focusComposer } from "./store";

/** A link to a thread or a page; the one being shown is marked as the current page, and a link
 * that also stands for the pages in *others* as current on those. */
export function ThreadLink({ to, others = [], className = "thread-link", children }) {
  const { pathname } = useLocation();
  if (others.some((other) => pathname.startsWith(other))) {
    return (
      <Link to={to} className={className} aria-current="true">
        {children}
      </Link>
    );
  }
  return (
    // A server may end an address in a slash; only of the first page all others are part.
    <NavLink to={to} end={to === "/"} className={className}>
      {children}
    </NavLink>
  );
}

function RenameDialog({ title, onRename, onClose, onClosed, words }) {
  const [text, setText] = useState(title);
  const save = (event) => {
    event.preventDefault();
    if (text.trim()) onRename(text.trim());
    onClose();
  };
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="dialog-veil" />
        <Dialog.Content
          className="dialog"
          aria-describedby={undefined}
          onCloseAutoFocus={onClosed}
        >
          <Dialog.Title asChild>
            <h2>{words.renameTitle}</h2>
          </Dialog.Title>
          <form onSubmit={save}>
            <label>
              {words.renameLabel}
              <input
                value={text}
                maxLength={120}
                onChange={(event) => setText(event.target.value)}
                onFocus={(event) => event.target.select()}
              />
            </label>
            <div className="dialog-actions">
              <button type="button" className="button" onClick={onClose}>
                {words.cancel}
              </button>
              <button type="submit" className="button primary" disabled={!text.trim()}>
                {words.save}
              </button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function DeleteDialog({ title, onDelete, onClose, onClosed, words }) {
  return (
    <AlertDialog.Root open onOpenChange={(open) => open || onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="dialog-veil" />
        <AlertDialog.Content className="dialog" onCloseAutoFocus={onClosed}>
          <AlertDialog.Title asChild>
            <h2>{words.deleteTitle}</h2>
          </AlertDialog.Title>
          <AlertDialog.Description asChild>
            <p>{words.deleteText.replace("{title}", () => title)}</p>
          </AlertDialog.Description>
          <div className="dialog-actions">
            <AlertDialog.Cancel className="button">{words.cancel}</AlertDialog.Cancel>
            <AlertDialog.Action className="button danger" onClick={onDelete}>
              {words.delete}
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** Rename and delete, per thread. Dialogs open at once: the server is asked only on confirm. */
export function ThreadMenu({ thread, title, onRename, onDelete, words }) {
  const [dialog, setDialog] = useState(null);
  const { thread_id: current } = useParams();
  const navigate = useNavigate();
  const trigger = useRef(null);
  const deleted = useRef(false);
  const close = () => setDialog(null);
  const restoreFocus = (event) => {
    event.preventDefault();
    // The menu of a thread that goes away cannot keep the focus.
    const menu = deleted.current ? null : trigger.current;
    if (menu) menu.focus();
    else focusComposer();
  };
  return (
    <>
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger
          ref={trigger}
          className="icon-button thread-menu"
          aria-label={words.menu}
          aria-describedby={`title-${thread}`}
        >
          <Ellipsis aria-hidden />
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
            <DropdownMenu.Item className="menu-item" onSelect={() => setDialog("rename")}>
              <Pencil aria-hidden />
              {words.rename}
            </DropdownMenu.Item>
            <DropdownMenu.Item
              className="menu-item danger"
              onSelect={() => {
                deleted.current = false;
                setDialog("delete");
              }}
            >
              <Trash2 aria-hidden />
              {words.delete}
            </DropdownMenu.Item>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
      {dialog === "rename" ? (
        <RenameDialog
          title={title}
          onRename={(text) => onRename(thread, text)}
          onClose={close}
          onClosed={restoreFocus}
          words={words}
        />
      ) : null}
      {dialog === "delete" ? (
        <DeleteDialog
          title={title}
          onDelete={() => {
            deleted.current = true;
            onDelete(thread);
            if (thread === current) navigate("/");
          }}
          onClose={close}
          onClosed={restoreFocus}
          words={words}
        />
      ) : null}
    </>
  );
}
