// Who answers: the menu of agents, mentions, and what a second message does.
import { useEffect, useRef, useState } from "react";
import * as DropdownMenu from "@radix-ui/react-dropdown-menu";
import { Bot, Check, ChevronDown, Cpu } from "lucide-react";
import { filled } from "./said";

function Menu({ label, shown, value, onChoose, className, icon, choices }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={`foot-button ${className}`} aria-label={label} title={label}>
        {icon}
        <span>{shown}</span>
        <ChevronDown aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu choices"
          align="start"
          side="top"
          sideOffset={6}
          collisionPadding={12}
        >
          <DropdownMenu.RadioGroup value={value} onValueChange={onChoose}>
            {choices.map(({ name, title, text, detail, warning }) => (
              <DropdownMenu.RadioItem key={name} value={name} className="menu-item choice">
                <span className="choice-mark">
                  <DropdownMenu.ItemIndicator>
                    <Check aria-hidden />
                  </DropdownMenu.ItemIndicator>
                </span>
                <span className="choice-text">
                  <strong>{title}</strong>
                  {text ? <span>{text}</span> : null}
                  {detail ? <small>{detail}</small> : null}
                  {warning ? <small className="choice-warning">{warning}</small> : null}
                </span>
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function lack(agent, lacking, words) {
  const names = lacking.filter(({ agents }) => agents.includes(agent)).map(({ name }) => name);
  return names.length ? filled(words.without, { names: names.join(", ") }) : "";
}

/** Who answers in this thread. A model is named where it is not the one of the page. */
export function AgentPicker({ agents, model: common, lacking, value, onChoose, words }) {
  const several = new Set(agents.map(({ model }) => model)).size > 1;
  const choices = [
    { name: "", title: words.automatic, text: words.automaticMore },
    ...agents.map(({ name, description, model }) => ({
      name,
      title: name,
      text: description,
      detail: several && model !== common ? model : "",
      warning: lack(name, lacking, words),
    })),
  ];
  const shown = agents.some((agent) => agent.name === value) ? value : "";
  return (
    <Menu
      className="agent-picker"
      label={`${words.pick}: ${shown || words.automatic}`}
      icon={<Bot aria-hidden />}
      shown={shown || words.automatic}
      value={shown}
      onChoose={onChoose}
      choices={choices}
    />
  );
}

/** Which model answers in this thread; nothing where there is none to choose. */
export function ModelPicker({ models, value, onChoose, words }) {
  const chosen = models.find(({ name }) => name === value);
  const gone = value && !chosen;
  if (!models.length && !gone) return null;
  const lost = { name: value, title: filled(words.modelGone, { name: value }) };
  const choices = [
    { name: "", title: words.ownModel, text: words.ownModelMore },
    ...models.map(({ name, label }) => ({ name, title: label, detail: name })),
    ...(gone ? [{ ...lost, warning: words.modelGoneMore }] : []),
  ];
  const shown = gone ? lost.title : (chosen?.label ?? words.ownModel);
  return (
    <Menu
      className={gone ? "model-picker gone" : "model-picker"}
      label={`${words.model}: ${shown}`}
      icon={<Cpu aria-hidden />}
      shown={shown}
      value={value}
      onChoose={onChoose}
      choices={choices}
    />
  );
}

const SECOND = ["queue", "steer", "interrupt", "replace"];

/** What a message does that is sent now, while an answer is being written. `apart` says that it
 * waits all the same, because it may not join. */
export function SecondMenu({ value, apart, onChoose, words }) {
  const shown = value === "steer" && apart ? apart : words[value];
  return (
    <Menu
      className="second-menu"
      label={`${words.second}: ${shown}`}
      shown={shown}
      value={value}
      onChoose={onChoose}
      choices={SECOND.map((name) => ({ name, title: words[name], text: words[`${name}More`] }))}
    />
  );
}

const MENTION = /^\s*@([\w-]*)$/;
// As the server reads it: the first word, without what ends it. Names begin with a letter.
const ADDRESSED = /^\s*@([a-z][\w-]*)[,:;.!?]*(\s|$)/i;

/** Whom a message is addressed to who is not there; nobody, while the name may go on. */
function strangerIn(text, agents) {
  const [, name, after] = ADDRESSED.exec(text) ?? [];
  if (name === undefined || agents.length === 0) return "";
  const said = name.toLowerCase();
  const known = agents.some((agent) => (after ? agent.name === said : agent.name.startsWith(said)));
  return known ? "" : name;
}

/** Says that a message is addressed to nobody, and who answers it. */
export function Stranger({ text, agents, picked, words }) {
  const name = strangerIn(text, agents);
  const who = agents.some((agent) => agent.name === picked) ? picked : "";
  const said = filled(who ? words.unknown : words.unknownAutomatic, { name, who });
  return (
    <div role="status" data-part="stranger">
      {name ? <p className="composer-note stranger">{said}</p> : null}
    </div>
  );
}

/**
 * Completes the name of an agent at the beginning of a message. Gives what the message box
 * needs: attributes, a key handler that says whether it took the key, and the list.
 */
export function useMention(text, agents, words, complete) {
  const [place, setPlace] = useState(0);
  const [closed, setClosed] = useState("");
  const begun = agents.length > 1 ? MENTION.exec(text)?.[1].toLowerCase() : undefined;
  const found =
    begun === undefined || closed === text
      ? []
      : agents.filter(({ name }) => name.startsWith(begun) && name !== begun);
  const open = found.length > 0;
  const current = Math.min(place, found.length - 1);
  const list = useRef(null);
  useEffect(() => setPlace(0), [begun]);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [current, open]);

  const take = (name) => complete(`@${name} `);
  const onKeyDown = (event) => {
    if (!open || event.nativeEvent.isComposing) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setPlace((current + step + found.length) % found.length);
    else if (event.key === "Escape") setClosed(text);
    else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") {
      take(found[current].name);
    } else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  const attributes = agents.length > 1 && {
    "aria-autocomplete": "list",
    "aria-haspopup": "listbox",
    "aria-controls": open ? "mentions" : undefined,
    "aria-activedescendant": open ? `mention-${found[current].name}` : undefined,
    onBlur: () => setClosed(text),
  };
  const listbox = open ? (
    <ul className="menu mentions" role="listbox" id="mentions" aria-label={words.mention} ref={list}>
      {found.map(({ name, description }, at) => (
        <li
          key={name}
          id={`mention-${name}`}
          role="option"
          aria-selected={at === current}
          className="menu-item"
          // The box keeps the focus.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => take(name)}
        >
          <strong>@{name}</strong>
          <span>{description}</span>
        </li>
      ))}
    </ul>
  ) : null;
  return { attributes, onKeyDown, listbox };
}
