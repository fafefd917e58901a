import { useEffect, useRef, useState } from "react";
import * as Dialog from "@radix-ui/react-dialog";
import { X } from "lucide-react";
import { useNewThread } from "./new_thread";
import { focusComposer } from "./store";
import {
  SHORTCUTS,
  areOff,
  mayAct,
  onTold,
  restoresFocus,
  shortcutOf,
  signsOf,
  switchOff,
  tell,
  useOff,
} from "./shortcuts.js";

const GROUPS = ["anywhere", "thread", "box"];

/** The thread above or below the one that is shown, as the list has them. */
function step(by) {
  const links = [...document.querySelectorAll(".sidebar .threads a[href^='/t/']")];
  // By the address: the page is drawn later, and keys are pressed quickly.
  const address = window.location.pathname.replace(/\/$/, "");
  const here = links.findIndex((link) => link.pathname === address);
  const to = links[here < 0 ? 0 : here + by];
  if (!to) return false;
  to.click();
  return true;
}

function pressed(selector) {
  const found = [...document.querySelectorAll(selector)].pop();
  found?.click();
  return Boolean(found);
}

/** The keys that work anywhere, and the list of them. Shows nothing while that is closed. */
export function Shortcuts({ words, onRename }) {
  const [open, setOpen] = useState(false);
  const [said, setSaid] = useState("");
  const before = useRef(null);
  const show = () => {
    before.current = document.activeElement;
    setOpen(true);
  };
  const off = useOff();
  const goToNew = useNewThread();
  const latest = useRef({});
  // Each gives whether there was something to do: else the key stays the browser's.
  latest.current = {
    search: () => tell("search") ?? true,
    new: () => goToNew() ?? true,
    previous: () => step(-1),
    next: () => step(1),
    sidebar: () => tell("sidebar") ?? true,
    help: () => show() ?? true,
    compose: () => {
      if (!document.getElementById("message")) return false;
      focusComposer();
      return true;
    },
    stop: () => {
      if (!pressed(".composer-button.stop")) return false;
      setSaid(words.stopped);
      return true;
    },
    copy: () => {
      const answers = [...document.querySelectorAll("article[data-role='assistant']")];
      // One that is still being written is not copied yet, and neither is the one before it.
      const button = answers.pop()?.querySelector("[data-copies]");
      button?.click();
      if (button) setSaid(words.copied);
      return answers.length > 0 || Boolean(button);
    },
  };

  useEffect(() => {
    const onKey = (event) => {
      if (event.defaultPrevented || areOff()) return;
      const found = shortcutOf(event);
      if (!found || !mayAct(found, event.target)) return;
      setSaid("");
      if (latest.current[found.name]()) event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  useEffect(() => onTold("shortcuts", show), []);
  useEffect(() => onTold("rename", ({ thread, title }) => onRename(thread, title)), [onRename]);

  return (
    <>
      <span role="status" className="visually-hidden">
        {said}
      </span>
      <Dialog.Root open={open} onOpenChange={setOpen}>
        <Dialog.Portal>
          <Dialog.Overlay className="dialog-veil" />
          <Dialog.Content
            className="dialog shortcuts"
            aria-describedby={undefined}
            onCloseAutoFocus={restoresFocus(before.current)}
          >
            <div className="shortcuts-top">
              <Dialog.Title asChild>
                <h2>{words.title}</h2>
              </Dialog.Title>
              <Dialog.Close className="icon-button" aria-label={words.close}>
                <X aria-hidden />
              </Dialog.Close>
            </div>
            <div className="shortcuts-groups">
              {GROUPS.map((group) => (
                <section key={group} aria-labelledby={`shortcuts-${group}`}>
                  <h3 id={`shortcuts-${group}`}>{words[group]}</h3>
                  <dl>
                    {SHORTCUTS.filter((one) => one.group === group).map(({ name, keys }) => (
                      <div key={name} data-off={(off && group !== "box") || undefined}>
                        <dt>{words.does[name]}</dt>
                        <dd>
                          {signsOf(keys).map((sign) => (
                            <kbd key={sign}>{sign}</kbd>
                          ))}
                        </dd>
                      </div>
                    ))}
                  </dl>
                </section>
              ))}
            </div>
            <label className="shortcuts-switch">
              <input
                type="checkbox"
                checked={!off}
                onChange={(event) => switchOff(!event.target.checked)}
              />
              <span>
                {words.on}
                <small>{words.onMore}</small>
              </span>
            </label>
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog.Root>
    </>
  );
}
