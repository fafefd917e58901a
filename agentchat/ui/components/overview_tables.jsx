// Workflows, agents and models in tables that can be sorted.
import { useState } from "react";
import { Link } from "react-router";
import { ArrowDown, ArrowUp, ThumbsDown, ThumbsUp } from "lucide-react";
import { moment } from "./clock";
import { costOf, counted, duration, share, short, unknownCalls } from "./overview_values";
import { locale } from "./said";

const NUMBERS = new Set(["active", "ended", "calls", "failed", "success", "p50", "p95", "tokens", "cost", "rated"]);

function valueOf(row, column) {
  if (column === "tokens") return row.input_tokens + row.output_tokens;
  if (column === "cost") return row.cost_usd;
  if (column === "calls") return row.ended;
  // By the share of good ones; of equal shares, more of them tell more.
  if (column === "rated") return row.good + row.bad ? (row.good + 1) / (row.good + row.bad + 2) : null;
  return row[column];
}

/** In order; what there is no value of comes last in both directions. */
function sorted(rows, { column, down }, shown) {
  const way = down ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] =
      column === "name"
        ? [shown(one.name), shown(other.name)]
        : [valueOf(one, column), valueOf(other, column)];
    const missing = (a === null) - (b === null);
    if (missing) return missing;
    if (typeof a === "string") return way * a.localeCompare(b);
    return way * (a - b) || one.name.localeCompare(other.name);
  });
}

function Header({ column, order, setOrder, words }) {
  const chosen = order.column === column;
  const press = () => setOrder({ column, down: chosen ? !order.down : column !== "name" });
  const Arrow = order.down ? ArrowDown : ArrowUp;
  return (
    <th
      scope="col"
      data-number={NUMBERS.has(column) || undefined}
      aria-sort={chosen ? (order.down ? "descending" : "ascending") : undefined}
    >
      <button type="button" onClick={press}>
        {words.columns[column]}
        {chosen ? <Arrow aria-hidden /> : null}
      </button>
    </th>
  );
}

function Cell({ row, column, to, most, words }) {
  if (column === "active") return row.active ? counted(row.active, most) : "–";
  if (column === "ended") return row.ended.toLocaleString(locale());
  if (column === "calls") return row.ended.toLocaleString(locale());
  if (column === "failed") {
    if (!row.failed) return "0";
    const number = row.failed.toLocaleString(locale());
    const failed = to(row.name, "failed");
    return failed ? (
      <Link to={failed} className="failed-link">
        {number}
      </Link>
    ) : (
      number
    );
  }
  if (column === "rated") {
    return row.good + row.bad ? `${row.good.toLocaleString(locale())} / ${row.bad.toLocaleString(locale())}` : "–";
  }
  if (column === "success") return share(row.success);
  if (column === "tokens") return short(row.input_tokens + row.output_tokens);
  if (column === "cost") {
    return <span title={unknownCalls(row.unknown, words) || undefined}>{costOf(row, words)}</span>;
  }
  return duration(row[column]);
}

export function GroupTable({ kind, rows, columns, to, most, words, action, shown = (name) => name }) {
  const [order, setOrder] = useState({ column: columns[0], down: true });
  return (
    <section className="overview-group" aria-labelledby={`group-${kind}`}>
      <h2 id={`group-${kind}`}>{words.groups[kind]}</h2>
      {rows.length ? (
        <div className="overview-scroll" tabIndex={0} role="region" aria-labelledby={`group-${kind}`}>
          <table data-part={kind}>
            <thead>
              <tr>
                {["name", ...columns].map((column) => (
                  <Header key={column} column={column} order={order} setOrder={setOrder} words={words} />
                ))}
                {action ? (
                  <th scope="col">
                    <span className="visually-hidden">{words.actionsColumn}</span>
                  </th>
                ) : null}
              </tr>
            </thead>
            <tbody>
              {sorted(rows, order, shown).map((row) => (
                <tr key={row.name}>
                  <th scope="row" title={shown(row.name) === row.name ? undefined : row.name}>
                    {to(row.name) ? <Link to={to(row.name)}>{shown(row.name)}</Link> : shown(row.name)}
                    {row.rest ? <span className="chip chip-paused">{words.paused}</span> : null}
                  </th>
                  {columns.map((column) => (
                    <td key={column} data-number data-column={column}>
                      <Cell row={row} column={column} to={to} most={most} words={words} />
                    </td>
                  ))}
                  {action ? <td className="overview-action">{action(row)}</td> : null}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <p className="overview-none">{words.noGroups[kind]}</p>
      )}
    </section>
  );
}

/** Why people find answers good or not, the newest first. */
export function Comments({ comments, words }) {
  if (!comments.length) return null;
  return (
    <section className="overview-group" aria-labelledby="overview-comments" data-part="comments">
      <h2 id="overview-comments">{words.comments}</h2>
      <ul className="overview-comments">
        {comments.map((one) => (
          <li key={`${one.at} ${one.run_id}`}>
            {one.good ? <ThumbsUp aria-label={words.good} /> : <ThumbsDown aria-label={words.bad} />}
            <div>
              <p dir="auto">{one.reason}</p>
              <p className="overview-soft">
                {[one.agent, one.model, moment(one.at)].filter(Boolean).join(" · ")}{" "}
                {one.run_id ? <Link to={`/runs/${one.run_id}`}>{words.open}</Link> : null}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function PeriodTable({ periods, series, at, tell, words }) {
  return (
    <details className="chart-table">
      <summary>{words.asTable}</summary>
      <div className="overview-scroll" tabIndex={0} role="region" aria-label={words.asTable}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.from}</th>
              {series.map((name) => (
                <th scope="col" key={name} data-number>
                  {words.series[name]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {periods.map((period) => (
              <tr key={period.at}>
                <th scope="row">{at(period.at)}</th>
                {tell(period).map(([name, value]) => (
                  <td key={name} data-number>
                    {value}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
