// The choice of the language that the pages speak.
import * as DropdownMenu from "@radix-ui/react-dropdown-menu";
import { Check, Languages } from "lucide-react";
import { LANGUAGES, pickLanguage, useLanguage } from "./said";

// Each in its own language: whoever cannot read this page finds theirs.
const named = (language) => {
  const name = new Intl.DisplayNames([language], { type: "language" }).of(language);
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
};

/** A button that opens the list of languages. */
export function LanguageMenu({ label }) {
  const language = useLanguage();
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="icon-button language-button" aria-label={label} title={label}>
        <Languages aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu languages"
          align="end"
          sideOffset={6}
          collisionPadding={12}
          aria-label={label}
        >
          <DropdownMenu.RadioGroup value={language} onValueChange={pickLanguage}>
            {LANGUAGES.map((one) => (
              <DropdownMenu.RadioItem key={one} value={one} className="menu-item language" lang={one}>
                <span>{named(one)}</span>
                <DropdownMenu.ItemIndicator>
                  <Check aria-hidden />
                </DropdownMenu.ItemIndicator>
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** The same as a list of radio buttons, for where settings are. */
export function LanguageChoice({ label }) {
  const language = useLanguage();
  return (
    <fieldset className="language-choice">
      <legend className="visually-hidden">{label}</legend>
      {LANGUAGES.map((one) => (
        <label key={one} lang={one}>
          <input
            type="radio"
            name="language"
            value={one}
            checked={language === one}
            onChange={() => pickLanguage(one)}
          />
          <span>{named(one)}</span>
        </label>
      ))}
    </fieldset>
  );
}
