"""Every word of the pages about people and their accounts."""

from __future__ import annotations

from typing import Any, Final

LOGIN_PATH: Final = "/login"
SIGN_UP_PATH: Final = "/sign-up"
INVITE_PATH: Final = "/invite"
RESET_PATH: Final = "/reset"
SETTINGS_PATH: Final = "/settings"

LOGIN: Final = "Log in"
LOGIN_MORE: Final = "Your threads are where you left them."
FIRST: Final = "Make the first account"
FIRST_MORE: Final = (
    "Nobody has an account here yet. Whoever makes the first one looks after the app: they are its"
    " administrator, and invite the others."
)
WITH_PROVIDER: Final = "Log in with"
NO_ACCOUNT: Final = "No account yet?"
NOT_INVITED: Final = (
    "Ask an administrator of this app for a link, and for another one if you forgot your password."
)
FORGOT: Final = "Forgot the password, or have no account? Ask an administrator for a link."
SIGN_UP: Final = "Make an account"
SIGN_UP_MORE: Final = "With it your threads and what is remembered about you are yours alone."
SIGN_UP_CLOSED: Final = "Accounts are by invitation"
HAVE_ACCOUNT: Final = "Have an account?"
INVITED_TITLE: Final = "You are invited"
INVITED_MORE: Final = "Make your account here. The link is good for one."
INVITED_ADMIN_MORE: Final = (
    "Make your account here. The link is good for one, and whoever uses it looks after the app: "
    "they are an administrator."
)
RESET: Final = "Choose another password"
RESET_FOR: Final = "For the account"
RESET_MORE: Final = "Wherever you are logged in now, that will be over."
COME_IN: Final = "Come in"
INVITATION: Final = "Invitation"
LINK_OVER: Final = "This link is good for nothing any more"
LINK_OVER_MORE: Final = (
    "It was used, taken back, or is too old. Ask the administrator who gave it to you for another"
    " one."
)
TO_LOGIN: Final = "Go to the login"
BACK: Final = "Back to the threads"
AGAIN: Final = "Try again"
OPEN_TITLE: Final = "Nobody logs in here"
OPEN_MORE: Final = "This app is open to whoever reaches it."

_NAME: Final = {
    "name": "name",
    "label": "Name",
    "autoComplete": "username",
    "maxLength": 64,
}
_NEW_NAME: Final = _NAME | {
    "hint": "What you log in with: letters, digits and . _ @ + - without spaces.",
}
_DISPLAY_NAME: Final = {
    "name": "display_name",
    "label": "Name that others see",
    "autoComplete": "nickname",
    "hint": "May be left empty; then it is the one above.",
    "optional": True,
    "maxLength": 80,
}
_PASSWORD: Final = {
    "name": "password",
    "label": "Password",
    "secret": True,
    "autoComplete": "current-password",
}
_NEW_PASSWORD: Final = _PASSWORD | {
    "label": "Password",
    "autoComplete": "new-password",
    "hint": "At least 8 characters. A few words in a row are good.",
}
LOGIN_FIELDS: Final[list[dict[str, Any]]] = [_NAME, _PASSWORD]
SIGN_UP_FIELDS: Final[list[dict[str, Any]]] = [_NEW_NAME, _DISPLAY_NAME, _NEW_PASSWORD]
RESET_FIELDS: Final[list[dict[str, Any]]] = [_NEW_PASSWORD | {"label": "New password"}]
PASSWORD_FIELDS: Final[list[dict[str, Any]]] = [
    _PASSWORD | {"name": "old", "label": "Password now"},
    _NEW_PASSWORD | {"name": "new", "label": "New password"},
]
FORM: Final = {
    "show": "Show",
    "hide": "Hide",
    "showLabel": "Show what is typed as {label}",
    "hideLabel": "Hide what is typed as {label}",
    "busy": "One moment",
    "away": "The server cannot be reached. Try again in a moment.",
    "wrong": "Something went wrong on the server. Try again.",
    "reload": "This page is too old for the server. Reload it and try again.",
}
PROVIDER: Final[dict[str, Any]] = {
    "away": FORM["away"],
    "wrong": FORM["wrong"],
    "reload": FORM["reload"],
    "or": "or with a password",
    "back": {
        "not-allowed": "You have no account here yet. Ask an administrator for a link.",
        "link": "The link that you came with is good for nothing any more.",
        "too-often": "That was tried too often. Try again in a while.",
        "not-asked": "That took too long, or began in another browser. Try again.",
        "failed": "You could not be logged in that way. Try again later.",
    },
}

SETTINGS: Final = "Settings"
YOU: Final = "You"
OPEN_YOU: Final = (
    "This app is open to whoever reaches it, so nobody logs in. Pick a name, and what you write"
    " stands under it; from then on this browser is a person of its own, with a memory of its own."
)
OPEN_NAMED: Final = "This browser is a person of its own. Others see this name where you write."
DISPLAY_NAME: Final = "Name that others see"
DISPLAY_MORE: Final = "It stands where you write in threads that others may see."
SAVE: Final = "Save"
PICK: Final = "Be this person"
RENAMED: Final = "Others see this name from now on."
NO_COOKIES: Final = (
    "This browser keeps no cookies for this app, so it cannot keep a name. Allow them and reload."
)
PASSWORD: Final = "Password"
PASSWORD_MORE: Final = "With another password, you are logged out everywhere but here."
PASSWORD_CHANGE: Final = "Change the password"
PASSWORD_CHANGED: Final = "The password is another one now. You are logged out everywhere else."
LOGINS: Final = "Where you are logged in"
LOGINS_MORE: Final = "If you do not know one of these, end it and change your password."
ENDED_ONE: Final = "That login is over."
BROWSER_ON: Final = "{browser} on {system}"
BROWSER_UNKNOWN: Final = "Unknown browser"

PEOPLE: Final = "People"
PEOPLE_MORE: Final = "Only administrators see this."
INVITED: Final = "A link with which somebody makes an account."
INVITED_ADMIN: Final = "A link with which somebody makes an account, as an administrator."
REVOKED: Final = "The link is good for nothing any more."
NOBODY: Final = "This person has no account here any more."
DONE: Final = {
    "admin": "{name} is an administrator now.",
    "noAdmin": "{name} is no administrator any more.",
    "deactivate": "{name} cannot log in any more, and is logged out everywhere.",
    "activate": "{name} may log in again.",
    "reset": "A link with which {name} chooses another password.",
}
OPEN_PEOPLE: Final = (
    "For people to have accounts, set AGENTCHAT_AUTH=password and start the app again. The first"
    " account is its administrator's."
)

NAME_WORDS: Final = {"label": DISPLAY_NAME, "save": SAVE, "pick": PICK, "doing": "Saving"}
LOGIN_WORDS: Final = {
    "here": "This browser",
    "seen": "last seen {time}",
    "since": "since {time}",
    "unknownAddress": "unknown address",
    "end": "End",
    "endOne": "End the login of {browser}, last seen {time}",
    "others": "End all others",
    "othersTitle": "End all other logins?",
    "othersText": "You stay logged in here. Everywhere else you have to log in again.",
    "othersYes": "End all others",
    "keep": "Cancel",
    "doing": "One moment",
    "slow": "The server has not answered yet. It may still be done.",
}
PEOPLE_WORDS: Final[dict[str, Any]] = {
    "list": "People",
    "you": "you",
    "admin": "Administrator",
    "inactive": "Deactivated",
    "actionsOf": "What can be done with {name}",
    "actions": {
        "admin": "Make administrator",
        "noAdmin": "No longer administrator",
        "deactivate": "Deactivate",
        "activate": "Activate",
        "reset": "Reset link",
    },
    "sure": {
        "admin": {
            "title": "Make {name} an administrator?",
            "text": (
                "Administrators see every thread and run, invite people, and look after their"
                " accounts."
            ),
            "yes": "Make administrator",
        },
        "noAdmin": {
            "title": "Is {name} no longer to be an administrator?",
            "text": "They keep their account and their threads. Links that they made end.",
            "yes": "No longer administrator",
        },
        "deactivate": {
            "title": "Deactivate {name}?",
            "text": (
                "They are logged out everywhere at once and cannot log in. What they wrote stays,"
                " and they can be activated again."
            ),
            "yes": "Deactivate",
        },
        "revoke": {
            "title": "Take this link back?",
            "text": "Whoever holds it cannot use it any more.",
            "yes": "Take it back",
        },
    },
    "invite": "Invite somebody",
    "inviteAdmin": "As an administrator",
    "make": "Make a link",
    "links": "Links that are open",
    "noLinks": "No link is open.",
    "linkInvite": "Invitation",
    "linkInviteAdmin": "Invitation of an administrator",
    "linkReset": "Another password for {name}",
    "until": "good until {time}",
    "revoke": "Take back",
    "revokeOne": "Take back: {what}, good until {time}",
    "shown": "It is shown this once, and good for one use until {time}.",
    "linkLabel": "The link",
    "copy": "Copy",
    "copied": "Copied",
    "hide": "Done",
    "keep": "Cancel",
    "doing": "One moment",
    "slow": "The server has not answered yet. It may still be done.",
}
FOOT: Final = {
    "logOut": "Log out",
    "doing": "Logging out",
    "away": "You are still logged in: the server cannot be reached.",
}
FOOT_NOBODY: Final = "you"
PICK_NAME: Final = "Pick a name"

ADMINS_TITLE: Final = "This page is for administrators"
ADMINS: Final = (
    "It is about all that happens in the app. Your own runs and schedules are under Runs."
)


def ended(number: int) -> str:
    """How many logins are over."""
    if not number:
        return "You were logged in nowhere else."
    return "One other login is over." if number == 1 else f"{number} other logins are over."
