// The page of a public link: what only it has.
import { useEffect, useRef, useState } from "react";
import { Download, Paperclip } from "lucide-react";
import { filled } from "./asks";
import { decimal } from "./said";

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

// Once for each link: the browser then keeps what opens its files, where no script can read it.
let admission = { link: "", came: null };

function admitted(path, link) {
  if (admission.link !== link) {
    const came = fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: window.location.hash.slice(1) }),
    }).then(
      (answer) => answer.ok,
      () => false,
    );
    admission = { link, came };
    came.then((ok) => {
      if (!ok && admission.came === came) admission = { link: "", came: null };
    });
  }
  return admission.came;
}

function sizeOf(bytes) {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${decimal(bytes / 1e6, 1)} MB`;
}

/** The files of a message, to be opened by whoever reads it. */
export function ReadFiles({ path, link, files, label, words }) {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    let here = true;
    admitted(path, link).then((ok) => here && setOpen(ok));
    return () => {
      here = false;
    };
  }, [path, link]);
  return (
    <ul className="files read-files" aria-label={label} data-part="files">
      {files.map((file) => {
        const picture = PICTURES.has(file.media_type);
        const about = (
          <>
            {picture ? <Paperclip aria-hidden /> : <Download aria-hidden />}
            <span className="file-name">{file.name}</span>
            <span className="file-size">{sizeOf(file.size)}</span>
          </>
        );
        const address = `${path}/${link}/${file.id}`;
        return (
          <li key={file.id} className={picture && open ? "read-picture" : undefined}>
            {open ? (
              <a
                href={address}
                target="_blank"
                rel="noopener"
                download={picture ? undefined : file.name}
                aria-label={filled(words.open, file)}
              >
                {picture ? <img src={address} alt="" loading="lazy" /> : null}
                <span className="file">{about}</span>
              </a>
            ) : (
              <span className="file">{about}</span>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** Shows more of the thread; what had the focus goes away with the last of it. */
export function FurtherButton({ children, onMore }) {
  const button = useRef(null);
  const press = () => {
    const focused = document.activeElement === button.current;
    if (focused) button.current.closest('[role="log"]')?.focus({ preventScroll: true });
    onMore();
  };
  return (
    <button type="button" ref={button} className="link-button" onClick={press}>
      {children}
    </button>
  );
}
