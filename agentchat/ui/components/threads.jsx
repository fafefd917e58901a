import { Link, NavLink, useLocation } from "react-router";

/** A link to a thread or a page; the one being shown is marked as the current page, and a link
 * that also stands for the pages in *others* as current on those. */
export function ThreadLink({ to, others = [], className = "thread-link", children }) {
  const { pathname } = useLocation();
  if (others.some((other) => pathname.startsWith(other))) {
    return (
      <Link to={to} className={className} aria-current="true">
        {children}
      </Link>
    );
  }
  return (
    // A server may end an address in a slash; only of the first page all others are part.
    <NavLink to={to} end={to === "/"} className={className}>
      {children}
    </NavLink>
  );
}
