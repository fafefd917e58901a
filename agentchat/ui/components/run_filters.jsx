// Fields that filter what a page shows, by its address.
import { useEffect, useRef, useState } from "react";

const QUIET = 300;

/** What is typed into a field; the address has it once the typing pauses. */
export function useTyped(address, name, also = {}) {
  const there = address.get(name);
  const [text, setText] = useState(there);
  const sent = useRef(there);
  const set = useRef(address.set);
  set.current = address.set;
  useEffect(() => {
    if (text === sent.current) return undefined;
    const timer = setTimeout(() => {
      sent.current = text;
      set.current({ [name]: text.trim(), ...also });
    }, QUIET);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    // By the back button, or a link.
    if (there !== sent.current.trim()) {
      sent.current = there;
      setText(there);
    }
  }, [there]);
  return [text, setText];
}

export function Search({ label, value, onChange }) {
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={label}
      value={value}
      maxLength={200}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
