// Formulas of untrusted authors: fetched with the first of them. KaTeX makes elements of what it
// understands; no text of theirs is read as HTML, which the pages' policy would refuse.
import { useLayoutEffect, useRef } from "react";
import katex from "katex";
import "katex/dist/katex.min.css";
import remarkMath from "remark-math";

const MOST = 4_000;
// Elements within each other so far that a browser gives up on drawing them, and all of them.
const DEEPEST = 250;
const MOST_ELEMENTS = 20_000;
// Each could double what there is to draw, again and again.
const DEFINES = /\\(?:[egx]?def|(?:re|provide)?newcommand|providecommand|(?:future)?let|global|long)(?![A-Za-z@])/;

function optionsFor(apart) {
  return {
    displayMode: apart,
    // Neither links, nor pictures, nor classes and styles.
    trust: false,
    strict: "ignore",
    errorColor: "var(--danger)",
    throwOnError: true,
    maxSize: 20,
    maxExpand: 300,
    macros: {},
    globalGroup: false,
  };
}

/** Whether a browser can draw what KaTeX has made; counted without going into itself. */
function isDrawable(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT);
  let depth = 0;
  let number = 0;
  for (let forth = true; ; ) {
    if (forth && walker.firstChild()) depth += 1;
    else if (walker.nextSibling()) forth = true;
    else if (depth > 0 && walker.parentNode()) {
      depth -= 1;
      forth = false;
      continue;
    } else return true;
    forth = true;
    number += 1;
    if (depth > DEEPEST || number > MOST_ELEMENTS) return false;
  }
}

/** A formula; what is none is shown as it was written. */
export function Formula({ source, apart }) {
  const frame = useRef(null);
  useLayoutEffect(() => {
    const element = frame.current;
    try {
      if (source.length > MOST || DEFINES.test(source)) throw new RangeError("not drawn");
      const drawn = document.createElement("span");
      katex.render(source, drawn, optionsFor(apart));
      if (!isDrawable(drawn)) throw new RangeError("not drawn");
      element.replaceChildren(...drawn.childNodes);
      element.dataset.state = "drawn";
    } catch {
      element.textContent = source;
      element.dataset.state = "written";
    }
  }, [source, apart]);
  return (
    <span
      className={apart ? "formula apart" : "formula"}
      tabIndex={apart ? 0 : undefined}
      role={apart ? "group" : undefined}
      ref={frame}
    />
  );
}

/** Formulas that stand by themselves within a line are marked by one dollar more. */
function tellApart() {
  return (tree, file) => {
    const text = String(file);
    const look = (node) => {
      if (node.type === "inlineMath" && text.startsWith("$$$", node.position?.start.offset)) {
        node.data.hProperties.className = ["language-math", "math-display"];
      }
      node.children?.forEach(look);
    };
    look(tree);
  };
}

export const REMARK = [[remarkMath, { singleDollarTextMath: false }], tellApart];
