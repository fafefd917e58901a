// The only place where text of a model becomes elements. Raw HTML stays text, links lead out
// without a trace of us, and nothing is ever fetched.
import { memo, useEffect, useMemo, useRef, useState } from "react";
import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";
import rehypeHighlight from "rehype-highlight";
import { Check, Copy, ImageOff } from "lucide-react";
import { lexer } from "marked";
import { useGrown } from "./growth";

const REMARK = [remarkGfm];
const HIGHLIGHT = [[rehypeHighlight, { detect: false, plainText: ["text", "txt", "plain"] }]];
const PLAIN = [];
const MOST_HIGHLIGHTED = 60_000;

async function copyText(text) {
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

function useCopy(read) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [copied]);
  return [copied, () => copyText(read()).then(() => setCopied(true))];
}

/** A button that copies the source of a whole message. */
export function CopyMessage({ text, words }) {
  const [copied, copy] = useCopy(() => text);
  const label = copied ? words.copied : words.copyAnswer;
  return (
    <button type="button" className="icon-button" aria-label={label} title={label} onClick={copy}>
      {copied ? <Check aria-hidden /> : <Copy aria-hidden />}
    </button>
  );
}

/** A small button that copies a text shown beside it. */
export function CopyButton({ text, label, words }) {
  const [copied, copy] = useCopy(() => text);
  const said = copied ? words.copied : label;
  return (
    <button type="button" className="copy-button" aria-label={said} title={said} onClick={copy}>
      {copied ? <Check aria-hidden /> : <Copy aria-hidden />}
    </button>
  );
}

function CodeBlock({ node, words, children }) {
  const pre = useRef(null);
  const [copied, copy] = useCopy(() => pre.current.textContent.replace(/\n$/, ""));
  const names = node?.children?.[0]?.properties?.className ?? [];
  const language = names.map(String).find((name) => name.startsWith("language-"))?.slice(9);
  return (
    <div className="code">
      <div className="code-head">
        <span>{language || words.code}</span>
        <button type="button" aria-label={copied ? words.copied : words.copyCode} onClick={copy}>
          {copied ? <Check aria-hidden /> : <Copy aria-hidden />}
          {copied ? words.copied : words.copy}
        </button>
      </div>
      <pre ref={pre} tabIndex={0}>
        {children}
      </pre>
    </div>
  );
}

function hostOf(address) {
  try {
    return new URL(address).host;
  } catch {
    return "";
  }
}

/** Only addresses of the web and of mail; all else, also our own paths, leads nowhere. */
function safeAddress(address) {
  return /^(https?:\/\/|mailto:)/i.test(address) ? address : "";
}

function componentsWith(words) {
  return {
    pre: ({ node, children }) => (
      <CodeBlock node={node} words={words}>
        {children}
      </CodeBlock>
    ),
    a: ({ href, children }) =>
      href ? (
        <a href={href} target="_blank" rel="noopener noreferrer nofollow">
          {children}
        </a>
      ) : (
        <span>{children}</span>
      ),
    img: ({ src, alt }) => (
      <span className="image-placeholder">
        <ImageOff size={14} aria-hidden />
        {[words.image, alt, hostOf(src)].filter(Boolean).join(" · ")}
      </span>
    ),
    table: ({ children }) => (
      <div className="table-frame" role="region" aria-label={words.table} tabIndex={0}>
        <table>{children}</table>
      </div>
    ),
    input: ({ checked }) => <span aria-hidden>{checked ? "☑ " : "☐ "}</span>,
  };
}

// Each block is drawn by itself, so that of a long growing text only its end is drawn again.
// Where a part of the text says something about another, it is one block: references, notes.
const REFERENCE = /^ {0,3}\[[^\]]+\]:/m;

function blocksOf(text) {
  return REFERENCE.test(text) ? [text] : lexer(text).map((token) => token.raw);
}

const Block = memo(function Block({ text, components }) {
  return (
    <ReactMarkdown
      remarkPlugins={REMARK}
      rehypePlugins={text.length > MOST_HIGHLIGHTED ? PLAIN : HIGHLIGHT}
      urlTransform={(address, key) => (key === "src" ? address : safeAddress(address))}
      components={components}
    >
      {text}
    </ReactMarkdown>
  );
});

/** Markdown of an untrusted author: all of it, or that of a message while it grows. */
export const Markdown = memo(
  function Markdown({ message, growing, text, words }) {
    const components = useRef(null);
    components.current ??= componentsWith(words);
    const grown = useGrown(message);
    const shown = growing ? grown : text;
    const blocks = useMemo(() => blocksOf(shown), [shown]);
    return blocks.map((block, place) => (
      <Block key={place} text={block} components={components.current} />
    ));
  },
  (before, after) =>
    before.text === after.text &&
    before.growing === after.growing &&
    before.message === after.message,
);
