"""People: their accounts, logins and passwords: ``chat.accounts``."""

from __future__ import annotations

from agentchat.accounts.accounts import Accounts as Accounts
