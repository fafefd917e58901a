// The page of runs: filters, the list that changes by itself, and actions on many at once.
import { useEffect, useMemo, useRef, useState } from "react";
import { Link } from "react-router";
import { ArrowUp, SearchX, Workflow } from "lucide-react";
import { numbered, useAddress } from "./runs_address";
import { Bar, Progress } from "./runs_bulk";
import { Filters } from "./runs_filters";
import { Rows, Skeleton } from "./runs_rows";
import { Views } from "./runs_views";
import { filled, spoken } from "./said";

const SCROLLED = 24;
const MOST_NEW = 99;

/** Whether somebody has scrolled the list away from its beginning. */
function useScrolled(root) {
  const [scrolled, setScrolled] = useState(false);
  useEffect(() => {
    const scroller = root.current?.closest(".scroller");
    if (!scroller) return undefined;
    const look = () => setScrolled(scroller.scrollTop > SCROLLED);
    look();
    scroller.addEventListener("scroll", look, { passive: true });
    return () => scroller.removeEventListener("scroll", look);
  }, [root]);
  return scrolled;
}

/**
 * The order in which rows stand while somebody reads them: those that are there keep their
 * places, others come after them.
 */
function useSteady(lines, still) {
  const order = useRef([]);
  const shown = useMemo(() => {
    if (!still) return lines;
    const known = new Map(order.current.map((id, place) => [id, place]));
    const place = (run) => known.get(run.id) ?? known.size;
    return [...lines].sort((a, b) => place(a) - place(b));
  }, [lines, still]);
  useEffect(() => {
    order.current = shown.map((run) => run.id);
  }, [shown]);
  return shown;
}

function Empty({ page, address, words }) {
  if (page.empty) {
    return (
      <div className="center-note" data-part="empty">
        <Workflow aria-hidden />
        <h2 className="note-title">{words.emptyTitle}</h2>
        <p>{words.empty}</p>
        <Link to="/" className="button primary">
          {words.emptyLink}
        </Link>
      </div>
    );
  }
  if (!page.narrowed) {
    return (
      <div className="center-note" data-part="nothing">
        <p>{words.gone}</p>
        <Link to={address.to("")} className="button">
          {words.first}
        </Link>
      </div>
    );
  }
  return (
    <div className="center-note" data-part="nothing">
      <SearchX aria-hidden />
      <h2 className="note-title">{words.nothingTitle}</h2>
      <p>{words.nothing}</p>
      <button type="button" className="button" onClick={address.clear}>
        {words.clear}
      </button>
    </div>
  );
}

function Pages({ page, address, words }) {
  const way = { newest: "newest", oldest: "oldest" }[address.sort] ?? "other";
  if (!page.earlier && !page.later && !page.further && !page.stopped) return null;
  return (
    <nav className="runs-pages" aria-label={words.pages}>
      {page.stopped ? <p>{page.stopped}</p> : null}
      {page.first ? null : (
        <Link className="button small" to={address.to(firstPage(page.query))}>
          {words.first}
        </Link>
      )}
      {page.earlier ? (
        <Link className="button small" to={address.to(page.earlier)} rel="prev">
          {words.earlier[way]}
        </Link>
      ) : null}
      {page.later ? (
        <Link className="button small" to={address.to(page.later)} rel="next">
          {words.later[way]}
        </Link>
      ) : null}
      {page.further ? (
        <Link className="button small" to={address.to(page.further)} rel="next">
          {words.further}
        </Link>
      ) : null}
    </nav>
  );
}

function firstPage(query) {
  const params = new URLSearchParams(query);
  for (const name of ["after", "before", "skip"]) params.delete(name);
  return params.toString();
}

function News({ number, words, onClick }) {
  const text =
    number >= MOST_NEW
      ? filled(words.most, { number: MOST_NEW })
      : numbered(words, number);
  return (
    <div className="runs-news" role="status">
      {number > 0 ? (
        <button type="button" className="button small primary" onClick={onClick}>
          <ArrowUp aria-hidden size={15} />
          {text}
        </button>
      ) : null}
    </div>
  );
}

/** The whole page but its frame. */
export function RunsPage({
  shown,
  problem,
  choices,
  views,
  viewProblem,
  planned,
  bulk,
  words,
  bulkWords,
  viewWords,
  ...on
}) {
  const address = useAddress();
  const root = useRef(null);
  const { page } = shown;
  const [selected, setSelected] = useState(() => new Set());
  const [everything, setEverything] = useState(false);
  const scrolled = useScrolled(root);
  const busy = !shown.ready || shown.asked !== address.asked;
  const still = scrolled || selected.size > 0;
  const newest = page.first && address.sort === "newest";
  const lines = useSteady(page.lines, still && address.sort !== "oldest" && !newest);
  const filter = address.filter();

  // Another list: nothing of the one before stays chosen, and it begins at its beginning.
  const before = useRef(filter);
  useEffect(() => {
    if (before.current === filter) return;
    before.current = filter;
    setSelected(new Set());
    setEverything(false);
  }, [filter]);
  const asked = useRef(address.asked);
  useEffect(() => {
    if (asked.current === address.asked) return;
    asked.current = address.asked;
    root.current?.closest(".scroller")?.scrollTo(0, 0);
  }, [address.asked]);

  const holds = newest && still && !busy && page.lines.length > 0;
  const held = useRef(false);
  useEffect(() => {
    if (busy) {
      held.current = false;
    } else if (holds !== held.current) {
      held.current = holds;
      if (holds) on.onHold();
      else on.onRelease();
    }
  }, [holds, busy]);
  const showNew = () => {
    unselect();
    held.current = false;
    on.onRelease();
    root.current?.closest(".scroller")?.scrollTo(0, 0);
    root.current?.querySelector(".runs-table input")?.focus({ preventScroll: true });
  };

  const unselect = () => {
    setSelected(new Set());
    setEverything(false);
  };
  const select = (ids, chosen) => {
    setEverything(false);
    setSelected((known) => {
      const next = new Set(known);
      for (const id of ids) {
        if (chosen) next.add(id);
        else next.delete(id);
      }
      return next;
    });
  };
  const desk = {
    ...on,
    onEverything: () => setEverything(true),
    onUnselect: unselect,
    onStarted: (id) => {
      unselect();
      address.openBulk(id);
    },
  };
  const unread = page.problems;
  return (
    <div className="runs" ref={root} data-busy={busy ? "" : undefined}>
      <Filters address={address} page={page} choices={choices} words={words}>
        <Views
          views={views}
          problem={viewProblem}
          address={address}
          desk={desk}
          words={viewWords}
        />
      </Filters>
      {unread.length ? (
        <div className="runs-problems" role="alert">
          {unread.map((text) => (
            <p key={text}>{spoken(text)}</p>
          ))}
        </div>
      ) : null}
      {problem ? (
        <p className="runs-problems" role="alert">
          {spoken(problem)}
        </p>
      ) : null}
      <Progress bulk={bulk} address={address} words={bulkWords} />
      {selected.size > 0 ? (
        <Bar
          selected={selected}
          everything={everything}
          canAll={Boolean(page.later || page.further || !page.first)}
          planned={planned}
          desk={desk}
          words={bulkWords}
        />
      ) : null}
      <News number={busy ? 0 : page.newer} words={words.new} onClick={showNew} />
      {!shown.ready ? (
        problem ? null : <Skeleton words={words} />
      ) : (
        <>
          {lines.length ? (
            <Rows
              lines={lines}
              selected={selected}
              onSelect={select}
              busy={busy}
              words={words}
            />
          ) : busy ? (
            <Skeleton words={words} />
          ) : (
            <Empty page={page} address={address} words={words} />
          )}
          <Pages page={page} address={address} words={words} />
        </>
      )}
    </div>
  );
}
