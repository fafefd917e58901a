// Commands that are typed into the message box, and the key that edits what was sent last.
import { useEffect, useRef, useState } from "react";
import { filled } from "./said";
import { tell } from "./shortcuts.js";

const NAME = /^\/([a-z]*)$/i;
const COMMAND = /^\/([a-z]+)(?:\s+([\s\S]*))?$/i;

const FORMS = { "": "md", md: "md", markdown: "md", json: "json" };

const last = (selector) => [...document.querySelectorAll(selector)].pop();

/** The button of the last answer that has one of these names. */
function buttonOf(names) {
  const buttons = last("article[data-role='assistant']")?.querySelectorAll("button") ?? [];
  const called = (one) => names.includes((one.getAttribute("aria-label") ?? one.textContent).trim());
  return [...buttons].find(called);
}

/** The model that is meant: by its name, by what it is called, or by the only one that fits. */
function modelOf(models, given) {
  const said = given.toLowerCase();
  const called = ({ name, label }) => [name.toLowerCase(), label.toLowerCase()];
  const exact = models.find((one) => called(one).includes(said));
  const fits = models.filter((one) => called(one).some((name) => name.includes(said)));
  return exact ?? (fits.length === 1 ? fits[0] : undefined);
}

function download(address) {
  const link = Object.assign(document.createElement("a"), { href: address, download: "" });
  link.click();
}

/**
 * What can be asked for just now: each says whether it needs words after it (`takes`), and what it
 * does with them. Buttons that are not there cannot be pressed.
 */
function commandsFor({ thread, running, agents, choose, models, chooseModel, onStop, words }) {
  const press = (name, button) => (button ? { name, run: () => button.click() } : null);
  return [
    press("new", last(".new-thread")),
    running ? { name: "stop", run: () => onStop(thread) } : null,
    running ? null : press("retry", buttonOf(words.retryButtons)),
    agents.length > 1
      ? {
          name: "agent",
          takes: true,
          run: (given) => {
            const name = given.replace(/^@/, "").toLowerCase();
            const known = agents.some((agent) => agent.name === name);
            if (known) choose(name);
            return known ? "" : words.noAgent.replace("{name}", () => given);
          },
        }
      : null,
    models.length
      ? {
          name: "model",
          takes: true,
          run: (given) => {
            const model = modelOf(models, given);
            if (model) chooseModel(model.name);
            const names = models.map(({ label }) => label).join(", ");
            return model ? "" : filled(words.noModel, { name: given, names });
          },
        }
      : null,
    thread ? { name: "rename", takes: true, run: (title) => tell("rename", { thread, title }) } : null,
    last("[data-own]") ? { name: "edit", run: () => setTimeout(editLast) } : null,
    press("copy", buttonOf(words.copyButtons)),
    press("share", last("[data-part='share']")),
    thread
      ? {
          name: "export",
          optional: true,
          run: (form) => {
            const ending = FORMS[form.toLowerCase()];
            if (ending) download(`/export/threads/${thread}.${ending}`);
            return ending ? "" : words.noForm;
          },
        }
      : null,
    { name: "search", optional: true, run: (text) => tell("search", text) },
    { name: "help", run: () => tell("shortcuts") },
  ].filter(Boolean);
}

function editLast() {
  const event = new CustomEvent("agentchat:edit-last", { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}

/**
 * Gives what the message box needs: a key handler that says whether it took the key, `takes` that
 * says whether a message was a command and has been carried out, attributes, the list and a note.
 */
export function useCommands(given) {
  const { text, change, words } = given;
  const [place, setPlace] = useState(0);
  const [closed, setClosed] = useState("");
  const [note, setNote] = useState("");
  const sure = useRef("");
  const begun = NAME.exec(text)?.[1].toLowerCase();
  const found =
    begun === undefined || closed === text
      ? []
      : commandsFor(given).filter(({ name }) => name.startsWith(begun));
  const open = found.length > 0;
  const current = Math.min(place, found.length - 1);
  const list = useRef(null);
  useEffect(() => setPlace(0), [begun]);
  useEffect(() => {
    if (text !== sure.current) setNote("");
  }, [text]);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [current, open]);

  const carryOut = (command, argument) => {
    const problem = command.run(argument);
    if (typeof problem === "string" && problem) {
      setNote(problem);
      return;
    }
    change("");
  };
  const say = (said, message) => {
    sure.current = message;
    setNote(said.replace("{name}", () => message.split(/\s/)[0]));
    return true;
  };

  const takes = (message) => {
    const [, written, argument = ""] = COMMAND.exec(message) ?? [];
    if (written === undefined) return false;
    const name = written.toLowerCase();
    const command = commandsFor(given).find((one) => one.name === name);
    if (!command) {
      // Whoever presses once more means the words.
      if (sure.current === message) {
        sure.current = "";
        setNote("");
        return false;
      }
      return say(words.does[name] ? words.notNow : words.unknown, message);
    }
    if (command.takes && !argument.trim()) return say(words.needs, message);
    carryOut(command, argument.trim());
    return true;
  };

  const take = (command) => {
    // Whoever has written all of its name needs no more of it.
    const whole = text.toLowerCase() === `/${command.name}`;
    if (command.takes || (command.optional && !whole)) change(`/${command.name} `);
    else carryOut(command, "");
  };
  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return false;
    const plain = !(event.shiftKey || event.altKey || event.ctrlKey || event.metaKey);
    if (text === "" && event.key === "ArrowUp" && plain && editLast()) {
      event.preventDefault();
      return true;
    }
    if (!open) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setPlace((current + step + found.length) % found.length);
    else if (event.key === "Escape") setClosed(text);
    else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") take(found[current]);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };

  const attributes = open && {
    "aria-autocomplete": "list",
    "aria-haspopup": "listbox",
    "aria-controls": "commands",
    "aria-activedescendant": `command-${found[current].name}`,
    onBlur: () => setClosed(text),
  };
  const listbox = open ? (
    <ul className="menu mentions" role="listbox" id="commands" aria-label={words.list} ref={list}>
      {found.map((command, at) => (
        <li
          key={command.name}
          id={`command-${command.name}`}
          role="option"
          aria-selected={at === current}
          className="menu-item"
          // The box keeps the focus.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => take(command)}
        >
          <strong>
            /{command.name}
            {words[command.name] ? <em> {words[command.name]}</em> : null}
          </strong>
          <span>{words.does[command.name]}</span>
        </li>
      ))}
    </ul>
  ) : null;
  const told = (
    <div role="status" data-part="command">
      {note ? <p className="composer-note stranger">{note}</p> : null}
    </div>
  );
  return { attributes, onKeyDown, takes, listbox, note: told };
}
