import { locale, useLanguage } from "./said";

/** The day of a time, as the reader's language writes it and where the reader is. */
export function Day({ at }) {
  useLanguage();
  return <time dateTime={at}>{new Date(at).toLocaleDateString(locale(), { dateStyle: "long" })}</time>;
}
