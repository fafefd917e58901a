// The only place where text of a model becomes elements. Raw HTML stays text, links lead out
// without a trace of us, and nothing is ever fetched.
import { memo, startTransition, useEffect, useId, useMemo, useRef, useState } from "react";
import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";
import { Check, Copy, ImageOff } from "lucide-react";
import { blocksOf, chunksOf, LARGE, linesOf } from "./blocks";
import { Boundary } from "./boundary";
import { CodeBlock, Growing, languageOf, useCopy } from "./code";
import { useExtra } from "./extras";
import { mayHoldMath, withMath } from "./formulas";
import { useGrown } from "./growth";
import { addressOf, textOf, unsaidHost } from "./links";
import { heightOf, usePrinting, watch } from "./near";

// The pages' policy lets nobody write HTML into the page. The markdown parser does, to learn
// which character a name like "&amp;" stands for: names, and nothing else, are let through.
if (globalThis.trustedTypes && !globalThis.trustedTypes.defaultPolicy) {
  const NAME = /^&[A-Za-z][A-Za-z0-9]{0,40};$/;
  globalThis.trustedTypes.createPolicy("default", {
    createHTML: (text) => (NAME.test(text) ? text : null),
  });
}

const REMARK = [remarkGfm];
const PLAIN = [];
const MOST_HIGHLIGHTED = 60_000;
const DRAWN = 2; // parts at either end of a large text that are drawn at once
const CODE = /^[ \t>*+-]*(?:\d+[.)])?[ \t]*(?:```|~~~)[ \t]*[\w+#-]/m;

/** A button that copies the source of a whole message. */
export function CopyMessage({ text, words }) {
  const [copied, copy] = useCopy(() => text);
  const label = copied ? words.copied : words.copyAnswer;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={label}
      data-copies=""
      onClick={copy}
    >
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

/** Leads to a footnote of the same message, or back from it. */
function NoteLink({ id, href, label, children }) {
  const go = (event) => {
    event.preventDefault();
    const within = event.currentTarget.closest(".markdown");
    const to = [...within.querySelectorAll("[id]")].find((one) => one.id === href.slice(1));
    if (!to) return;
    if (to.tabIndex < 0) to.tabIndex = -1;
    to.scrollIntoView({ block: "nearest" });
    to.focus({ preventScroll: true });
  };
  return (
    <a id={id} href={href} className="note-link" aria-label={label} onClick={go}>
      {children}
    </a>
  );
}

const isFormula = (node) => (node?.properties?.className ?? []).includes("language-math");

function MathText({ node, apart, children }) {
  const math = useExtra("math", true);
  const source = textOf(children).replace(/\n$/, "");
  if (!math || !isFormula(node)) return <code>{children}</code>;
  return <math.Formula source={source} apart={apart} />;
}

function componentsWith(words) {
  return {
    pre: ({ node, children }) => {
      const [code] = node?.children ?? [];
      if (languageOf(node) === "math" && code.properties.className.includes("math-display")) {
        return (
          <MathText node={code} apart>
            {children.props.children}
          </MathText>
        );
      }
      return (
        <CodeBlock node={node} words={words}>
          {children}
        </CodeBlock>
      );
    },
    code: ({ node, className, children }) => {
      const names = node?.properties?.className ?? [];
      if (names.includes("math-inline") || names.includes("math-display")) {
        return (
          <MathText node={node} apart={names.includes("math-display")}>
            {children}
          </MathText>
        );
      }
      return <code className={className}>{children}</code>;
    },
    a: ({ node, id, href, children }) => {
      const { dataFootnoteRef, dataFootnoteBackref } = node?.properties ?? {};
      if (dataFootnoteRef === undefined && dataFootnoteBackref === undefined) {
        return <OutLink href={href}>{children}</OutLink>;
      }
      const label = dataFootnoteRef === undefined ? words.backFromNote : undefined;
      return (
        <NoteLink id={id} href={href} label={label}>
          {children}
        </NoteLink>
      );
    },
    // The parser gives the heading of the notes the same id in every message.
    h3: ({ className, children }) => <h3 className={className}>{children}</h3>,
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
    input: ({ checked }) => (
      <span role="img" aria-label={checked ? words.taskDone : words.taskOpen} className="task">
        {checked ? "☑" : "☐"}
      </span>
    ),
  };
}

// What addresses may lead to is decided where they are drawn.
const asIs = (address) => address;

// Whatever somebody wrote, the rest of the page stays: what cannot be drawn is shown as it is.
const Block = memo(function Block({ text, components, notes }) {
  const math = useExtra("math", mayHoldMath(text));
  const coloured = text.length <= MOST_HIGHLIGHTED && CODE.test(text);
  const colours = useExtra("highlight", coloured);
  const source = useMemo(() => (math ? withMath(text) : text), [math, text]);
  const remark = useMemo(() => (math ? [...REMARK, ...math.REMARK] : REMARK), [math]);
  return (
    <Boundary of={text} instead={<p className="as-written">{text}</p>}>
      <ReactMarkdown
        remarkPlugins={remark}
        rehypePlugins={colours?.REHYPE ?? PLAIN}
        remarkRehypeOptions={notes}
        urlTransform={asIs}
        components={components}
      >
        {source}
      </ReactMarkdown>
    </Boundary>
  );
});

/** A part of a large text: as it is written until the reader comes near. */
const Part = memo(function Part({ text, height, drawn, children }) {
  const element = useRef(null);
  const [near, setNear] = useState(drawn);
  const printing = usePrinting();
  useEffect(
    () =>
      near
        ? undefined
        : watch(element.current, ({ isIntersecting }) => {
            if (isIntersecting) startTransition(() => setNear(true));
          }),
    [near],
  );
  return (
    <div className="markdown-part" ref={element} style={{ containIntrinsicHeight: `auto ${height}px` }}>
      {near || printing ? children : <p className="as-written">{text}</p>}
    </div>
  );
}, (before, after) => before.text === after.text && before.children.props.components === after.children.props.components);

/** What a person said, as it was written; of a large text the browser lays out what is near. */
export const Plain = memo(function Plain({ text }) {
  const lines = useMemo(() => (text.length > LARGE ? linesOf(text) : null), [text]);
  if (!lines) return text;
  return lines.map((part, place) => (
    <div
      key={place}
      className="plain-part"
      style={{ containIntrinsicHeight: `auto ${heightOf(part)}px` }}
    >
      {part}
    </div>
  ));
});

/** Markdown of an untrusted author: all of it, or that of a message while it grows. */
export const Markdown = memo(
  function Markdown({ message, growing, text, words }) {
    // The words are another object each time, and other words in another language.
    const components = useMemo(() => componentsWith(words), [words.copy]);
    const id = useId();
    const notes = useMemo(
      () => ({
        // Two messages may have a note of the same name.
        clobberPrefix: `note-${id}-`,
        footnoteLabel: words.notes,
        footnoteLabelTagName: "h3",
        footnoteLabelProperties: { className: ["notes-heading"] },
      }),
      [id, words.notes],
    );
    const grown = useGrown(message);
    const shown = growing ? grown : text;
    const read = useRef({ text: "", blocks: [] });
    // What grew here keeps its elements when it is complete.
    const [grew] = useState(growing);
    const blocks = useMemo(() => {
      if (!grew) return chunksOf(shown);
      read.current = { text: shown, blocks: blocksOf(shown, read.current) };
      return read.current.blocks;
    }, [shown, grew]);
    const inParts = !grew && shown.length > LARGE;
    return (
      <Growing.Provider value={growing}>
        {blocks.map((text, place) => {
          if (!text.trim()) return null;
          const block = <Block key={place} text={text} components={components} notes={notes} />;
          if (!inParts) return block;
          // Either end may be what is seen first.
          const drawn = place < DRAWN || place >= blocks.length - DRAWN;
          return (
            <Part key={place} text={text} height={heightOf(text)} drawn={drawn}>
              {block}
            </Part>
          );
        })}
      </Growing.Provider>
    );
  },
  (before, after) =>
    before.text === after.text &&
    before.growing === after.growing &&
    before.message === after.message &&
    before.words.copy === after.words.copy,
);
