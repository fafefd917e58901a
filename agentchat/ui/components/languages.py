"""The language of the pages: the choice of it, and what keeps a page from showing another first."""

from __future__ import annotations

import json

import reflex as rx

from agentchat.ui import words_language as words
from agentchat.ui.build import LANGUAGES, local_library


class LanguageMenu(rx.Component):
    """A button that opens the list of languages."""

    library = local_library("languages.jsx")
    tag = "LanguageMenu"
    lib_dependencies: list[str] = ["lucide-react@1.26.0", "@radix-ui/react-dropdown-menu@2.2.1"]

    label: rx.Var[str]


class LanguageChoice(rx.Component):
    """The list of languages, open."""

    library = local_library("languages.jsx")
    tag = "LanguageChoice"
    lib_dependencies: list[str] = ["lucide-react@1.26.0", "@radix-ui/react-dropdown-menu@2.2.1"]

    label: rx.Var[str]


class LanguageArrived(rx.Component):
    """Lets the page be seen once it is in its language."""

    library = local_library("said.js")
    tag = "LanguageArrived"


def language_menu() -> rx.Component:
    """A button that opens the list of languages, for beside the choice of light and dark."""
    return LanguageMenu.create(label=words.LANGUAGE)


def language_choice() -> rx.Component:
    """The list of languages, for settings."""
    return LanguageChoice.create(label=words.LANGUAGE)


def language_arrived() -> rx.Component:
    """What lets a page be seen that ``language_script`` hides. Reflex adds the whole app as the
    last child of what is returned.
    """
    return rx.fragment(LanguageArrived.create())


def language_script() -> rx.Component:
    """For the head: before anything is painted, says the language, and hides what was built in
    English until it is in that language, or for two seconds (``47-language.css``).
    """
    return rx.el.script(_SCRIPT % json.dumps(["en", *LANGUAGES]))


_SCRIPT = """
try {
  const known = %s;
  let language = null;
  try { language = localStorage.getItem("agentchat.language"); } catch {}
  if (!known.includes(language)) {
    const codes = (navigator.languages || []).map((tag) => tag.toLowerCase().split("-")[0]);
    language = codes.find((code) => known.includes(code)) || "en";
  }
  if (language !== "en") {
    document.documentElement.lang = language;
    document.documentElement.setAttribute("data-words", "coming");
  }
} catch {}
"""
