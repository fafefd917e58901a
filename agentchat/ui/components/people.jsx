// The page of one's account: the name, the logins, and for admins the people and their links.
import { useState } from "react";
import { Monitor } from "lucide-react";
import { filled } from "./asks";
import { moment } from "./clock";
import { NewLink } from "./new_link";
import { Sure, useAttempt } from "./overview_sure";
import { spoken } from "./said";

function Outcome({ came }) {
  return (
    <>
      <p role="status" className={came?.said ? "entry-said" : undefined}>
        {spoken(came?.said ?? "")}
      </p>
      {came?.problem ? (
        <p role="alert" className="entry-problem">
          {spoken(came.problem)}
        </p>
      ) : null}
    </>
  );
}

/** The name that others see. */
export function NameForm({ name, picking, acted, words, onRename }) {
  const [text, setText] = useState(null);
  const attempt = useAttempt(acted, (came) => came.problem || setText(null));
  const value = text ?? (picking ? "" : name);
  const save = (event) => {
    event.preventDefault();
    if (value.trim()) attempt.send((number) => onRename(value, number));
  };
  return (
    <form className="entry-form" onSubmit={save}>
      <div className="entry-field">
        <label htmlFor="display-name">{words.label}</label>
        <div className="entry-row">
          <input
            id="display-name"
            name="display_name"
            autoComplete="nickname"
            maxLength={80}
            value={value}
            onChange={(event) => setText(event.target.value)}
          />
          <button type="submit" className="button" aria-disabled={attempt.busy || undefined}>
            {attempt.busy ? words.doing : picking ? words.pick : words.save}
          </button>
        </div>
      </div>
      <Outcome came={attempt.came} />
    </form>
  );
}

/** Where somebody is logged in, this browser first. */
export function Logins({ logins, acted, words, onEnd }) {
  const [asking, setAsking] = useState(null);
  const attempt = useAttempt(acted, (came) => came.problem || setAsking(null));
  const lines = [...logins].sort((one, other) => other.current - one.current);
  const end = (id) => attempt.send((number) => onEnd(id, number));
  return (
    <>
      <ul className="account-list">
        {lines.map((line) => {
          const time = moment(line.seen_at);
          return (
            <li key={line.id} data-part="login" data-current={line.current}>
              <Monitor aria-hidden />
              <div className="account-about">
                <p>
                  <strong>{spoken(line.browser)}</strong>
                  {line.current ? <span className="account-mark">{words.here}</span> : null}
                </p>
                <p>
                  {line.address || words.unknownAddress} ·{" "}
                  {line.current
                    ? filled(words.since, { time: moment(line.created_at) })
                    : filled(words.seen, { time })}
                </p>
              </div>
              {line.current ? null : (
                <button
                  type="button"
                  className="button small"
                  aria-label={filled(words.endOne, { browser: spoken(line.browser), time })}
                  onClick={() => end(line.id)}
                >
                  {words.end}
                </button>
              )}
            </li>
          );
        })}
      </ul>
      <Outcome came={asking ? null : attempt.came} />
      {lines.some((line) => !line.current) ? (
        <button type="button" className="button account-all" onClick={() => setAsking({ before: attempt.came })}>
          {words.others}
        </button>
      ) : null}
      {asking ? (
        <Sure
          title={words.othersTitle}
          text={words.othersText}
          confirm={words.othersYes}
          danger
          attempt={attempt}
          problem={attempt.came === asking.before ? "" : spoken(attempt.came?.problem)}
          words={words}
          onConfirm={() => end("")}
          onClose={() => setAsking(null)}
        />
      ) : null}
    </>
  );
}

function Invite({ attempt, words, onInvite }) {
  const [admin, setAdmin] = useState(false);
  const make = (event) => {
    event.preventDefault();
    attempt.send((number) => onInvite(admin, number));
  };
  return (
    <form className="invite-form" onSubmit={make} aria-label={words.invite}>
      <strong>{words.invite}</strong>
      <label>
        <input type="checkbox" checked={admin} onChange={(event) => setAdmin(event.target.checked)} />
        {words.inviteAdmin}
      </label>
      <button type="submit" className="button" aria-disabled={attempt.busy || undefined}>
        {words.make}
      </button>
    </form>
  );
}

function Person({ person, words, onAct }) {
  const actions = [
    person.active && !person.me && "reset",
    person.active && (person.admin ? "noAdmin" : "admin"),
    !person.me && (person.active ? "deactivate" : "activate"),
  ].filter(Boolean);
  return (
    <li data-part="person" data-name={person.name}>
      <div className="account-about">
        <p>
          <strong>{person.display_name}</strong>
          {person.me ? <span className="account-mark">{words.you}</span> : null}
          {person.admin ? <span className="account-mark">{words.admin}</span> : null}
          {person.active ? null : <span className="account-mark off">{words.inactive}</span>}
        </p>
        <p>{person.name}</p>
      </div>
      <div
        className="account-actions"
        role="group"
        aria-label={filled(words.actionsOf, { name: person.display_name })}
      >
        {actions.map((action) => (
          <button
            key={action}
            type="button"
            className="button small"
            onClick={() => onAct(action, person.id, person.display_name)}
          >
            {words.actions[action]}
          </button>
        ))}
      </div>
    </li>
  );
}

const whatOf = (link, words) => {
  if (link.kind === "reset") return filled(words.linkReset, { name: link.name });
  return link.admin ? words.linkInviteAdmin : words.linkInvite;
};

function Links({ links, words, onAct }) {
  if (!links.length) return <p className="memories-more">{words.noLinks}</p>;
  return (
    <ul className="account-list" aria-label={words.links}>
      {links.map((link) => {
        const [what, time] = [whatOf(link, words), moment(link.expires_at)];
        return (
          <li key={link.id} data-part="link" data-kind={link.kind}>
            <div className="account-about">
              <p>
                <strong>{what}</strong>
              </p>
              <p>{filled(words.until, { time })}</p>
            </div>
            <button
              type="button"
              className="button small"
              aria-label={filled(words.revokeOne, { what, time })}
              onClick={() => onAct("revoke", link.id, what)}
            >
              {words.revoke}
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** Everybody who has an account, invitations, and what an admin does with them. */
export function People({ people, links, acted, words, onInvite, onAct, onHide }) {
  const [asking, setAsking] = useState(null);
  const attempt = useAttempt(acted, (came) => came.problem || setAsking(null));
  const { came } = attempt;
  const send = ({ action, id }) => attempt.send((number) => onAct(action, id, number));
  const act = (action, id, name) => {
    const wanted = { action, id, name, before: came };
    if (words.sure[action]) setAsking(wanted);
    else send(wanted);
  };
  const sure = asking && words.sure[asking.action];
  return (
    <>
      <ul className="account-list" aria-label={words.list}>
        {people.map((person) => (
          <Person key={person.id} person={person} words={words} onAct={act} />
        ))}
      </ul>
      {came?.link ? (
        <NewLink
          link={came.link}
          said={came.said}
          shown={filled(words.shown, { time: moment(came.until) })}
          words={words}
          onHide={onHide}
        />
      ) : (
        <Outcome came={asking ? null : came} />
      )}
      <Invite attempt={attempt} words={words} onInvite={onInvite} />
      <h3>{words.links}</h3>
      <Links links={links} words={words} onAct={act} />
      {asking ? (
        <Sure
          title={filled(sure.title, asking)}
          text={filled(sure.text, asking)}
          confirm={sure.yes}
          danger={asking.action !== "admin"}
          attempt={attempt}
          problem={came === asking.before ? "" : spoken(came?.problem)}
          words={words}
          onConfirm={() => send(asking)}
          onClose={() => setAsking(null)}
        />
      ) : null}
    </>
  );
}
