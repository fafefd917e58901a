// Light or dark, or as the system has it.
import { useContext } from "react";
import { ColorModeContext } from "$/utils/context";

/** The choice as radio buttons, for where settings are; kept by this browser. */
export function AppearanceChoice({ label, words }) {
  const { rawColorMode, setColorMode } = useContext(ColorModeContext);
  return (
    <fieldset className="language-choice">
      <legend className="visually-hidden">{label}</legend>
      {["system", "light", "dark"].map((one) => (
        <label key={one}>
          <input
            type="radio"
            name="appearance"
            value={one}
            checked={rawColorMode === one}
            onChange={() => setColorMode(one)}
          />
          <span>{words[one]}</span>
        </label>
      ))}
    </fieldset>
  );
}
