// The log of a run: searched, and the newest kept in view while it comes.
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { filled } from "./asks";
import { Search, useTyped } from "./run_filters";
import { stamp } from "./run_values";
import { locale } from "./said";

const NEAR = 60;

function Line({ line, address }) {
  return (
    <li data-level={line.level}>
      <time dateTime={line.at}>{stamp(line.at)}</time>
      <span className="log-level">{line.level}</span>
      <span className="log-text">
        {line.text}
        {line.fields ? <code>{line.fields}</code> : null}
        {line.step ? (
          <Link to={address.to({ step: line.step })} preventScrollReset>
            {line.step}
          </Link>
        ) : null}
      </span>
    </li>
  );
}

export function RunLogs({ settled, tail, address, words }) {
  const box = useRef(null);
  const near = useRef(true);
  const [text, setText] = useTyped(address, "log", { before: "" });
  const lines = [...settled, ...tail.tail];
  const level = address.get("level");
  const before = address.get("before");
  const last = lines.at(-1)?.id ?? 0;
  useEffect(() => {
    if (near.current && !before && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [last, before]);
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    near.current = scrollHeight - scrollTop - clientHeight < NEAR;
  };
  const first = lines[0]?.id ?? 0;
  const more = before ? lines.length >= 200 : tail.before > 0;
  return (
    <div className="run-logs">
      <div className="run-tools">
        <Search label={words.logSearch} value={text} onChange={setText} />
        <select
          aria-label={words.logLevel}
          value={level}
          onChange={(event) => address.set({ level: event.target.value, before: "" })}
        >
          {Object.entries(words.levels).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <span className="run-soft" role="status">
          {filled(words.logCount, { number: tail.number.toLocaleString(locale()) })}
        </span>
        <span className="run-pages">
          {more ? (
            <Link
              className="button small"
              to={address.to({ before: String(first) })}
              replace
              preventScrollReset
            >
              {words.older}
            </Link>
          ) : null}
          {before ? (
            <Link
              className="button small"
              to={address.to({ before: "" })}
              replace
              preventScrollReset
            >
              {words.newest}
            </Link>
          ) : null}
        </span>
      </div>
      {lines.length ? (
        <ol
          className="log-lines"
          ref={box}
          onScroll={onScroll}
          tabIndex={0}
          aria-label={words.log}
        >
          {lines.map((line) => (
            <Line key={line.id} line={line} address={address} />
          ))}
        </ol>
      ) : (
        <p className="run-none">{text || level ? words.noLogsFit : words.noLogs}</p>
      )}
    </div>
  );
}
