// Texts in a language that has a catalogue; English has none. Pure, so it runs anywhere.

// {name}, or {name, plural, one {…} other {…}} where # stands for the number.
const PLACE = /\{(\w+)(?:, plural,((?:\s*[\w=]+ \{[^{}]*\})+)\s*)?\}/g;
const FORM = /([\w=]+) \{([^{}]*)\}/g;
const SENTENCES = /(?<=[.!?:]) (?=[^a-z])/;
const MOST_KEPT = 2_000;
const DEEPEST = 5;
// A number whose digits are grouped, or that has some behind a point.
const NUMBER = /^(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+)$/;
// A template that says less than this, or begins with less, is about words that are known, or none.
const TELLING = 8;
const BEGINNING = /^\p{Lu}\p{L}{5}/u;

/** The text with its {names} filled in. Where it has several forms of a word, the language says
 * which one a number asks for. */
export function fill(text, values, language) {
  return text.replace(PLACE, (whole, name, forms) => {
    const value = values[name];
    if (value === undefined || value === null) return whole;
    return forms ? formOf(forms, value, language) : value;
  });
}

function formOf(forms, value, language) {
  const number = typeof value === "number" ? value : Number(String(value).replace(/\D/g, ""));
  const rule = new Intl.PluralRules(language).select(number);
  const known = Object.fromEntries([...forms.matchAll(FORM)].map(([, name, form]) => [name, form]));
  return (known[`=${number}`] ?? known[rule] ?? known.other).replace("#", () => value);
}

/** What gives a text in the language of this catalogue, or as it is. `words` are the texts of the
 * pages; what the server has `told` comes with values in it, and is found by its template. */
export function sayer({ words, told }, language) {
  const templates = Object.keys(told)
    .filter((text) => text.includes("{"))
    .sort((one, other) => letters(other) - letters(one))
    .map((text) => ({ text, pattern: patternOf(text), vague: isVague(text) }));
  const [telling, vague] = [false, true].map((kind) => templates.filter((one) => one.vague === kind));
  const kept = new Map();

  // What is in a text of the server is one itself, or it is somebody's: words of pages are not
  // looked for there.
  const find = (text, depth) => {
    const known = (depth === 0 ? words[text] : undefined) ?? told[text];
    if (known !== undefined || depth > DEEPEST) return known;
    return (
      byTemplate(text, depth, telling) ?? bySentence(text, depth) ?? byTemplate(text, depth, vague)
    );
  };

  const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 20 });
  const localized = (value) =>
    NUMBER.test(value) ? numbers.format(Number(value.replaceAll(",", ""))) : value;

  const byTemplate = (text, depth, among) => {
    for (const { text: template, pattern, vague: strict } of among) {
      const found = pattern.exec(text);
      if (!found) continue;
      const values = Object.entries(found.groups).map(([name, value]) => {
        if (name.endsWith("_name")) return [name, value];
        if (!isWords(value)) return [name, localized(value)];
        return [name, find(value, depth + 1) ?? (strict ? undefined : value)];
      });
      if (values.every(([, value]) => value !== undefined)) {
        return fill(told[template], Object.fromEntries(values), language);
      }
    }
    return undefined;
  };

  const bySentence = (text, depth) => {
    const sentences = text.split(SENTENCES);
    if (sentences.length < 2) return undefined;
    const found = sentences.map((one) => find(one, depth + 1));
    if (found.every((one) => one === undefined)) return undefined;
    return found.map((one, place) => one ?? sentences[place]).join(" ");
  };

  return (text) => {
    if (typeof text !== "string" || !text) return text;
    let said = kept.get(text);
    if (said === undefined) {
      said = begun(text, find(text, 0) ?? text);
      if (kept.size >= MOST_KEPT) kept.clear();
      kept.set(text, said);
    }
    return said;
  };
}

// What begins a sentence there may be in the middle of one in the catalogue.
const begun = (text, said) =>
  /^\p{Lu}/u.test(text) ? said.charAt(0).toLocaleUpperCase() + said.slice(1) : said;

// A place that is filled in later is none, and neither are numbers and times.
const isWords = (text) => /\p{L}/u.test(text.replace(/\{\w+\}/g, ""));

const isVague = (text) => letters(text) < TELLING && !BEGINNING.test(text);

const letters = (text) => text.replace(/\{\w+\}|[^\p{L}]/gu, "").length;

function patternOf(text) {
  const parts = text.split(/\{(\w+)\}/);
  const pattern = parts.map((part, place) =>
    place % 2 ? `(?<${part}>.*?)` : part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"),
  );
  return new RegExp(`^${pattern.join("")}$`, "su");
}
