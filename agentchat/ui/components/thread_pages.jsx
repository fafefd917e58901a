// The pages of threads that are archived, or deleted and can be had back.
import { useRef, useState } from "react";
import { Link } from "react-router";
import { moment } from "./clock";
import { filled } from "./said";
import { placeOf } from "./thread_window";

/** After something was taken from a list, the next line of it has the focus, or the list itself. */
function useNextFocus() {
  const list = useRef(null);
  const leave = (event) => {
    const line = event.currentTarget.closest("li");
    const next = line.nextElementSibling ?? line.previousElementSibling;
    (next?.querySelector("button") ?? list.current).focus();
  };
  return [list, leave];
}

/** Goes to older ones, and back by the places that it came from. */
function Pages({ list, page, placeOf, words, onLook }) {
  const from = useRef([]);
  if (!page.after && !page.more) return null;
  const look = (after) => {
    onLook(after);
    list.current.focus();
    list.current.closest(".document")?.scrollIntoView();
  };
  const newer = () => look(from.current.pop() ?? "");
  const older = () => {
    from.current.push(page.after);
    look(placeOf(page.lines[page.lines.length - 1]));
  };
  return (
    <nav className="put-away-pages" aria-label={words.pages}>
      <button type="button" className="button small" disabled={!page.after} onClick={newer}>
        {words.newer}
      </button>
      <button type="button" className="button small" disabled={!page.more} onClick={older}>
        {words.older}
      </button>
    </nav>
  );
}

export function ArchivedList({ page, words, onLook, onBringBack }) {
  const [list, leave] = useNextFocus();
  return (
    <>
      <ul className="put-away" ref={list} tabIndex={-1}>
        {page.lines.map((one) => (
          <li key={one.id}>
            <div>
              <Link to={`/t/${one.id}`}>{one.title || words.untitled}</Link>
              <p>{filled(words.usedAt, { when: moment(one.at * 1000) })}</p>
            </div>
            {one.unread ? <span className="unread-dot" role="img" aria-label={words.unread} /> : null}
            <button
              type="button"
              className="button small"
              onClick={(event) => {
                leave(event);
                onBringBack("archive", one.id);
              }}
            >
              {words.unarchive}
            </button>
          </li>
        ))}
      </ul>
      <Pages list={list} page={page} placeOf={placeOf} words={words} onLook={onLook} />
    </>
  );
}

export function DeletedList({ page, words, onLook, onBringBack, onEmpty }) {
  const [list, leave] = useNextFocus();
  const [sure, setSure] = useState("");
  return (
    <>
      <ul className="put-away" ref={list} tabIndex={-1}>
        {page.lines.map((one) => (
          <li key={one.id}>
            <div>
              <strong>{one.title || words.untitled}</strong>
              <p>
                {sure === one.id
                  ? words.sure
                  : filled(words.deletedAt, { when: moment(one.at), until: moment(one.until) })}
              </p>
            </div>
            {sure === one.id ? (
              <button type="button" className="button small" onClick={() => setSure("")}>
                {words.keep}
              </button>
            ) : (
              <button
                type="button"
                className="button small"
                onClick={(event) => {
                  leave(event);
                  onBringBack("delete", one.id);
                }}
              >
                {words.restore}
              </button>
            )}
            <button
              type="button"
              className={sure === one.id ? "button small danger" : "button small"}
              onClick={(event) => {
                if (sure !== one.id) {
                  setSure(one.id);
                  return;
                }
                leave(event);
                setSure("");
                onEmpty(one.id);
              }}
            >
              {words.empty}
            </button>
          </li>
        ))}
      </ul>
      <Pages list={list} page={page} placeOf={(one) => one.place} words={words} onLook={onLook} />
    </>
  );
}
