// One line of the list of threads: its link, its marks, its menu, and its title being changed.
import { memo, useRef, useState } from "react";
import { NavLink } from "react-router";
import * as Dialog from "@radix-ui/react-dialog";
import * as DropdownMenu from "@radix-ui/react-dropdown-menu";
import {
  Archive,
  ChevronRight,
  Ellipsis,
  Folder,
  FolderMinus,
  FolderPlus,
  LogOut,
  Mail,
  MailOpen,
  Pencil,
  Pin,
  PinOff,
  Trash2,
  Users,
} from "lucide-react";

function Marks({ line, unread, words }) {
  if (line.asks) return <Mark name="asks-mark" words={words.asking} />;
  if (line.running) return <Mark name="spinner" words={words.answering} />;
  return unread ? <Mark name="unread-dot" words={words.unread} /> : null;
}

function Mark({ name, words }) {
  return <span className={name} role="img" aria-label={words} title={words} />;
}

function Item({ icon: Icon, className = "menu-item", children, ...rest }) {
  return (
    <DropdownMenu.Item className={className} {...rest}>
      <Icon aria-hidden />
      {children}
    </DropdownMenu.Item>
  );
}

function Folders({ line, folders, act, onNew, words }) {
  return (
    <DropdownMenu.Sub>
      <DropdownMenu.SubTrigger className="menu-item">
        <Folder aria-hidden />
        {words.move}
        <ChevronRight className="menu-more" aria-hidden />
      </DropdownMenu.SubTrigger>
      <DropdownMenu.Portal>
        <DropdownMenu.SubContent className="menu thread-folders" sideOffset={2} collisionPadding={8}>
          {folders
            .filter((name) => name !== line.folder)
            .map((name) => (
              <Item key={name} icon={Folder} onSelect={() => act("move", line, name)}>
                <span className="menu-text">{name}</span>
              </Item>
            ))}
          {line.folder ? (
            <Item icon={FolderMinus} onSelect={() => act("move", line, "")}>
              {words.noFolder}
            </Item>
          ) : null}
          <Item icon={FolderPlus} onSelect={onNew}>
            {words.newFolder}
          </Item>
        </DropdownMenu.SubContent>
      </DropdownMenu.Portal>
    </DropdownMenu.Sub>
  );
}

function Menu({ line, unread, folders, shares, act, onRename, onNew, words }) {
  return (
    <>
      {line.role === "viewer" ? null : (
        <Item icon={Pencil} onSelect={onRename}>
          {words.rename}
        </Item>
      )}
      <Item
        icon={line.pinned ? PinOff : Pin}
        onSelect={() => act(line.pinned ? "unpin" : "pin", line)}
      >
        {line.pinned ? words.unpin : words.pin}
      </Item>
      <Folders line={line} folders={folders} act={act} onNew={onNew} words={words} />
      <Item
        icon={unread ? MailOpen : Mail}
        onSelect={() => act(unread ? "read" : "unread", line)}
      >
        {unread ? words.markRead : words.markUnread}
      </Item>
      {shares ? (
        <Item icon={Users} onSelect={() => act("share", line)}>
          {words.share}
        </Item>
      ) : null}
      <DropdownMenu.Separator className="menu-line" />
      <Item icon={Archive} onSelect={() => act("archive", line)}>
        {words.archive}
      </Item>
      {line.role === "owner" ? (
        <Item icon={Trash2} className="menu-item danger" onSelect={() => act("delete", line)}>
          {words.delete}
        </Item>
      ) : (
        <Item icon={LogOut} className="menu-item danger" onSelect={() => act("leave", line)}>
          {words.leave}
        </Item>
      )}
    </>
  );
}

function Renaming({ line, onDone, words }) {
  const box = useRef(null);
  const over = useRef(false);
  const end = (title) => {
    if (over.current) return;
    over.current = true;
    onDone(title);
  };
  const onKey = (event) => {
    event.stopPropagation();
    // While letters are being put together, Enter takes one of them.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") end(box.current.value.trim());
    if (event.key === "Escape") {
      // The drawer stays open.
      event.preventDefault();
      end("");
    }
  };
  return (
    <input
      ref={box}
      className="thread-rename"
      aria-label={words.renameLabel}
      defaultValue={line.title}
      maxLength={120}
      autoFocus
      onFocus={(event) => event.target.select()}
      onKeyDown={onKey}
      onBlur={() => end(box.current.value.trim())}
    />
  );
}

function NewFolder({ line, act, onClose, words }) {
  const [name, setName] = useState("");
  const save = (event) => {
    event.preventDefault();
    if (name.trim()) act("move", line, name.trim());
    onClose();
  };
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="dialog-veil" />
        <Dialog.Content className="dialog" aria-describedby={undefined} onCloseAutoFocus={(event) => event.preventDefault()}>
          <Dialog.Title asChild>
            <h2>{words.folderTitle}</h2>
          </Dialog.Title>
          <form onSubmit={save}>
            <label>
              {words.folderLabel}
              <input value={name} maxLength={80} onChange={(event) => setName(event.target.value)} />
            </label>
            <div className="dialog-actions">
              <button type="button" className="button" onClick={onClose}>
                {words.cancel}
              </button>
              <button type="submit" className="button primary" disabled={!name.trim()}>
                {words.save}
              </button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/**
 * A line. *mode* is what is done to it just now: menu (keys, if it was opened without its button),
 * rename, folder, or nothing. *act* does
 * something to the thread, *setMode* begins something else and gives the focus back when it ends.
 */
export const Line = memo(function Line({ line, tabStop, unread, mode, folders, shares, act, setMode, words }) {
  // What the menu has begun takes the focus, and not the button that opened it.
  const next = useRef("");
  const byKeys = useRef(false);
  if (mode) byKeys.current = mode === "keys";
  const title = line.title || words.untitled;
  const begin = (what) => {
    next.current = what;
  };
  const doing = (action, ...rest) => {
    next.current = "done";
    act(action, ...rest);
  };
  const onClosed = (event) => {
    const what = next.current;
    next.current = "";
    if (what || byKeys.current) event.preventDefault();
    if (what && what !== "done") setMode(line.id, what);
    else if (what || byKeys.current) act("focus", line);
  };
  return (
    <li className="thread-line" data-unread={unread || undefined}>
      {mode === "rename" ? (
        <Renaming
          line={line}
          words={words}
          onDone={(text) => {
            setMode(line.id, "");
            if (text && text !== line.title) act("rename", line, text);
            act("focus", line);
          }}
        />
      ) : (
        <NavLink
          to={`/t/${line.id}`}
          className="thread-link"
          tabIndex={tabStop ? 0 : -1}
          data-row={line.id}
          title={title}
        >
          <span id={`title-${line.id}`} className="thread-title">
            {title}
          </span>
          <Marks line={line} unread={unread} words={words} />
        </NavLink>
      )}
      {mode === "rename" ? null : (
        <DropdownMenu.Root
          modal={false}
          open={mode === "menu" || mode === "keys"}
          onOpenChange={(open) => setMode(line.id, open ? "menu" : "")}
        >
          <DropdownMenu.Trigger
            className="icon-button thread-menu"
            aria-label={words.menu}
            aria-describedby={`title-${line.id}`}
            tabIndex={tabStop ? 0 : -1}
            data-menu={line.id}
          >
            <Ellipsis aria-hidden />
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content
              className="menu"
              align="start"
              sideOffset={4}
              collisionPadding={8}
              onCloseAutoFocus={onClosed}
            >
              <Menu
                line={line}
                unread={unread}
                folders={folders}
                shares={shares}
                act={doing}
                onRename={() => begin("rename")}
                onNew={() => begin("folder")}
                words={words}
              />
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu.Root>
      )}
      {mode === "folder" ? (
        <NewFolder
          line={line}
          act={act}
          words={words}
          onClose={() => {
            setMode(line.id, "");
            act("focus", line);
          }}
        />
      ) : null}
    </li>
  );
});
