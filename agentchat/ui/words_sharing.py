"""Every word about sharing a thread, and about who is in it."""

from __future__ import annotations

from typing import Any, Final

from agentchat.ui.said import said

JOIN_PATH: Final = "/join"
READ_PATH: Final = "/read"

ADDED: Final = said("The thread is shared with them now.")
MADE: Final = said("The link is made.")
REVOKED: Final = said("The link is good for nothing any more.")
DONE: Final = said(
    {
        "viewer": "They may read now, and no longer write.",
        "member": "They may read and write now.",
        "remove": "They see nothing of the thread any more.",
        "owner": "The thread is theirs now. You may read and write in it.",
        "leave": "The thread is not shared with you any more.",
    }
)

SHARING: Final[dict[str, Any]] = said(
    {
        "share": "Share",
        "sharedWith": "Shared with {count}",
        "sharedBy": "Shared by {name}",
        "title": "Share this thread",
        "titleOthers": "Who is in this thread",
        "text": "Whoever you add finds the thread in their list, with all that was said in it.",
        "textOthers": "These people see all that is said here.",
        "close": "Close",
        "people": "People",
        "you": "You",
        "roles": {"owner": "Owner", "member": "Can write", "viewer": "Can read"},
        "since": "since {time}",
        "inactive": "cannot log in",
        "roleOf": "What {name} may do",
        "makeOwner": "Make owner",
        "makeOwnerOf": "Make {name} the owner",
        "remove": "Remove",
        "removeOf": "Remove {name}",
        "add": "Add",
        "adding": "Adding",
        "who": "Add a person",
        "whoHint": "The name they log in with",
        "roleNew": "What they may do",
        "links": "Links",
        ("linksText"): (
            "Whoever logs in and opens a link joins the thread, as long as the link is good."
        ),
        "linkOf": {
            "member": "Lets people write",
            "viewer": "Lets people read",
            "public": "Lets anybody read",
        },
        "by": "by {name}",
        "made": "made {time}",
        "publicOff": "opens nothing, for public links are off here",
        "publicText": (
            "Anybody who has this link reads the whole thread without an account, with its files"
            " and with all that is written later, and can pass the link on."
        ),
        "until": "good until {time}",
        "forEver": "good until you revoke it",
        "revoke": "Revoke",
        "revokeOf": "Revoke: {what}, {until}",
        "roleLink": "What the link lets people do",
        "hours": "How long the link is good",
        "spans": [
            {"hours": 1, "label": "For an hour"},
            {"hours": 24, "label": "For a day"},
            {"hours": 168, "label": "For a week"},
            {"hours": 0, "label": "Until revoked"},
        ],
        "make": "Make a link",
        "making": "One moment",
        "shown": "It is shown this once.",
        "linkLabel": "The link",
        "copy": "Copy",
        "copied": "Copied",
        "hide": "Done",
        "leave": "Leave the thread",
        "sure": {
            "owner": {
                "title": "Make {name} the owner?",
                "text": (
                    "The thread is theirs from then on: they share and delete it. You may still"
                    " read and write in it, until they decide otherwise."
                ),
                "yes": "Make owner",
            },
            "leave": {
                "title": "Leave this thread?",
                "text": "You see nothing of it any more, until somebody shares it with you again.",
                "yes": "Leave",
            },
        },
        "keep": "Cancel",
        "doing": "One moment",
        "slow": "The server has not answered yet. It may still be done.",
    }
)

HERE: Final = said(
    {
        "label": "Also here",
        "one": "{name} is here",
        "typing": "{name} is here, typing",
        "more": "{names} are here, too",
        "moreOne": "{names} is here, too",
        "visitor": "One visitor reads by a public link",
        "visitors": "{count} visitors read by a public link",
        "oneTypes": "{name} is typing",
        "twoType": "{name} and {other} are typing",
        "severalType": "Several people are typing",
    }
)

READ_ONLY: Final = said("You can read this thread.")
READ_ONLY_MORE: Final = said("Ask the owner to let you write.")

JOIN_TITLE: Final = said("Join a thread")
SHARES: Final = said("{name} shares a thread with you")
JOIN_AS: Final = said(
    {
        "member": "You can read all that was said in it, and write.",
        "viewer": "You can read all that is said in it.",
    }
)
JOIN: Final = said(
    {
        "join": "Join",
        "doing": "Joining",
        "slow": "The server has not answered yet. You can try again.",
    }
)
LINK_OVER: Final = said("This link is good for nothing any more")
LINK_OVER_MORE: Final = said(
    "It was revoked, is too old, or not all of it is there. Ask whoever sent it for another one."
)
BACK: Final = said("Go to your threads")

READ_TITLE: Final = said("A shared thread")
READ: Final = said("You read along: what is said comes by itself. You cannot write here.")
SHARED_BY: Final = said("Shared by {name}")
LIVE: Final = said("Live")
OPEN_OWN: Final = said("Open in agentchat")
READ_EMPTY: Final = said("Nothing has been said here yet.")
READ_PROBLEM: Final = said("This thread cannot be shown just now")
READ_FILES: Final = said({"open": "Open {name}"})
