"""Every word of the pages about people and their accounts."""

from __future__ import annotations

from typing import Any, Final

from agentchat.ui.said import said, told

LOGIN_PATH: Final = "/login"
SIGN_UP_PATH: Final = "/sign-up"
INVITE_PATH: Final = "/invite"
RESET_PATH: Final = "/reset"
SETTINGS_PATH: Final = "/settings"

LOGIN: Final = said("Log in")
LOGIN_MORE: Final = said("Your threads are where you left them.")
FIRST: Final = said("Make the first account")
FIRST_MORE: Final = said(
    "Nobody has an account here yet. Whoever makes the first one looks after the app: they are its"
    " administrator, and invite the others."
)
WITH_PROVIDER: Final = said("Log in with")
NO_ACCOUNT: Final = said("No account yet?")
NOT_INVITED: Final = said(
    "Ask an administrator of this app for a link, and for another one if you forgot your password."
)
FORGOT: Final = said("Forgot the password, or have no account? Ask an administrator for a link.")
SIGN_UP: Final = said("Make an account")
SIGN_UP_MORE: Final = said("With it your threads and what is remembered about you are yours alone.")
SIGN_UP_CLOSED: Final = said("Accounts are by invitation")
HAVE_ACCOUNT: Final = said("Have an account?")
INVITED_TITLE: Final = said("You are invited")
INVITED_MORE: Final = said("Make your account here. The link is good for one.")
INVITED_ADMIN_MORE: Final = said(
    "Make your account here. The link is good for one, and whoever uses it looks after the app: "
    "they are an administrator."
)
RESET: Final = said("Choose another password")
RESET_FOR: Final = said("For the account")
RESET_MORE: Final = said("Wherever you are logged in now, that will be over.")
COME_IN: Final = said("Come in")
INVITATION: Final = said("Invitation")
LINK_OVER: Final = said("This link is good for nothing any more")
LINK_OVER_MORE: Final = said(
    "It was used, taken back, or is too old. Ask the administrator who gave it to you for another"
    " one."
)
TO_LOGIN: Final = said("Go to the login")
BACK: Final = said("Back to the threads")
AGAIN: Final = said("Try again")
OPEN_TITLE: Final = said("Nobody logs in here")
OPEN_MORE: Final = said("This app is open to whoever reaches it.")

_NAME: Final = {
    "name": "name",
    "label": said("Name"),
    "autoComplete": "username",
    "maxLength": 64,
}
_NEW_NAME: Final = _NAME | {
    "hint": said("What you log in with: letters, digits and . _ @ + - without spaces."),
}
_DISPLAY_NAME: Final = {
    "name": "display_name",
    "label": said("Name that others see"),
    "autoComplete": "nickname",
    "hint": said("May be left empty; then it is the one above."),
    "optional": True,
    "maxLength": 80,
}
_PASSWORD: Final = {
    "name": "password",
    "label": said("Password"),
    "secret": True,
    "autoComplete": "current-password",
}
_NEW_PASSWORD: Final = _PASSWORD | {
    "label": said("Password"),
    "autoComplete": "new-password",
    "hint": said("At least 8 characters. A few words in a row are good."),
}
LOGIN_FIELDS: Final[list[dict[str, Any]]] = [_NAME, _PASSWORD]
SIGN_UP_FIELDS: Final[list[dict[str, Any]]] = [_NEW_NAME, _DISPLAY_NAME, _NEW_PASSWORD]
RESET_FIELDS: Final[list[dict[str, Any]]] = [_NEW_PASSWORD | {"label": said("New password")}]
PASSWORD_FIELDS: Final[list[dict[str, Any]]] = [
    _PASSWORD | {"name": "old", "label": said("Password now")},
    _NEW_PASSWORD | {"name": "new", "label": said("New password")},
]
FORM: Final = said(
    {
        "show": "Show",
        "hide": "Hide",
        "showLabel": "Show what is typed as {label}",
        "hideLabel": "Hide what is typed as {label}",
        "busy": "One moment",
        "away": "The server cannot be reached. Try again in a moment.",
        "wrong": "Something went wrong on the server. Try again.",
        "reload": "This page is too old for the server. Reload it and try again.",
    }
)
PROVIDER: Final[dict[str, Any]] = said(
    {
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
)

SETTINGS: Final = said("Settings")
YOU: Final = said("You")
OPEN_YOU: Final = said(
    "This app is open to whoever reaches it, so nobody logs in. Pick a name, and what you write"
    " stands under it; from then on this browser is a person of its own, with a memory of its own."
)
OPEN_NAMED: Final = said(
    "This browser is a person of its own. Others see this name where you write."
)
DISPLAY_NAME: Final = said("Name that others see")
DISPLAY_MORE: Final = said("It stands where you write in threads that others may see.")
SAVE: Final = said("Save")
PICK: Final = said("Be this person")
RENAMED: Final = said("Others see this name from now on.")
NO_COOKIES: Final = said(
    "This browser keeps no cookies for this app, so it cannot keep a name. Allow them and reload."
)
PASSWORD: Final = said("Password")
PASSWORD_MORE: Final = said("With another password, you are logged out everywhere but here.")
PASSWORD_CHANGE: Final = said("Change the password")
PASSWORD_CHANGED: Final = said(
    "The password is another one now. You are logged out everywhere else."
)
LOGINS: Final = said("Where you are logged in")
LOGINS_MORE: Final = said("If you do not know one of these, end it and change your password.")
ENDED_ONE: Final = said("That login is over.")
BROWSER_ON: Final = told("{browser} on {system}")
BROWSER_UNKNOWN: Final = told("Unknown browser")

PEOPLE: Final = said("People")
PEOPLE_MORE: Final = said("Only administrators see this.")
INVITED: Final = said("A link with which somebody makes an account.")
INVITED_ADMIN: Final = said("A link with which somebody makes an account, as an administrator.")
REVOKED: Final = said("The link is good for nothing any more.")
NOBODY: Final = said("This person has no account here any more.")
DONE: Final = told(
    {
        "admin": "{name} is an administrator now.",
        "noAdmin": "{name} is no administrator any more.",
        "deactivate": "{name} cannot log in any more, and is logged out everywhere.",
        "activate": "{name} may log in again.",
        "reset": "A link with which {name} chooses another password.",
    }
)
OPEN_PEOPLE: Final = said(
    "For people to have accounts, set AGENTCHAT_AUTH=password and start the app again. The first"
    " account is its administrator's."
)

NAME_WORDS: Final = said({"label": DISPLAY_NAME, "save": SAVE, "pick": PICK, "doing": "Saving"})
LOGIN_WORDS: Final = said(
    {
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
)
PEOPLE_WORDS: Final[dict[str, Any]] = said(
    {
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
                    "They are logged out everywhere at once and cannot log in. What they wrote"
                    " stays, and they can be activated again."
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
)
FOOT: Final = said(
    {
        "logOut": "Log out",
        "doing": "Logging out",
        "away": "You are still logged in: the server cannot be reached.",
    }
)
FOOT_NOBODY: Final = said("you")
PICK_NAME: Final = said("Pick a name")

ADMINS_TITLE: Final = said("This page is for administrators")
ADMINS: Final = said(
    "It is about all that happens in the app. Your own runs and schedules are under Runs."
)


_ENDED: Final = told(
    {
        0: "You were logged in nowhere else.",
        1: "One other login is over.",
        2: "{number} other logins are over.",
    }
)


def ended(number: int) -> str:
    """How many logins are over."""
    return _ENDED[min(number, 2)].format(number=number)
