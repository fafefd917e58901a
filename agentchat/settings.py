"""Settings: the only reader of the environment and of ``.env``."""

from __future__ import annotations

import ipaddress
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from agentchat.errors import ConfigError

MODEL_PROVIDERS = ("anthropic", "openai", "local", "scripted")
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?/?")


class Settings(BaseSettings):
    """What a deployment may choose, each value checked when it is read.

    Raises :class:`ConfigError` from :func:`load_settings` with the name of the
    variable, the value and what to write instead.
    """

    model_config = SettingsConfigDict(
        env_prefix="AGENTCHAT_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    _folder: ClassVar[Path | None] = None

    host: str = "127.0.0.1"
    """Address to listen on. One that others reach needs accounts and a ``public_url``."""
    port: Annotated[int, Field(ge=1, le=60_000)] = 3000
    """The one port of the app; in hot-reload mode the backend takes port + 5000."""
    data_dir: Annotated[Path, Field(validate_default=True)] = Path(".agentchat")
    """Folder for the embedded database and files; made on first start."""
    models_dir: Path | None = None
    """Folder for pulled models; without it, the user's cache folder."""
    db_url: str | None = None
    """A PostgreSQL URL; without it, SQLite in ``data_dir``."""
    model: str | None = None
    """``provider:name``; see :func:`agentchat.llm.choose.choose_provider`."""
    models: str = ""
    """Which models people may choose instead of an agent's own, with commas between them, each
    ``provider:name``; none without it. See :attr:`offered_models`."""
    mcp: Path | None = None
    """A JSON file that names MCP servers; without it ``mcp.json`` in ``data_dir``, if there."""
    search_url: str | None = None
    """A SearXNG server for the researcher; or one of the two keys below."""
    route_by: Literal["examples", "model"] = "examples"
    """How the shipped router picks an agent: by an embedder here, or by a call of the model."""
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    """How many days a finished run is kept with its journal; 0 is for ever."""
    keep_runs: Annotated[int, Field(ge=0, le=1_000_000_000)] = 10_000
    """How many finished runs are kept at most, the newest; 0 is no limit."""
    deleted_days: Annotated[int, Field(ge=0, le=3_650)] = 7
    """How many days a deleted thread can be had back by its owner; 0 is not at all."""
    titles: bool = True
    """Whether a model writes a title for each thread, after the first answer."""

    auth: Literal["open", "password"] = "open"
    """Who may use the app: whoever reaches it, or only who logs in with a password."""
    sign_up: Literal["invited", "open"] = "invited"
    """Who may make an account, after the first, whose person becomes an admin: whoever an admin
    invites, or anybody."""
    login_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    """How many days a login lives."""
    public_url: str | None = None
    """Where people reach the app, such as https://chat.example.org: the one origin then, of
    which cookies are Secure if it is https. Links in invitations begin with it."""
    trusted_proxy_hops: Annotated[int, Field(ge=0, le=16)] = 0
    """How many proxies of yours pass a request on, each adding to X-Forwarded-For where it came
    from. Without it everybody behind a proxy has its address, and shares its tries to log in."""
    minute_most: Annotated[int, Field(ge=0, le=1_000_000)] = 30
    """How many messages a person may send in a minute, how many runs start, how often decide what
    runs wait for, and share; 0 is no limit. Only with accounts."""
    address_sockets: Annotated[int, Field(ge=0, le=100_000)] = 200
    """How many sockets, which are open pages, one address may have at once; 0 is no limit. Ten
    times as many from this machine itself, where there are no accounts."""
    public_links: bool = False
    """Whether owners of threads may make links with which anybody may read them without a login."""

    oidc_issuer: str | None = None
    """An OpenID provider with which people log in, such as https://accounts.example.org; it sends
    them back to /auth/oidc/callback."""
    oidc_client_id: str | None = None
    """What the provider calls this app."""
    oidc_client_secret: SecretStr | None = None
    """What this app shows the provider; none for one that trusts PKCE alone."""
    oidc_admins: str = ""
    """Who of the provider's people are admins: their verified e-mail addresses or subjects, with
    commas between them. Without any, the first person is."""

    fault_panel: bool = False
    """Whether an operator may switch faults on: dead workers, models that fail, a locked database.
    Never on a host that is not a loopback address; see :attr:`faults_allowed`."""

    metrics: bool = True
    """Whether what runs is counted, and told at ``/metrics`` in Prometheus' text format."""
    metrics_token: SecretStr | None = None
    """What a reader of ``/metrics`` must show; without it only this machine may read them."""
    traces: str | None = None
    """The address of an OTLP/HTTP receiver, to which a trace of each run is sent."""
    log_format: Literal["text", "json"] = "text"
    """How the log of the process is written: for people, or a JSON object a line."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    """From which level on the log is written."""

    thread_tokens: Annotated[int, Field(ge=0)] = 5_000_000
    """How many tokens a thread may use before a person is asked whether to go on; 0 is no limit,
    here and in the next three."""
    thread_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 20.0
    """How many US dollars a thread may cost before that."""
    user_day_tokens: Annotated[int, Field(ge=0)] = 2_000_000
    """How many tokens a person may use in 24 hours before that."""
    user_day_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10.0
    """How many US dollars a person may spend in 24 hours before that."""
    context_tokens: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    """How many tokens of its window the app's model is given; 0 is all that it is known to
    have. The built-in model has its own."""
    file_mb: Annotated[float, Field(gt=0, le=1_000)] = 20.0
    """How large a file of a message may be, in millions of bytes."""
    message_files: Annotated[int, Field(ge=0, le=1_000)] = 10
    """How many files a message may have."""
    person_files_mb: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1_000.0
    """How many millions of bytes of files a person may keep, in threads and not sent yet; 0 is no
    limit."""

    anthropic_api_key: SecretStr | None = Field(None, validation_alias="ANTHROPIC_API_KEY")
    anthropic_base_url: str | None = Field(None, validation_alias="ANTHROPIC_BASE_URL")
    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(None, validation_alias="OPENAI_BASE_URL")
    brave_api_key: SecretStr | None = Field(None, validation_alias="BRAVE_API_KEY")
    tavily_api_key: SecretStr | None = Field(None, validation_alias="TAVILY_API_KEY")

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object, info: ValidationInfo) -> object:
        if info.field_name is None or not isinstance(value, str) or value.strip():
            return value
        return cls.model_fields[info.field_name].get_default()

    @field_validator("data_dir", "models_dir", "mcp")
    @classmethod
    def _of_the_folder(cls, value: Path | None) -> Path | None:
        return None if value is None else cls.path(value)

    @field_validator("db_url")
    @classmethod
    def _known_database(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"(postgres|postgresql|sqlite)(\+\w+)?://", value):
            raise ValueError(
                "use postgresql://USER:PASSWORD@HOST:PORT/DATABASE,"
                " or leave it out for the embedded SQLite"
            )
        return value

    @field_validator("search_url")
    @classmethod
    def _http_server(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/\s]+", value):
            raise ValueError(
                f"{value!r} is not the address of a SearXNG server, such as http://127.0.0.1:8888"
            )
        return value

    @field_validator("traces")
    @classmethod
    def _http_receiver(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/\s]+", value):
            raise ValueError(
                f"{value!r} is not the address of an OTLP/HTTP receiver,"
                " such as http://127.0.0.1:4318"
            )
        return value

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        found = _ORIGIN.fullmatch(value.lower())
        if found is None:
            raise ValueError(
                f"{value!r} is not where people reach the app, such as https://chat.example.org:"
                " without a path, and a name of other letters written as xn--"
            )
        scheme, host, port = found.groups()
        # As browsers write it: the port only if it is not the usual one.
        usual = {"http": ":80", "https": ":443"}[scheme]
        return f"{scheme}://{host}{port if port and port != usual else ''}"

    @field_validator("model")
    @classmethod
    def _provider_and_name(cls, value: str | None) -> str | None:
        if value is None:
            return None
        provider, _, name = value.partition(":")
        if provider not in MODEL_PROVIDERS or not name.strip():
            raise ValueError(
                f"{value!r} is not PROVIDER:NAME with a provider of {', '.join(MODEL_PROVIDERS)};"
                " for example anthropic:claude-sonnet-5-5, openai:gpt-4o-mini or local:qwen"
            )
        return value

    @field_validator("models")
    @classmethod
    def _each_with_provider_and_name(cls, value: str) -> str:
        for one in _listed(value):
            cls._provider_and_name(one)
        return value

    @model_validator(mode="after")
    def _key_for_each_model(self) -> Settings:
        for variable, models in (("MODEL", (self.model or "",)), ("MODELS", self.offered_models)):
            providers = {one.partition(":")[0] for one in models}
            says = f"AGENTCHAT_{variable} names"
            if "anthropic" in providers and self.anthropic_api_key is None:
                raise ValueError(f"{says} anthropic, so ANTHROPIC_API_KEY must be set")
            keyless = self.openai_api_key is None and self.openai_base_url is None
            if "openai" in providers and keyless:
                raise ValueError(
                    f"{says} openai, so OPENAI_API_KEY must be set"
                    " (or OPENAI_BASE_URL, for a compatible server that wants no key)"
                )
        return self

    @model_validator(mode="after")
    def _reached_only_by_whom_it_is_for(self) -> Settings:
        others = not is_loopback(self.host) or not self._public_is_here
        if others and self.auth == "open":
            name = "AGENTCHAT_HOST" if self._public_is_here else "AGENTCHAT_PUBLIC_URL"
            value = self.host if self._public_is_here else self.public_url
            raise ValueError(
                f"{name} is {value!r}, where others reach the app, and without accounts they could"
                " read every thread. Set AGENTCHAT_AUTH=password; or use 127.0.0.1 and a tunnel"
                " (ssh -L 3000:127.0.0.1:3000 HOST) to use it from elsewhere"
            )
        if not is_loopback(self.host) and self.public_url is None:
            raise ValueError(
                f"AGENTCHAT_HOST is {self.host!r}, where others reach the app: say with"
                " AGENTCHAT_PUBLIC_URL at which address, such as https://chat.example.org"
            )
        if not self._public_is_here and not self.secure_cookies:
            raise ValueError(
                f"AGENTCHAT_PUBLIC_URL is {self.public_url!r}: without TLS everybody on the way"
                " could read passwords. Put a proxy with a certificate in front, and write https://"
            )
        return self

    @model_validator(mode="after")
    def _whole_provider(self) -> Settings:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise ValueError(
                "AGENTCHAT_OIDC_ISSUER and AGENTCHAT_OIDC_CLIENT_ID belong together: set both"
            )
        if self.oidc_issuer is not None:
            if self.auth == "open":
                raise ValueError("with AGENTCHAT_OIDC_ISSUER, AGENTCHAT_AUTH must be password")
            where = urlsplit(self.oidc_issuer)
            host = where.hostname or ""
            if where.scheme != "https" and not (where.scheme == "http" and is_loopback(host)):
                raise ValueError("AGENTCHAT_OIDC_ISSUER must begin with https://")
            if find_spec("authlib") is None:
                raise ValueError("AGENTCHAT_OIDC_ISSUER needs: pip install 'agentchat[oidc]'")
        return self

    @classmethod
    def path(cls, given: str | Path) -> Path:
        """Where a path in a setting leads, wherever the process went; see :func:`stay`."""
        return Path(given) if cls._folder is None else cls._folder / Path(given).expanduser()

    @property
    def database_url(self) -> str:
        """The URL of the database in SQLAlchemy's form, with the driver named."""
        if self.db_url is None:
            return f"sqlite:///{self.data_dir.expanduser().resolve() / 'agentchat.db'}"
        return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg://", self.db_url)

    @property
    def offered_models(self) -> tuple[str, ...]:
        """The models that people may choose, each once, in the order of ``models``."""
        return tuple(dict.fromkeys(_listed(self.models)))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys and passwords among the settings, which must stand in no log."""
        told = [value for _, value in self if isinstance(value, SecretStr)]
        found = [secret.get_secret_value() for secret in told]
        if self.db_url is not None and (password := re.search(r"://[^/@]*:([^/@]+)@", self.db_url)):
            found.append(password[1])
        return tuple(secret for secret in found if secret)

    @property
    def mcp_file(self) -> Path | None:
        """The file that names MCP servers; None if there is none."""
        if self.mcp is not None:
            return self.mcp.expanduser()
        usual = self.data_dir.expanduser() / "mcp.json"
        return usual if usual.is_file() else None

    @property
    def faults_allowed(self) -> bool:
        """Whether faults may be switched on: asked for, and reached from this machine alone."""
        return self.fault_panel and is_loopback(self.host) and self._public_is_here

    @property
    def _public_is_here(self) -> bool:
        host = urlsplit(self.public_url).hostname if self.public_url is not None else "localhost"
        return is_loopback(host or "")

    @property
    def base_url(self) -> str:
        """What links to the app begin with."""
        return self.public_url or f"http://{_bracketed(self.host)}:{self.port}"

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers may send the cookie only through TLS."""
        return self.public_url is not None and self.public_url.startswith("https://")

    @property
    def origins(self) -> tuple[str, ...]:
        """The exact origins from which a browser may open the socket and log in."""
        if self.public_url is not None:
            return (self.public_url,)
        hosts = dict.fromkeys(("localhost", "127.0.0.1", "[::1]", _bracketed(self.host)))
        return tuple(f"http://{host}:{self.port}" for host in hosts)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an app that listens there."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listed(value: str) -> list[str]:
    return [one.strip() for one in value.split(",") if one.strip()]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def stay() -> None:
    """From now on read settings as they are in this folder, wherever the process goes: its
    ``.env``, and paths from here.
    """
    Settings._folder = Path.cwd()
    Settings.model_config["env_file"] = Settings._folder / ".env"


def load_settings() -> Settings:
    """The settings of this process, from the environment and ``.env``.

    Raises :class:`ConfigError`, naming each variable that is wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(problem) for problem in error.errors())) from None
    except (UnicodeDecodeError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8; save it as that"
        raise ConfigError(f"The file .env cannot be read: {why}.") from None


def _explain(problem: object) -> str:
    assert isinstance(problem, dict)
    name = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not name:
        return message
    variable = name if name.isupper() else f"AGENTCHAT_{name.upper()}"
    return f"{variable}: {message}"
