// Where a link of an untrusted author leads, and whether its text says so.

const LEADS_OUT = new Set(["http:", "https:", "mailto:"]);

/** The address as the browser reads it; none for all but the web and mail. */
export function addressOf(text) {
  try {
    const url = new URL(text);
    return LEADS_OUT.has(url.protocol) ? url : null;
  } catch {
    // Also our own paths lead nowhere: nobody may make a reader act in this app.
    return null;
  }
}

/** The words of an element's children. */
export function textOf(children) {
  if (typeof children === "string" || typeof children === "number") return String(children);
  if (Array.isArray(children)) return children.map(textOf).join("");
  return children?.props ? textOf(children.props.children) : "";
}

/**
 * Whom an address belongs to, where the text of its link does not say it; else empty. Names in
 * other alphabets come as they are on the wire (xn--…), so none looks like another.
 */
export function unsaidHost(url, text) {
  const said = text.trim();
  if (url.protocol === "mailto:") return said.endsWith(url.pathname) ? "" : url.pathname;
  const origin = `${url.protocol}//${url.host}`;
  const rest = said.startsWith(origin) ? said.slice(origin.length) : null;
  const same = said === url.host || (rest !== null && /^([/?#]|$)/.test(rest));
  return same ? "" : url.host;
}
