import { createContext, useContext, useEffect, useRef, useState } from "react";
import { Check, ChevronDown, Copy, WrapText } from "lucide-react";

/** Whether the text around is still being written. */
export const Growing = createContext(false);

// Of a longer block only its beginning is shown until somebody asks for all.
const FOLDED_FROM = 40;
const NAMES = {
  bash: "Bash", c: "C", cpp: "C++", "c++": "C++", csharp: "C#", cs: "C#", css: "CSS", diff: "Diff",
  go: "Go", graphql: "GraphQL", html: "HTML", ini: "INI", java: "Java", javascript: "JavaScript",
  js: "JavaScript", json: "JSON", jsx: "JSX", kotlin: "Kotlin", less: "Less", lua: "Lua",
  makefile: "Makefile", markdown: "Markdown", md: "Markdown", perl: "Perl", php: "PHP",
  plaintext: "Text", py: "Python", python: "Python", r: "R", rb: "Ruby", ruby: "Ruby",
  rs: "Rust", rust: "Rust", scss: "SCSS", sh: "Shell", shell: "Shell", sql: "SQL",
  swift: "Swift", text: "Text", ts: "TypeScript", tsx: "TSX", txt: "Text", typescript: "TypeScript",
  xml: "XML", yaml: "YAML", yml: "YAML",
};

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // navigator.clipboard is missing on plain http outside localhost
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

export function useCopy(read) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [copied]);
  return [copied, () => copyText(read()).then(() => setCopied(true))];
}

/** The language that a block of code names, empty if it names none. */
export function languageOf(node) {
  const names = node?.children?.[0]?.properties?.className ?? [];
  return names.map(String).find((name) => name.startsWith("language-"))?.slice(9) ?? "";
}

function linesOf(node) {
  const text = (one) => (one.type === "text" ? one.value : (one.children ?? []).map(text).join(""));
  return text(node).replace(/\n$/, "").split("\n").length;
}

/** Code with its language, a button that copies it, one that breaks its lines, and a fold. */
export function CodeBlock({ node, words, children }) {
  const pre = useRef(null);
  // What somebody saw being written stays as it is.
  const [whole, setWhole] = useState(useContext(Growing));
  const [wrapped, setWrapped] = useState(false);
  const [copied, copy] = useCopy(() => pre.current.textContent.replace(/\n$/, ""));
  const language = languageOf(node);
  const lines = linesOf(node);
  const long = lines > FOLDED_FROM;
  const all = words.allLines.replace("{count}", lines);
  return (
    <div className="code" data-folded={(long && !whole) || undefined}>
      <div className="code-head">
        <span>{NAMES[language.toLowerCase()] ?? (language || words.code)}</span>
        <span className="code-actions">
          <button
            type="button"
            aria-pressed={wrapped}
            aria-label={words.wrap}
            title={words.wrap}
            onClick={() => setWrapped(!wrapped)}
          >
            <WrapText aria-hidden />
          </button>
          <button type="button" aria-label={copied ? words.copied : words.copyCode} onClick={copy}>
            {copied ? <Check aria-hidden /> : <Copy aria-hidden />}
            {copied ? words.copied : words.copy}
          </button>
        </span>
      </div>
      <pre ref={pre} tabIndex={0} data-wrapped={wrapped || undefined}>
        {children}
      </pre>
      {long ? (
        <button
          type="button"
          className="code-all"
          aria-expanded={whole}
          onClick={() => setWhole(!whole)}
        >
          <ChevronDown aria-hidden />
          {whole ? words.fewerLines : all}
        </button>
      ) : null}
    </div>
  );
}
