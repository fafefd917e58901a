// The colours of code, for the languages that are common: fetched with the first code.
import rehypeHighlight from "rehype-highlight";

export const REHYPE = [
  [rehypeHighlight, { detect: false, plainText: ["text", "txt", "plain", "math"] }],
];
