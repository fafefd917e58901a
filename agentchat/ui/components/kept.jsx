// What is kept for how long, how much there is, and removing what need not be kept.
import { useState } from "react";
import { filled } from "./asks";
import { moment } from "./clock";
import { Sure, useAttempt } from "./overview_sure";
import { bytes, duration } from "./overview_values";
import { locale, spoken } from "./said";

const read = (number) => number.toLocaleString(locale());

function ruleOf(line, words) {
  if (line.most < 0 && words.forever[line.rule]) return words.forever[line.rule];
  if (line.name === "audits" || line.name === "spendings") return words.audits;
  return filled(words.rules[line.rule] ?? line.rule, { number: read(line.most) });
}

function Rules({ kept, words }) {
  return (
    <ul className="set-list">
      {kept.map((line, index) => (
        <li key={`${line.name} ${line.rule}`} data-part="kept" data-name={line.name}>
          <p className="set-name">
            {kept[index - 1]?.name === line.name ? (
              <span className="visually-hidden">{words.names[line.name]}</span>
            ) : (
              words.names[line.name]
            )}
          </p>
          <div className="set-value">{ruleOf(line, words)}</div>
          <p className="set-source">
            {line.variable ? <code>{line.variable}</code> : null}
            {line.variable ? <span className="set-soft">{words.sources[line.source]}</span> : null}
          </p>
        </li>
      ))}
    </ul>
  );
}

function toGoOf(stored, words) {
  if (!stored.to_go) return words.toGo.none;
  if (stored.to_go === 1) return words.toGo.one;
  return filled(words.toGo.many, { number: `${read(stored.to_go)}${stored.to_go_more ? "+" : ""}` });
}

function sweptOf({ swept, sweeping }, words) {
  if (sweeping) return words.sweeping;
  if (!swept.at) return words.notSwept;
  return filled(words.swept, {
    time: moment(swept.at),
    runs: read(swept.runs),
    deltas: read(swept.deltas),
    threads: read(swept.threads),
    took: duration(swept.seconds),
  });
}

function Stored({ stored, attempt, words, onAsk }) {
  return (
    <section className="settings" aria-labelledby="kept-now" data-part="stored">
      <h2 id="kept-now">{words.now}</h2>
      <dl className="figures">
        <div className="figure">
          <dt>{words.bytes}</dt>
          <dd data-part="bytes">{bytes(stored.bytes)}</dd>
        </div>
        <div className="figure">
          <dt>{words.fileBytes}</dt>
          <dd>
            {bytes(stored.file_bytes)}
            {stored.file_bytes_more ? "+" : ""}
          </dd>
        </div>
        {stored.counts.map((one) => (
          <div key={one.name} className="figure">
            <dt>{words.counts[one.name] ?? one.name}</dt>
            <dd data-part={`count-${one.name}`}>
              {read(one.number)}
              {one.more ? "+" : ""}
            </dd>
          </div>
        ))}
      </dl>
      <p className="set-told">
        {stored.oldest ? filled(words.oldest, { time: moment(stored.oldest) }) : words.noneOld}{" "}
        <span data-part="to-go">{toGoOf(stored, words)}</span>
      </p>
      <p className="set-soft" data-part="swept">
        {sweptOf(stored, words)}
      </p>
      <p role="status" className={attempt.came?.said ? "entry-said" : undefined}>
        {spoken(attempt.came?.said ?? "")}
      </p>
      <button type="button" className="button set-sweep" onClick={onAsk}>
        {words.sweep}
      </button>
    </section>
  );
}

/** The rules; for those who look after the app, what there is, and a sweep. */
export function Kept({ kept, stored, operator, acted, words, onSweep }) {
  const [asking, setAsking] = useState(null);
  const attempt = useAttempt(acted, (came) => came.problem || setAsking(null));
  return (
    <>
      <Rules kept={kept} words={words} />
      {operator && stored.counts.length ? (
        <Stored
          stored={stored}
          attempt={attempt}
          words={words}
          onAsk={() => setAsking({ before: attempt.came })}
        />
      ) : null}
      {asking ? (
        <Sure
          title={words.sure.title}
          text={words.sure.text}
          confirm={words.sure.yes}
          danger
          attempt={attempt}
          problem={attempt.came === asking.before ? "" : spoken(attempt.came?.problem)}
          words={words}
          onConfirm={() => attempt.send((number) => onSweep(number))}
          onClose={() => setAsking(null)}
        />
      ) : null}
    </>
  );
}
