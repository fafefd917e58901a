// Coming in and going out: forms whose answers set cookies, and the gate before every page.
import { useEffect, useId, useRef, useState, useSyncExternalStore } from "react";
import { LogOut } from "lucide-react";
import { filled } from "./asks";
import { spoken } from "./said";

// Whoever logs out goes where they chose to, not back here.
let leaving = false;

async function post(path, body, words) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    return { error: words.away };
  }
  try {
    const said = await answer.json();
    if (answer.ok || said.error) return said;
  } catch {
    // What is between, or another version, answered instead.
  }
  return { error: answer.status === 404 ? words.reload : words.wrong };
}

function Field({ field, words }) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const { secret } = field;
  return (
    <div className="entry-field">
      <label htmlFor={id}>{field.label}</label>
      <div className="entry-box">
        <input
          id={id}
          name={field.name}
          type={secret && !shown ? "password" : "text"}
          autoComplete={field.autoComplete}
          autoCapitalize="none"
          autoCorrect="off"
          spellCheck={false}
          maxLength={field.maxLength ?? 1000}
          required={!field.optional}
          aria-describedby={field.hint ? `${id}-hint` : undefined}
        />
        {secret ? (
          <button
            type="button"
            className="entry-show"
            aria-label={filled(shown ? words.hideLabel : words.showLabel, { label: field.label })}
            onClick={() => setShown(!shown)}
          >
            {shown ? words.hide : words.show}
          </button>
        ) : null}
      </div>
      {field.hint ? (
        <p id={`${id}-hint`} className="entry-hint">
          {field.hint}
        </p>
      ) : null}
    </div>
  );
}

/** A form that is sent over HTTP. With the answer the browser goes on to the page that it names,
 * loaded anew so that the socket comes with the new cookie; or `done` is said, and it stays. */
export function EntryForm({ path, fields, link = "", person = "", submit, done = "", focus = false, words }) {
  const [problem, setProblem] = useState("");
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  const sending = useRef(false);
  const form = useRef(null);
  useEffect(() => {
    if (focus) form.current.querySelector("input:not([hidden])")?.focus();
  }, [focus]);
  const onSubmit = async (event) => {
    event.preventDefault();
    // Read from the ref: a second Enter comes before the next render.
    if (sending.current) return;
    sending.current = true;
    setBusy(true);
    setProblem("");
    setSaid("");
    const body = Object.fromEntries(new FormData(form.current));
    delete body.username;
    if (link) body[link] = tokenOfLink();
    body.next = nextPage(link);
    const answer = await post(path, body, words);
    if (!answer.error && !done) {
      window.location.assign(answer.next);
      return;
    }
    sending.current = false;
    setBusy(false);
    if (answer.error) {
      setProblem(answer.error);
      form.current.querySelector("input[autocomplete$='password']")?.select();
    } else {
      form.current.reset();
      setSaid(done);
    }
  };
  return (
    <form className="entry-form" method="post" action={path} ref={form} onSubmit={onSubmit}>
      {person ? (
        // Whose password it is, for what keeps passwords.
        <input hidden readOnly type="text" name="username" autoComplete="username" value={person} />
      ) : null}
      {fields.map((field) => (
        <Field key={field.name} field={field} words={words} />
      ))}
      {problem ? (
        <p role="alert" className="entry-problem">
          {spoken(problem)}
        </p>
      ) : null}
      <p role="status" className={said ? "entry-said" : undefined}>
        {said}
      </p>
      <button
        type="submit"
        className={done ? "button" : "button primary"}
        aria-disabled={busy || undefined}
      >
        {busy ? words.busy : submit}
      </button>
    </form>
  );
}

/** The way to the identity provider, and back to where the page leads. */
export function ProviderButton({ link = "", words, children }) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const came = useSyncExternalStore(onHash, tokenOfLink, () => "");
  const back = came.startsWith("problem=") ? came.slice("problem=".length) : "";
  const said = problem || (back && (words.back[back] ?? words.back.failed));
  const onClick = async () => {
    if (busy) return;
    setBusy(true);
    setProblem("");
    const body = { next: nextPage(link) };
    if (link) body[link] = tokenOfLink();
    const answer = await post("/auth/oidc", body, words);
    if (answer.error) {
      setBusy(false);
      setProblem(answer.error);
    } else {
      window.location.assign(answer.url);
    }
  };
  return (
    <div className="entry-form">
      {said ? (
        <p role="alert" className="entry-problem">
          {spoken(said)}
        </p>
      ) : null}
      <button type="button" className="button" aria-disabled={busy || undefined} onClick={onClick}>
        {children}
      </button>
      <p className="entry-or">{words.or}</p>
    </div>
  );
}

// Browsers keep what is behind a # to themselves, so no log holds the token of a link.
const tokenOfLink = () => window.location.hash.slice(1);

// Where to go next. What is behind the # came along from there, unless it is this page's own.
function nextPage(link) {
  const next = new URLSearchParams(window.location.search).get("next") ?? "/";
  const { hash } = window.location;
  return link || hash.startsWith("#problem=") ? next : next + hash;
}

function onHash(listener) {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

/** Asks what the link is for that somebody came with: at each arrival, for that forgets it. */
export function LinkAsked({ arrival, onLook, children }) {
  const token = useSyncExternalStore(onHash, tokenOfLink, () => "");
  useEffect(() => {
    if (arrival) onLook(token);
  }, [arrival, token]);
  return children;
}

/** A link to another of these pages that leads on to where this one does. */
export function EntryLink({ to, children }) {
  const behind = () => window.location.search + window.location.hash;
  const more = useSyncExternalStore(onHash, behind, () => "");
  return <a href={`${to}${more}`}>{children}</a>;
}

/** The pages, as long as somebody is logged in: then the way to the login, and nothing of what was
 * shown. Another person, once there is one, begins with a page of their own. */
export function Gate({ over, who, entrances, login, children }) {
  const first = useRef("");
  const shut = over && !isEntrance(entrances);
  useEffect(() => {
    if (!shut || leaving) return;
    const next = pageOf(window.location) + window.location.search;
    window.location.replace(`${login}?next=${encodeURIComponent(next)}${window.location.hash}`);
  }, [shut]);
  useEffect(() => {
    if (!who) return;
    if (first.current && first.current !== who) window.location.reload();
    first.current = who;
  }, [who]);
  useEffect(() => {
    // Brought back as it was by the browser, it may be another person's.
    const onShow = (event) => event.persisted && window.location.reload();
    window.addEventListener("pageshow", onShow);
    return () => window.removeEventListener("pageshow", onShow);
  }, []);
  return shut ? <main className="full-page" aria-busy="true" /> : children;
}

// A server may end an address in a slash.
const pageOf = ({ pathname }) => pathname.replace(/(.)\/$/, "$1");

const isEntrance = (entrances) => entrances.includes(pageOf(window.location));

/** Ends the login of this browser, in all its tabs. */
export function LogOutButton({ login, words }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const onClick = async () => {
    if (busy) return;
    setBusy(true);
    setProblem("");
    leaving = true;
    const answer = await post("/auth/log-out", {}, { ...words, wrong: words.away, reload: words.away });
    if (!answer.error) {
      window.location.assign(login);
      return;
    }
    leaving = false;
    setBusy(false);
    setProblem(answer.error);
  };
  return (
    <>
      <button
        type="button"
        className="icon-button"
        aria-label={busy ? words.doing : words.logOut}
        title={words.logOut}
        aria-disabled={busy || undefined}
        onClick={onClick}
      >
        <LogOut aria-hidden />
      </button>
      {problem ? (
        <p role="alert" className="foot-problem">
          {spoken(problem)}
        </p>
      ) : null}
    </>
  );
}
