"""What pages say of threads as files."""

from __future__ import annotations

from typing import Final

from agentchat.ui.said import said

IMPORT_PATH: Final = "/import"
IMPORT_TITLE: Final = said("Import threads")
IMPORT_FIRST: Final = said("Import threads from ChatGPT, Claude or another agentchat")
FILES: Final = said(
    {
        "menu": "Export and import",
        "markdown": "Export as Markdown",
        "json": "Export as JSON",
        "import": "Import threads",
        "what": (
            "Choose a file that agentchat exported as JSON, or the conversations.json of an export"
            " of ChatGPT or Claude. It becomes threads of your own; nothing else is changed."
        ),
        "choose": "Choose a file",
        "another": "Import another file",
        "sending": "Uploading {name}",
        "making": "Making threads of {name}",
        "failed": "Not imported",
        "lost": "The connection was lost. Try again.",
        "doneOne": "1 thread was made.",
        "done": "{count} threads were made.",
        "untitled": "Untitled",
        "leftOut": "What has no place here was left out:",
        "more": "and {count} more",
    }
)
