// A markdown text in blocks that are drawn one by one. Pure.
import { lexer } from "marked";

// Where a part of the text says something about another, it is one block: references, notes.
const REFERENCE = /^ {0,3}\[[^\]]+\]:/m;
const FENCE = /^ {0,3}\$\$[^$\n]*$/gm;

function tokensOf(text) {
  const tokens = lexer(text);
  const blocks = [];
  let open = false;
  for (const { raw, type } of tokens) {
    // Between two lines of $$ it is all one formula, blank lines or not.
    if (open) blocks[blocks.length - 1] += raw;
    else blocks.push(raw);
    if (type !== "code" && (raw.match(FENCE)?.length ?? 0) % 2) open = !open;
  }
  return blocks;
}

/**
 * The blocks of a text that may go on from the one before, whose blocks are given: of a long
 * one, only its end is read again.
 */
export function blocksOf(text, before = { text: "", blocks: [] }) {
  if (REFERENCE.test(text)) return [text];
  // What comes may still belong to the last block, or to what is before the space above it. The
  // parser reads the ends of lines in its own way: then what it read is not what is there.
  const goesOn = text.startsWith(before.text) && !text.includes("\r");
  const kept = goesOn ? before.blocks.slice(0, -3) : [];
  const length = kept.reduce((sum, block) => sum + block.length, 0);
  return [...kept, ...tokensOf(text.slice(length))];
}

const CHUNK = 2_000;
/** From how many characters on a text is drawn in parts. */
export const LARGE = 10_000;

/** The blocks of a text that will not go on, several at once: each that is drawn costs something. */
export function chunksOf(text) {
  const chunks = [];
  for (const block of blocksOf(text)) {
    const last = chunks.length - 1;
    if (last >= 0 && chunks[last].length + block.length <= CHUNK) chunks[last] += block;
    else chunks.push(block);
  }
  return chunks;
}

/** The lines of a large text, several at once; put together with line ends they are the text. */
export function linesOf(text) {
  const parts = [];
  let part = [];
  let length = 0;
  for (const line of text.split("\n")) {
    if (length > CHUNK) {
      parts.push(part.join("\n"));
      part = [];
      length = 0;
    }
    part.push(line);
    length += line.length + 1;
  }
  return [...parts, part.join("\n")];
}
