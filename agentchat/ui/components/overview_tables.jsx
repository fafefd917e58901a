// Workflows, agents and models in tables that can be sorted.
import { useState } from "react";
import { Link } from "react-router";
import { ArrowDown, ArrowUp } from "lucide-react";
import { costOf, counted, duration, share, short, unknownCalls } from "./overview_values";

const NUMBERS = new Set(["active", "ended", "calls", "failed", "success", "p50", "p95", "tokens", "cost"]);

function valueOf(row, column) {
  if (column === "tokens") return row.input_tokens + row.output_tokens;
  if (column === "cost") return row.cost_usd;
  if (column === "calls") return row.ended;
  return row[column];
}

/** In order; what there is no value of comes last in both directions. */
function sorted(rows, { column, down }) {
  const way = down ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [valueOf(one, column), valueOf(other, column)];
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
  if (column === "ended") return row.ended.toLocaleString("en");
  if (column === "calls") return row.ended.toLocaleString("en");
  if (column === "failed") {
    if (!row.failed) return "0";
    const number = row.failed.toLocaleString("en");
    const failed = to(row.name, "failed");
    return failed ? (
      <Link to={failed} className="failed-link">
        {number}
      </Link>
    ) : (
      number
    );
  }
  if (column === "success") return share(row.success);
  if (column === "tokens") return short(row.input_tokens + row.output_tokens);
  if (column === "cost") {
    return <span title={unknownCalls(row.unknown, words) || undefined}>{costOf(row, words)}</span>;
  }
  return duration(row[column]);
}

export function GroupTable({ kind, rows, columns, to, most, words, action }) {
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
              {sorted(rows, order).map((row) => (
                <tr key={row.name}>
                  <th scope="row">
                    {to(row.name) ? <Link to={to(row.name)}>{row.name}</Link> : row.name}
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
