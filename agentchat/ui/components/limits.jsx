// The limits that are in force, and how much of them is used.
import { filled } from "./asks";
import { bytes } from "./overview_values";
import { dollars } from "./run_values";
import { locale } from "./said";

/** A number of a unit as people read it. */
function amount(value, unit, words) {
  if (unit === "bytes") return bytes(value);
  if (unit === "usd") return dollars(value);
  const number = value.toLocaleString(locale(), { maximumFractionDigits: 2 });
  return filled(words.units[unit] ?? words.units[""], { number });
}

function valueOf(line, words) {
  if (line.name === "second") {
    return (
      <>
        {words.seconds[line.text] ?? line.text}
        <span className="set-soft">{words.eachThread}</span>
      </>
    );
  }
  if (line.most < 0) return line.name === "context_tokens" ? words.all : words.none;
  return amount(line.most, line.unit, words);
}

function Used({ line, words }) {
  if (line.used < 0) return null;
  const used = amount(line.used, line.unit, words);
  if (line.most < 0) return <span className="set-soft">{filled(words.usedOnly, { used })}</span>;
  const share = Math.min(1, line.most ? line.used / line.most : 1);
  return (
    <span className="set-used" data-part="used">
      <span className="set-bar" aria-hidden data-full={share >= 0.9 ? "" : undefined}>
        {share ? <span style={{ width: `${share * 100}%` }} /> : null}
      </span>
      <span className="set-soft">
        {filled(words.used, { used, most: amount(line.most, line.unit, words) })}
      </span>
    </span>
  );
}

function Line({ line, words }) {
  return (
    <li data-part="limit" data-name={line.name}>
      <p className="set-name">
        {filled(words.names[line.name] ?? line.name, { text: line.text })}
        {line.agent ? <span className="account-mark off">{filled(words.agent, { name: line.agent })}</span> : null}
      </p>
      <div className="set-value">
        <span>{valueOf(line, words)}</span>
        <Used line={line} words={words} />
      </div>
      <p className="set-source">
        {line.variable ? <code>{line.variable}</code> : null}
        <span className="set-soft">{words.sources[line.source] ?? line.source}</span>
      </p>
    </li>
  );
}

/** The limits in groups. */
export function LimitList({ limits, words }) {
  const groups = [...new Set(limits.map((line) => line.group))];
  return groups.map((group) => (
    <section key={group} className="settings" aria-labelledby={`limits-${group}`}>
      <h2 id={`limits-${group}`}>{words.groups[group] ?? group}</h2>
      {words.more[group] ? <p className="memories-more">{words.more[group]}</p> : null}
      <ul className="set-list">
        {limits
          .filter((line) => line.group === group)
          .map((line) => (
            <Line key={`${line.name} ${line.agent}`} line={line} words={words} />
          ))}
      </ul>
    </section>
  ));
}
