// Who else is in a thread, and who types.
import { filled } from "./asks";
import { locale } from "./said";

const MOST = 4;

/** What stands for a name: the first letters of its first and its last word. */
export function initials(name) {
  const parts = name.trim().split(/\s+/).filter(Boolean);
  const first = Array.from(parts[0] ?? "?")[0];
  const last = parts.length > 1 ? Array.from(parts.at(-1))[0] : "";
  return (first + last).toUpperCase();
}

// Of each person always the same: their names may be alike.
const hueOf = (id) => Array.from(id).reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);

const listed = (names) => new Intl.ListFormat(locale()).format(names);

/** One person, as a small circle. */
export function Initials({ id, name }) {
  return (
    <span className="initials" style={{ "--hue": hueOf(id) }} aria-hidden>
      {initials(name)}
    </span>
  );
}

/** Who else looks at the thread. */
export function WhoIsHere({ here, words }) {
  const { people = [], more = 0, visitors = 0 } = here;
  if (!people.length && !visitors) return null;
  const shown = people.slice(0, MOST);
  const rest = people.slice(shown.length).map(({ name }) => name);
  if (more) rest.push(`+${more}`);
  const others = rest.length ? filled(words.more, { names: listed(rest) }) : "";
  const reading = filled(visitors === 1 ? words.visitor : words.visitors, { count: visitors });
  return (
    <ul className="here" aria-label={words.label} data-part="here">
      {shown.map(({ id, name, typing }) => {
        const text = filled(typing ? words.typing : words.one, { name });
        return (
          <li key={id} title={text} data-typing={typing || undefined} data-name={name}>
            <Initials id={id} name={name} />
            <span className="visually-hidden">{text}</span>
          </li>
        );
      })}
      {rest.length ? (
        <li title={others}>
          <span className="initials rest" aria-hidden>
            +{people.length - shown.length + more}
          </span>
          <span className="visually-hidden">{others}</span>
        </li>
      ) : null}
      {visitors ? (
        <li title={reading} className="here-visitors">
          <span className="initials rest" aria-hidden>
            {visitors}
          </span>
          <span className="visually-hidden">{reading}</span>
        </li>
      ) : null}
    </ul>
  );
}

/** Who types just now. */
export function WhoTypes({ here, words }) {
  const names = (here.people ?? []).filter(({ typing }) => typing).map(({ name }) => name);
  const texts = ["", words.oneTypes, words.twoType];
  const text = filled(texts[names.length] ?? words.severalType, { name: names[0], other: names[1] });
  return (
    <p className="who-types" role="status" data-part="typing">
      {text}
    </p>
  );
}
