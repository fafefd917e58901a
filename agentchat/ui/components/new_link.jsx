// A link that was just made, to be copied.
import { useEffect, useRef, useState } from "react";

/** Nobody can see it again. `said` is what was done, `shown` what there is to know of the link. */
export function NewLink({ link, said, shown, words, onHide }) {
  const box = useRef(null);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    setCopied(false);
    box.current?.focus();
    box.current?.select();
  }, [link]);
  const copy = async () => {
    box.current.select();
    try {
      await navigator.clipboard.writeText(link);
    } catch {
      // Without TLS there may be no clipboard; the link is selected.
      if (!document.execCommand("copy")) return;
    }
    setCopied(true);
  };
  return (
    <div className="new-link" data-part="new-link">
      <p>
        <strong>{said}</strong> {shown}
      </p>
      <div className="entry-row">
        <input readOnly ref={box} value={link} aria-label={words.linkLabel} />
        <button type="button" className="button primary" onClick={copy}>
          <span aria-live="polite">{copied ? words.copied : words.copy}</span>
        </button>
        <button type="button" className="button" onClick={onHide}>
          {words.hide}
        </button>
      </div>
    </div>
  );
}
