// Sharing a thread: the button in its header, the dialog behind it, and the page of a link.
import { useId, useRef, useState } from "react";
import * as Dialog from "@radix-ui/react-dialog";
import { Globe, Link2, Users, X } from "lucide-react";
import { filled } from "./asks";
import { moment } from "./clock";
import { NewLink } from "./new_link";
import { Sure, useAttempt, useReturn } from "./overview_sure";
import { Initials } from "./presence";
import { spoken } from "./said";

const ROLES = ["member", "viewer"];
const LINKS = [...ROLES, "public"];

function Outcome({ attempt, words }) {
  const { came, slow } = attempt;
  const problem = spoken(came?.problem) || (slow ? words.slow : "");
  return (
    <>
      <p role="status" className={came?.said ? "entry-said" : undefined}>
        {spoken(came?.said ?? "")}
      </p>
      {problem ? (
        <p role="alert" className="entry-problem">
          {problem}
        </p>
      ) : null}
    </>
  );
}

function RoleSelect({ value, label, options, roles = ROLES, describedBy, onChange, busy }) {
  return (
    <select
      aria-label={label}
      aria-describedby={describedBy}
      value={value}
      aria-disabled={busy || undefined}
      onChange={(event) => onChange(event.target.value)}
    >
      {roles.map((role) => (
        <option key={role} value={role}>
          {options[role]}
        </option>
      ))}
    </select>
  );
}

function Member({ member, owns, busy, words, onAct }) {
  const { id, name, role, me } = member;
  const changes = owns && role !== "owner";
  return (
    <li data-part="member" data-name={name} data-role={role}>
      <Initials id={id} name={name} />
      <div className="account-about">
        <p>
          <strong>{name}</strong>
          {me ? <span className="account-mark">{words.you}</span> : null}
          {member.active ? null : <span className="account-mark off">{words.inactive}</span>}
        </p>
        <p>
          {changes ? "" : `${words.roles[role]} · `}
          {filled(words.since, { time: moment(member.since) })}
        </p>
      </div>
      {changes ? (
        <div className="account-actions">
          <RoleSelect
            value={role}
            label={filled(words.roleOf, { name })}
            options={words.roles}
            busy={busy}
            onChange={(next) => onAct(next, member)}
          />
          <button
            type="button"
            className="button small"
            aria-label={filled(words.makeOwnerOf, { name })}
            onClick={() => onAct("owner", member)}
          >
            {words.makeOwner}
          </button>
          <button
            type="button"
            className="button small"
            aria-label={filled(words.removeOf, { name })}
            onClick={() => onAct("remove", member)}
          >
            {words.remove}
          </button>
        </div>
      ) : null}
    </li>
  );
}

function AddForm({ thread, acted, words, onAdd }) {
  const [who, setWho] = useState("");
  const [role, setRole] = useState("member");
  const asked = useRef("");
  // What is typed meanwhile stays.
  const clear = () => setWho((now) => (now === asked.current ? "" : now));
  const attempt = useAttempt(acted, (came) => came.problem || clear());
  const add = (event) => {
    event.preventDefault();
    if (!who.trim()) return;
    attempt.send((number) => {
      asked.current = who;
      onAdd(thread, who, role, number);
    });
  };
  return (
    <form className="share-form" onSubmit={add}>
      <label htmlFor="share-who">{words.who}</label>
      <div className="entry-row">
        <input
          id="share-who"
          name="share-who"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={200}
          placeholder={words.whoHint}
          value={who}
          onChange={(event) => setWho(event.target.value)}
        />
        <RoleSelect value={role} label={words.roleNew} options={words.roles} onChange={setRole} />
        <button type="submit" className="button primary" aria-disabled={attempt.busy || undefined}>
          {attempt.busy ? words.adding : words.add}
        </button>
      </div>
      <Outcome attempt={attempt} words={words} />
    </form>
  );
}

const untilOf = (link, words) =>
  link.expires_at ? filled(words.until, { time: moment(link.expires_at) }) : words.forEver;

function Links({ thread, links, offersPublic, acted, words, onMake, onRevoke, onHide }) {
  const [role, setRole] = useState("viewer");
  const [hours, setHours] = useState(words.spans[2].hours);
  const attempt = useAttempt(acted, () => undefined);
  const warning = useId();
  const forAll = role === "public";
  const make = (event) => {
    event.preventDefault();
    attempt.send((number) => onMake(thread, role, hours, number));
  };
  const good = links.filter((link) => !link.expires_at || new Date(link.expires_at) > new Date());
  return (
    <section className="share-section" aria-label={words.links}>
      <h3>{words.links}</h3>
      <p>{words.linksText}</p>
      {good.length ? (
        <ul className="account-list">
          {good.map((link) => {
            const what = words.linkOf[link.public ? "public" : link.role];
            const over = link.public && !offersPublic;
            const until = over ? words.publicOff : untilOf(link, words);
            return (
              <li key={link.id} data-part="share-link">
                {link.public ? <Globe aria-hidden /> : <Link2 aria-hidden />}
                <div className="account-about">
                  <p>
                    <strong>{what}</strong>
                  </p>
                  <p>
                    {until} · {filled(words.made, { time: moment(link.created_at) })}{" "}
                    {filled(words.by, { name: link.by })}
                  </p>
                </div>
                <button
                  type="button"
                  className="button small"
                  aria-label={filled(words.revokeOf, { what, until })}
                  onClick={() => attempt.send((number) => onRevoke(thread, link.id, number))}
                >
                  {words.revoke}
                </button>
              </li>
            );
          })}
        </ul>
      ) : null}
      {attempt.came?.link ? (
        <NewLink
          link={`${window.location.origin}${attempt.came.link}`}
          said={attempt.came.said}
          shown={words.shown}
          words={words}
          onHide={onHide}
        />
      ) : (
        <>
          <form className="share-form" onSubmit={make} aria-label={words.make}>
            <div className="entry-row">
              <RoleSelect
                value={role}
                label={words.roleLink}
                options={words.linkOf}
                roles={offersPublic ? LINKS : ROLES}
                describedBy={forAll ? warning : undefined}
                onChange={setRole}
              />
              <select
                aria-label={words.hours}
                value={hours}
                onChange={(event) => setHours(Number(event.target.value))}
              >
                {words.spans.map((span) => (
                  <option key={span.hours} value={span.hours}>
                    {span.label}
                  </option>
                ))}
              </select>
              <button type="submit" className="button" aria-disabled={attempt.busy || undefined}>
                {attempt.busy ? words.making : words.make}
              </button>
            </div>
            <p id={warning} role="status" className={forAll ? "share-warning" : undefined}>
              {forAll ? words.publicText : ""}
            </p>
          </form>
          <Outcome attempt={attempt} words={words} />
        </>
      )}
    </section>
  );
}

function ShareDialog(props) {
  const { thread, owns, members, links, offersPublic, added, acted, linked, words } = props;
  const { onAdd, onAct, onMake, onRevoke, onHide, onClose } = props;
  const [asking, setAsking] = useState(null);
  const attempt = useAttempt(acted, (came) => came.problem || setAsking(null));
  const { came } = attempt;
  const onReturn = useReturn();
  const first = useRef(null);
  const send = (action, id) => attempt.send((number) => onAct(action, thread, id, number));
  const act = (action, { id, name }) => {
    if (words.sure[action]) setAsking({ action, id, name, before: came });
    else send(action, id);
  };
  const me = members.find((member) => member.me);
  const sure = asking && words.sure[asking.action];
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="dialog-veil" />
        <Dialog.Content
          className="dialog share-dialog"
          onCloseAutoFocus={onReturn}
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            first.current?.focus();
          }}
        >
          <div className="share-head">
            <Dialog.Title asChild>
              <h2>{owns ? words.title : words.titleOthers}</h2>
            </Dialog.Title>
            <button
              type="button"
              ref={first}
              className="icon-button"
              aria-label={words.close}
              title={words.close}
              onClick={onClose}
            >
              <X aria-hidden />
            </button>
          </div>
          <Dialog.Description asChild>
            <p>{owns ? words.text : words.textOthers}</p>
          </Dialog.Description>
          {owns ? <AddForm thread={thread} acted={added} words={words} onAdd={onAdd} /> : null}
          <section className="share-section" aria-label={words.people}>
            <ul className="account-list">
              {members.map((member) => (
                <Member
                  key={member.id}
                  member={member}
                  owns={owns}
                  busy={attempt.busy}
                  words={words}
                  onAct={act}
                />
              ))}
            </ul>
            {asking ? null : <Outcome attempt={attempt} words={words} />}
            {me && me.role !== "owner" ? (
              <button type="button" className="button share-leave" onClick={() => act("leave", me)}>
                {words.leave}
              </button>
            ) : null}
          </section>
          {owns ? (
            <Links
              thread={thread}
              links={links}
              offersPublic={offersPublic}
              acted={linked}
              words={words}
              onMake={onMake}
              onRevoke={onRevoke}
              onHide={onHide}
            />
          ) : null}
          {asking ? (
            <Sure
              title={filled(sure.title, asking)}
              text={filled(sure.text, asking)}
              confirm={sure.yes}
              danger={asking.action === "leave"}
              attempt={attempt}
              problem={came === asking.before ? "" : spoken(came?.problem)}
              words={words}
              onConfirm={() => send(asking.action, asking.id)}
              onClose={() => setAsking(null)}
            />
          ) : null}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** In the header of a thread: with whom it is shared, and the dialog about it. */
export function ShareButton({ thread, role, members, words, onHide, ...rest }) {
  const [open, setOpen] = useState("");
  const owner = members.find((member) => member.role === "owner");
  if (!owner) return null;
  const owns = role === "owner";
  const others = members.length - 1;
  const shared = others ? filled(words.sharedWith, { count: others }) : words.share;
  const label = owns ? shared : filled(words.sharedBy, { name: owner.name });
  const close = () => {
    setOpen("");
    onHide();
  };
  return (
    <>
      <button
        type="button"
        className="button small share-button"
        aria-haspopup="dialog"
        aria-label={label}
        title={label}
        data-part="share"
        data-thread={thread}
        onClick={() => setOpen(thread)}
      >
        <Users size={15} aria-hidden />
        <span>{label}</span>
      </button>
      {open === thread ? (
        <ShareDialog thread={thread} owns={owns} members={members} words={words} {...rest} onHide={onHide} onClose={close} />
      ) : null}
    </>
  );
}

/** Joins the thread of the link that led here. */
export function JoinButton({ acted, words, onJoin }) {
  const attempt = useAttempt(acted, () => undefined);
  const join = () => attempt.send((number) => onJoin(window.location.hash.slice(1), number));
  return (
    <div className="entry-form">
      <Outcome attempt={attempt} words={words} />
      <button
        type="button"
        className="button primary"
        aria-disabled={attempt.busy || undefined}
        onClick={join}
      >
        {attempt.busy ? words.doing : words.join}
      </button>
    </div>
  );
}
