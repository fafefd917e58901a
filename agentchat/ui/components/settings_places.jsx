// The parts of the settings: a list at the side, or above where it is narrow.
import { Link, useLocation } from "react-router";

/** Links to those that this person may see; `who` is empty until that is known. */
export function SettingsPlaces({ places, operator, open, who, label }) {
  // A server may end an address in a slash.
  const here = useLocation().pathname.replace(/\/$/, "");
  const seen = places.filter((one) => (!one.operators || operator || !who) && (!one.accounts || !open));
  // What comes or goes late would move the others: none is shown before it is known whose they are.
  return (
    <nav className="settings-places" aria-label={label} data-known={Boolean(who)}>
      {seen.map((one) => (
        <Link
          key={one.to}
          to={one.to}
          className="place"
          aria-current={here === one.to ? "page" : undefined}
        >
          {one.name}
        </Link>
      ))}
    </nav>
  );
}
