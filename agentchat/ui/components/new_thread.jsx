// The way to a new thread. Its first message makes it: a click leaves nothing in the list.
import { useNavigate } from "react-router";
import { focusComposer, leaveForNewThread } from "./store";

/** Goes to the page of a new thread; where that is shown, its message box takes the focus. */
export function useNewThread() {
  const navigate = useNavigate();
  return () => {
    // Of a double click the second comes before the next render.
    if (window.location.pathname === "/") {
      // Once the drawer is closed: behind it nothing takes the focus.
      setTimeout(focusComposer);
      return;
    }
    leaveForNewThread();
    navigate("/");
  };
}

/** Goes to a new thread; what is typed until it is there goes along. */
export function NewThreadButton({ children }) {
  return (
    <button type="button" className="button new-thread" onClick={useNewThread()}>
      {children}
    </button>
  );
}
