// The only place where text of a model becomes elements. Raw HTML stays text, links lead out
// without a trace of us, and nothing is ever fetched.
import { memo, useEffect, useMemo, useRef, useState } from "react";
import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";
import rehypeHighlight from "rehype-highlight";
import { Check, Copy, ImageOff } from "lucide-react";
import { lexer } from "marked";
import { Boundary } from "./boundary";
import { useGrown } from "./growth";
import { addressOf, textOf, unsaidHost } from "./links";

// The pages' policy lets nobody write HTML into the page. The markdown parser does, to learn
// which character a name like "&amp;" stands for: names, and nothing else, are let through.
if (globalThis.trustedTypes && !globalThis.trustedTypes.defaultPolicy) {
  const NAME = /^&[A-Za-z][A-Za-z0-9]{0,40};$/;
  globalThis.trustedTypes.createPolicy("default", {
    createHTML: (text) => (NAME.test(text) ? text : null),
  });
}

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

function OutLink({ href, children }) {
  const url = addressOf(href);
  if (!url) return <span>{children}</span>;
  const host = unsaidHost(url, textOf(children));
  return (
    <a href={url.href} target="_blank" rel="noopener noreferrer nofollow" title={url.href}>
      {children}
      {host ? <bdi className="link-host">{host}</bdi> : null}
    </a>
  );
}

function componentsWith(words) {
  return {
    pre: ({ node, children }) => (
      <CodeBlock node={node} words={words}>
        {children}
      </CodeBlock>
    ),
    a: ({ href, children }) => <OutLink href={href}>{children}</OutLink>,
    img: ({ src, alt }) => (
      <span className="image-placeholder">
        <ImageOff size={14} aria-hidden />
        {[words.image, alt, addressOf(src)?.host].filter(Boolean).join(" · ")}
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

// What addresses may lead to is decided where they are drawn.
const asIs = (address) => address;

// Each block is drawn by itself, so that of a long growing text only its end is drawn again.
// Where a part of the text says something about another, it is one block: references, notes.
const REFERENCE = /^ {0,3}\[[^\]]+\]:/m;

function blocksOf(text) {
  return REFERENCE.test(text) ? [text] : lexer(text).map((token) => token.raw);
}

// Whatever somebody wrote, the rest of the page stays: what cannot be drawn is shown as it is.
const Block = memo(function Block({ text, components }) {
  return (
    <Boundary of={text} instead={<p className="as-written">{text}</p>}>
      <ReactMarkdown
        remarkPlugins={REMARK}
        rehypePlugins={text.length > MOST_HIGHLIGHTED ? PLAIN : HIGHLIGHT}
        urlTransform={asIs}
        components={components}
      >
        {text}
      </ReactMarkdown>
    </Boundary>
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
