"""The visual system: type, space, colour. Components use these names and no other values.

Text colours keep at least 4.5:1 on the surfaces they are used on, in both modes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FONT: Final = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif'
)
MONO: Final = 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, "DejaVu Sans Mono", monospace'

SCALE: Final = {
    "text-xs": "0.75rem",
    "text-sm": "0.8125rem",
    "text-md": "0.9375rem",
    "text-lg": "1.0625rem",
    "text-xl": "1.375rem",
    "text-2xl": "1.75rem",
    "space-1": "0.25rem",
    "space-2": "0.5rem",
    "space-3": "0.75rem",
    "space-4": "1rem",
    "space-5": "1.5rem",
    "space-6": "2rem",
    "space-7": "3rem",
    "radius-sm": "6px",
    "radius-md": "10px",
    "radius-lg": "18px",
    "radius-xl": "22px",
    "radius-full": "99px",
    "column": "46rem",
    "sidebar": "17rem",
    "quick": "140ms cubic-bezier(0.2, 0, 0, 1)",
}

LIGHT: Final = {
    "surface": "#fcfcfa",
    "sunken": "#f4f4f0",
    "raised": "#ffffff",
    "hover": "#e9e9e3",
    "bubble": "#efefe9",
    "line": "#e2e2db",
    "line-strong": "#c9c9c0",
    "text": "#1c1d1a",
    "text-soft": "#55574f",
    "text-faint": "#6a6c63",
    "accent": "#0f6b5c",
    "accent-hover": "#0b5549",
    "accent-soft": "#dff0eb",
    "on-accent": "#ffffff",
    "danger": "#ad2f23",
    "danger-soft": "#fbeae7",
    "warn": "#7d5200",
    "warn-soft": "#fbf1dc",
    "code": "#f6f6f2",
    "shadow": "0 1px 2px rgb(30 30 20 / 5%), 0 8px 24px rgb(30 30 20 / 7%)",
    "veil": "rgb(25 25 20 / 38%)",
    "syntax-keyword": "#8a2f8f",
    "syntax-string": "#2c6a2f",
    "syntax-number": "#95500c",
    "syntax-comment": "#6b6d66",
    "syntax-title": "#1f55a6",
    "syntax-type": "#0e6674",
}

DARK: Final = {
    "surface": "#1a1b19",
    "sunken": "#141513",
    "raised": "#232422",
    "hover": "#2b2d2a",
    "bubble": "#2a2c29",
    "line": "#30322f",
    "line-strong": "#484b46",
    "text": "#ecede8",
    "text-soft": "#b9bbb3",
    "text-faint": "#989a91",
    "accent": "#58c4ae",
    "accent-hover": "#74d3bf",
    "accent-soft": "#1d3832",
    "on-accent": "#08211c",
    "danger": "#ff9c8f",
    "danger-soft": "#3b211e",
    "warn": "#ebc06c",
    "warn-soft": "#362b17",
    "code": "#141513",
    "shadow": "0 1px 2px rgb(0 0 0 / 30%), 0 10px 30px rgb(0 0 0 / 35%)",
    "veil": "rgb(0 0 0 / 55%)",
    "syntax-keyword": "#d79be0",
    "syntax-string": "#9fd19a",
    "syntax-number": "#e8b57c",
    "syntax-comment": "#8f9289",
    "syntax-title": "#8cb8f2",
    "syntax-type": "#7fcbd6",
}

PRINT: Final = {
    "surface": "#ffffff",
    "sunken": "#ffffff",
    "raised": "#ffffff",
    "bubble": "#f2f2f2",
    "code": "#ffffff",
    "line": "#cccccc",
    "line-strong": "#999999",
    "text": "#000000",
    "text-soft": "#333333",
    "text-faint": "#555555",
    "shadow": "none",
}
"""What is otherwise on paper, whichever of the two is on the screen."""


def _tokens(values: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in values.items())


def stylesheet(parts: Path) -> str:
    """The whole stylesheet: the tokens above, then every file of the folder *parts*."""
    dark = _tokens(DARK)
    tokens = (
        f":root{{--font:{FONT};--mono:{MONO};{_tokens(SCALE)}{_tokens(LIGHT)}color-scheme:light}}\n"
        f":root.dark{{{dark}color-scheme:dark}}\n"
        # Before any script ran (or without one) the system's choice counts.
        f"@media (prefers-color-scheme:dark){{:root:not(.light){{{dark}color-scheme:dark}}}}\n"
        f"@media print{{:root:root{{{_tokens({**LIGHT, **PRINT})}color-scheme:light}}}}\n"
    )
    return tokens + "\n".join(part.read_text("utf-8") for part in sorted(parts.glob("*.css")))
