"""Every word of the page with the audits: what people did."""

from __future__ import annotations

from typing import Any, Final

from agentchat.ui.said import said

AUDIT_WORDS: Final[dict[str, Any]] = said(
    {
        "filters": "Which audits",
        "kind": "About",
        "anything": "anything",
        "kinds": {
            "account": "accounts and logins",
            "run": "runs and answers",
            "thread": "threads",
            "schedule": "schedules",
            "workflow": "workflows",
            "model": "models",
            "fault": "faults",
            "app": "the app",
        },
        "who": "Who",
        "whoHint": "a name",
        "action": "What",
        "anyAction": "anything",
        "subject": "Subject",
        "subjectHint": "an id, whole",
        "since": "From",
        "until": "To",
        "clear": "Clear",
        "export": "Save as",
        "jsonl": "JSON lines",
        "csv": "CSV",
        "columns": {"at": "When", "by": "Who", "action": "What", "subject": "To what"},
        "more": "More",
        "newest": "Newest",
        "earlier": "Earlier",
        "further": "Look further back",
        "live": "New ones appear here as they come.",
        "older": "These are earlier ones.",
        "none": "Nothing has been written down that fits.",
        "looked": "{number} entries were looked at; there are earlier ones.",
        "loading": "One moment",
        "about": {
            "account": "account",
            "run": "run",
            "thread": "thread",
            "schedule": "schedule",
            "workflow": "workflow",
            "model": "model",
            "fault": "fault",
            "app": "app",
        },
    }
)
ACTIONS: Final[dict[str, str]] = said(
    {
        "log_in": "logged in",
        "log_out": "logged out",
        "fail_login": "failed to log in",
        "sign_up": "made an account",
        "invite": "invited",
        "revoke": "ended a login",
        "revoke_others": "ended other logins",
        "revoke_invitation": "took a link back",
        "rename": "changed a name",
        "change_password": "changed a password",
        "set_admin": "changed who looks after the app",
        "activate": "activated",
        "deactivate": "deactivated",
        "add member": "shared",
        "remove member": "unshared",
        "change role": "changed a role",
        "make link": "made a link",
        "revoke link": "revoked a link",
        "approve": "approved",
        "deny": "denied",
        "answer": "answered",
        "cancel": "cancelled",
        "kill": "killed",
        "pause": "paused",
        "resume": "resumed",
        "retry": "tried again",
        "rerun": "began anew",
        "fork": "forked",
        "keep": "chose an answer",
        "delete": "deleted",
        "restore": "had it back",
        "delete for good": "deleted for good",
        "change": "changed",
        "export": "exported",
        "test": "tested",
        "sweep": "swept",
    }
)
"""The words for what people do; of what is not here the name itself is shown."""
