"""Logging in with an OpenID provider: the code flow with PKCE, by Authlib (``agentchat[oidc]``).

What the browser must bring back is kept by the browser itself, in a cookie of its own: nobody
else's answer of the provider is of use in it.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from agentchat.accounts.names import (
    MOST_DISPLAY_NAME,
    checked_display_name,
    checked_name,
    spelled_name,
)
from agentchat.accounts.tokens import digest, new_token
from agentchat.errors import InvalidInput, ProviderFailed
from agentchat.settings import Settings

logger = logging.getLogger(__name__)

CALLBACK = "/auth/oidc/callback"
PATIENCE = 10.0
"""How many seconds the provider may take to answer."""
_LEEWAY = 60
"""By how many seconds its clock may differ from ours."""
_SIGNED: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
"""Signatures of a key that only the provider has; never none, nor a secret that both know."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What a browser keeps while its person is at the provider."""

    state: str
    nonce: str
    verifier: str
    next: str
    invitation: str

    def packed(self) -> str:
        """As the value of a cookie."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode().rstrip("=")

    @classmethod
    def unpacked(cls, value: str) -> Flow | None:
        """What a cookie holds; None if it is none of ours."""
        try:
            held = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
            flow = cls(**held)
        except (ValueError, TypeError, RecursionError):
            return None
        return flow if all(isinstance(part, str) for part in held.values()) else None


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whom a provider vouches for. ``name`` is a name to log in with, if nobody has it."""

    issuer: str
    subject: str
    name: str
    display_name: str
    admin: bool


class IdentityProvider:
    """The OpenID provider of the settings."""

    def __init__(self, settings: Settings) -> None:
        assert settings.oidc_issuer is not None
        self.issuer = settings.oidc_issuer
        self.has_admins = bool(settings.oidc_admins.strip())
        self._settings = settings
        self._admins = {one.strip() for one in settings.oidc_admins.split(",") if one.strip()}

    async def begin(self, next_path: str, invitation: str) -> tuple[str, Flow]:
        """Where to send a person, and what their browser is to keep; raises ProviderFailed."""
        flow = Flow(new_token(), new_token(), new_token(), next_path, invitation)
        async with self._client() as client:
            found = await self._discovered(client)
            url, _ = client.create_authorization_url(
                found["authorization_endpoint"],
                state=flow.state,
                nonce=flow.nonce,
                code_verifier=flow.verifier,
            )
        return str(url), flow

    async def finish(self, flow: Flow, query: Mapping[str, str]) -> Claimed:
        """Whom the provider vouches for to the browser that it sends back with this query.

        Raises InvalidInput for what does not belong to the flow, and ProviderFailed.
        """
        if not hmac.compare_digest(query.get("state", "").encode(), flow.state.encode()):
            raise InvalidInput("This answer of the identity provider was not asked for here.")
        if query.get("iss", self.issuer) != self.issuer:
            raise InvalidInput("This answer is not from the identity provider of this app.")
        if "error" in query or not query.get("code"):
            raise InvalidInput("The identity provider let nobody in.")
        async with self._client() as client:
            found = await self._discovered(client)
            try:
                token = await client.fetch_token(
                    found["token_endpoint"], code=query["code"], code_verifier=flow.verifier
                )
                keys = (await client.request("GET", found["jwks_uri"], withhold_token=True)).json()
                claims = self._verified(token.get("id_token"), keys, flow.nonce)
                more = await self._more(client, found, claims)
            except Exception as error:
                # The library raises a dozen kinds; none may hold a token, and all mean this.
                logger.warning("Nobody was let in by the identity provider: %s", _named(error))
                raise ProviderFailed from None
        return self._claimed({**more, **claims})

    def _client(self) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        secret = self._settings.oidc_client_secret
        return AsyncOAuth2Client(
            self._settings.oidc_client_id,
            None if secret is None else secret.get_secret_value(),
            token_endpoint_auth_method="none" if secret is None else "client_secret_basic",
            scope="openid profile email",
            redirect_uri=self._settings.base_url + CALLBACK,
            code_challenge_method="S256",
            timeout=PATIENCE,
            follow_redirects=False,
        )

    async def _discovered(self, client: Any) -> dict[str, Any]:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            answer = await client.request("GET", url, withhold_token=True)
            found = answer.raise_for_status().json()
            if found["issuer"] != self.issuer:
                raise ValueError(f"it calls itself {found['issuer']!r}")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                _ = found[name]
        except Exception as error:
            logger.warning("The identity provider cannot be used: %s", _named(error))
            raise ProviderFailed from None
        return dict(found)

    def _verified(self, id_token: object, keys: Any, nonce: str) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.jwk import KeySet

        if not isinstance(id_token, str):
            raise ValueError("there is no ID token")
        read = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=_SIGNED)
        client_id = self._settings.oidc_client_id
        options = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": client_id},
            "sub": {"essential": True},
        }
        params = {"nonce": nonce, "client_id": client_id}
        claims = CodeIDToken(read.claims, read.header, options, params)
        claims.validate(now=int(time.time()), leeway=_LEEWAY)
        return dict(read.claims)

    async def _more(self, client: Any, found: Any, claims: dict[str, Any]) -> dict[str, Any]:
        """What the provider tells of a person apart from the ID token, if that tells little."""
        if "userinfo_endpoint" not in found or ("name" in claims and "email" in claims):
            return {}
        more = (await client.get(found["userinfo_endpoint"])).raise_for_status().json()
        return dict(more) if more.get("sub") == claims["sub"] else {}

    def _claimed(self, claims: dict[str, Any]) -> Claimed:
        subject = str(claims["sub"])
        email = str(claims.get("email") or "")
        verified = claims.get("email_verified") is True
        admin = subject in self._admins or (verified and email in self._admins)
        wanted = str(claims.get("preferred_username") or email)
        shown = str(claims.get("name") or wanted)
        name = _usable_name(wanted, subject)
        return Claimed(self.issuer, subject, name, _usable_display_name(shown, name), admin)


def _usable_name(wanted: str, subject: str) -> str:
    try:
        return checked_name(re.sub(r"[^\w.@+-]+", "-", spelled_name(wanted))[:56])
    except InvalidInput:
        return f"person-{digest(subject)[:8]}"


def _usable_display_name(wanted: str, name: str) -> str:
    try:
        return checked_display_name(wanted[:MOST_DISPLAY_NAME])
    except InvalidInput:
        return name


def _named(error: Exception) -> str:
    """An error without what the library quotes in it."""
    return type(error).__name__
