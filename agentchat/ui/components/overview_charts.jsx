// Bars over time. Loaded by itself: its library is larger than the rest of the page.
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { periodAt, periodFull, short } from "./overview_values";

function Told({ active, payload, label, words, tell }) {
  if (!active || !payload?.length) return null;
  const period = payload[0].payload;
  return (
    <div className="chart-told">
      <strong>{periodFull(label)}</strong>
      {tell(period).map(([name, value]) => (
        <span key={name}>
          <i data-series={name} />
          {words.series[name]} <b>{value}</b>
        </span>
      ))}
    </div>
  );
}

/** `series` are the names of what is stacked, each with a colour of its own. */
export default function Bars({ periods, series, range, words, tell }) {
  return (
    <ResponsiveContainer width="100%" height={176}>
      <BarChart
        data={periods}
        margin={{ top: 8, right: 4, bottom: 0, left: 0 }}
        accessibilityLayer={false}
        barCategoryGap="18%"
      >
        <CartesianGrid vertical={false} stroke="var(--line)" />
        <XAxis
          dataKey="at"
          tickFormatter={(at) => periodAt(at, range)}
          tick={{ fill: "var(--text-soft)", fontSize: 11 }}
          tickLine={false}
          axisLine={{ stroke: "var(--line-strong)" }}
          minTickGap={36}
        />
        <YAxis
          width={44}
          allowDecimals={series.includes("cost_usd")}
          tickFormatter={(value) => short(value)}
          tick={{ fill: "var(--text-soft)", fontSize: 11 }}
          tickLine={false}
          axisLine={false}
        />
        <Tooltip
          content={<Told words={words} tell={tell} />}
          cursor={{ fill: "var(--hover)", opacity: 0.6 }}
          isAnimationActive={false}
        />
        {series.map((name) => (
          <Bar
            key={name}
            dataKey={name}
            stackId="all"
            fill={`var(--series-${name})`}
            isAnimationActive={false}
          />
        ))}
      </BarChart>
    </ResponsiveContainer>
  );
}
