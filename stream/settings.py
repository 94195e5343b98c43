"""Every setting of every process, each with its one line of documentation.

A value comes, the first that is there, from a flag of the command, from the environment
(`STORMWATCH_` and the name in capitals), from a TOML file, or from the defaults below. The file is
the one of `--config`, else of `STORMWATCH_CONFIG`, else `stormwatch.toml` of the current folder.
"""

from __future__ import annotations

import os
import secrets
import tomllib
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from stream.settings_errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Problem", "Settings", "SettingsError", "load_settings", "shown", "unknown_variables"]

PREFIX = "STORMWATCH_"
CONFIG_VARIABLE = "STORMWATCH_CONFIG"
ENGINE = ("STORMWATCH_ENGINE", "STORMWATCH_COMPILE")
"""Read before there are settings: when the engine is imported (`stream.compiled`) or compiled."""
DEFAULT_FILE = Path("stormwatch.toml")
HIDDEN = "********"

_chosen_file: ContextVar[Path | None] = ContextVar("chosen_file", default=None)


def _servers(text: str) -> str:
    """`host:port`, or several with commas between them."""
    servers = [server.strip() for server in text.split(",")]
    for server in servers:
        host, colon, port = server.rpartition(":")
        if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(
                f"expected HOST:PORT, several with commas between them, not {server!r}"
            )
    return ",".join(servers)


Servers = Annotated[str, AfterValidator(_servers)]
Port = Annotated[int, Field(ge=0, le=65535)]
TopicPart = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]*$", max_length=100)]
GroupName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=100)]


class Settings(BaseSettings):
    """What a process of Stormwatch can be told. Immutable; made by `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    bootstrap_servers: Servers = Field(
        "127.0.0.1:9092",
        description="Kafka brokers to start from: HOST:PORT, several with commas between them.",
    )
    application_id: GroupName = Field(
        "stormwatch",
        description="Name of the consumer group of the workers and prefix of their state topics.",
    )
    partitions: int = Field(
        8, ge=1, le=10_000, description="Partitions of every keyed topic; fixed once topics exist."
    )
    replication_factor: int = Field(
        1, ge=1, le=15, description="Copies of each topic; 3 for anything that matters."
    )
    topic_prefix: TopicPart = Field(
        "", description="Put before each topic's name, for example 'ward7.'."
    )
    data_dir: Path = Field(
        Path(".stormwatch"), description="Folder for what a worker keeps on its own disk."
    )
    metrics_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address on which /metrics, /livez and /readyz are served.",
    )
    metrics_port: Port = Field(
        9108, description="Port of /metrics, /livez and /readyz; 0 takes any free one and logs it."
    )
    tick_interval_s: float = Field(
        1.0, ge=0.05, le=3600, description="Seconds between ticks, which let timers run out."
    )
    ticks: Literal["wall", "off"] = Field(
        "wall",
        description="'wall': the clock on the wall lets timers run out; 'off': only events do.",
    )
    max_ahead_s: float = Field(
        3600, ge=0, le=604_800, description="Seconds an event's time may lie in the future."
    )
    batch_max_events: int = Field(
        1_000, ge=1, le=100_000, description="Most events the worker applies before it writes."
    )
    batch_within_s: float = Field(
        0.01,
        gt=0,
        le=60,
        description="Longest wait in seconds for a batch to fill; adds to latency.",
    )
    session_timeout_s: float = Field(
        10.0, ge=1, le=3600, description="Seconds of silence after which a worker counts as dead."
    )
    commit_interval_s: float = Field(
        1.0, ge=0.05, le=300, description="Seconds between commits of the source offsets."
    )
    state_interval_s: float = Field(
        10.0,
        ge=0,
        le=300,
        description="Seconds that a changed state may wait to be written to its changelog.",
    )
    huge_pages: bool = Field(
        default=True,
        description="Keep memory in pages of 2 MiB (Linux 6.1): large wards take less CPU.",
    )
    standby_replicas: int = Field(
        0, ge=0, le=3, description="Workers beside the owner that keep a copy of each state table."
    )
    stall_timeout_s: float = Field(
        30.0,
        ge=1,
        le=3600,
        description="Seconds without progress after which a part is stuck and the worker ends.",
    )
    recovery_timeout_s: float = Field(
        120.0,
        ge=1,
        le=86_400,
        description="Seconds without assignment or advance of recovery after which it ends.",
    )
    broker_timeout_s: float = Field(
        25.0,
        ge=1,
        le=3600,
        description="Seconds without an answer from any broker after which it ends.",
    )
    max_record_bytes: int = Field(
        262_144,
        ge=1024,
        le=8_388_608,
        description="Largest event taken, in bytes; a larger one becomes a dead letter.",
    )
    deadletters_per_minute: int = Field(
        600,
        ge=1,
        le=1_000_000,
        description="Most dead letters of a source partition a minute; the rest are summed up.",
    )
    ruleset: Path | None = Field(
        None, description="TOML file of thresholds; not set: the packaged set P0."
    )
    routes: Path | None = Field(
        None, description="TOML file of the router's routes; not set: all alerts into one file."
    )
    router_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address of the router's probes, metrics and acknowledgements.",
    )
    router_port: Port = Field(
        9109, description="Port of the router's endpoint; 0 takes any free one and logs it."
    )
    router_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="Bearer token for POST /acknowledgements; not set: none are taken.",
    )
    router_id: GroupName = Field(
        "router",
        description="Name of a router among those of one application; each has its own.",
    )
    hash_key: SecretStr = Field(
        default_factory=lambda: SecretStr(secrets.token_hex(32)),
        min_length=16,
        description="Key of the hash that stands for a patient in logs; not set: one per process.",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to the brokers; SASL_SSL or SSL outside one machine."
    )
    ssl_cafile: Path | None = Field(
        None, description="PEM file of the authority that signed the brokers' certificates."
    )
    ssl_certfile: Path | None = Field(
        None, description="PEM file of our own certificate, where brokers ask for one."
    )
    ssl_keyfile: Path | None = Field(None, description="PEM file of the key to `ssl_certfile`.")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512",
        description="How to log in where the protocol is one of the SASL ones.",
    )
    sasl_username: str | None = Field(None, description="User name to log in to the brokers with.")
    sasl_password: SecretStr | None = Field(None, description="Password to log in with.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important messages to be logged."
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="'json': one object a line; 'console': for people."
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file; no `.env` files and no secrets folders."""
        path = _chosen_file.get() or DEFAULT_FILE
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, path)

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.security_protocol.startswith("SASL_") and not (
            self.sasl_username and self.sasl_password
        ):
            raise ValueError(
                f"security_protocol {self.security_protocol} needs sasl_username and sasl_password"
            )
        if (self.ssl_keyfile is None) != (self.ssl_certfile is None):
            raise ValueError("ssl_certfile and ssl_keyfile belong together: set both or neither")
        return self

    def kafka_python_security(self) -> dict[str, Any]:
        """Keyword arguments that every kafka-python client takes to reach these brokers."""
        options: dict[str, Any] = {"security_protocol": self.security_protocol}
        if self.security_protocol.endswith("SSL"):
            options |= {
                name: str(path)
                for name, path in (
                    ("ssl_cafile", self.ssl_cafile),
                    ("ssl_certfile", self.ssl_certfile),
                    ("ssl_keyfile", self.ssl_keyfile),
                )
                if path is not None
            }
        if self.security_protocol.startswith("SASL_") and self.sasl_password is not None:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password.get_secret_value(),
            }
        return options

    def faust_credentials(self) -> Any:
        """What Faust's `broker_credentials` takes for these brokers; None for PLAINTEXT."""
        if self.security_protocol == "PLAINTEXT":
            return None
        import faust  # noqa: PLC0415 - slow to import and only the worker needs it

        context = None
        if self.security_protocol.endswith("SSL"):
            import ssl  # noqa: PLC0415

            context = ssl.create_default_context(cafile=self.ssl_cafile)
            if self.ssl_certfile is not None:
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile)
        if self.security_protocol == "SSL":
            return faust.SSLCredentials(context)
        assert self.sasl_password is not None  # _fit_together has seen to it
        return faust.SASLCredentials(
            username=self.sasl_username,
            password=self.sasl_password.get_secret_value(),
            mechanism=self.sasl_mechanism,
            ssl_context=context,
        )

    def origin(self, name: str) -> str:
        """Where the value of a setting came from, in words: `default`, `command line`, …"""
        return self._origins.get(name, "default")

    def provenance(self) -> list[tuple[str, str, str]]:
        """Of each setting: its name, its value as it may be shown, and where it came from."""
        return [
            (name, shown(getattr(self, name)), self.origin(name))
            for name in type(self).model_fields
        ]


def shown(value: object) -> str:
    """A value as people may see it: secrets hidden."""
    if value is None:
        return "(not set)"
    return HIDDEN if isinstance(value, SecretStr) else str(value)


def load_settings(config: Path | None = None, **flags: Any) -> Settings:
    """The settings for this run; flags that are None count as not given.

    Raises SettingsError where a value, a name or the file cannot be used.
    """
    path = _file(config)
    given = {name: value for name, value in flags.items() if value is not None}
    chosen = _chosen_file.set(path)
    try:
        in_file = TomlConfigSettingsSource(Settings, path)()
        in_environment = EnvSettingsSource(Settings)()
        origins = dict.fromkeys(in_file, f"file {path}")
        origins |= {name: f"environment {PREFIX}{name.upper()}" for name in in_environment}
        origins |= dict.fromkeys(given, "command line")
        settings = Settings(**given)
    except ValidationError as error:
        values = in_file | in_environment | given
        raise SettingsError(_problems(error, values, origins)) from None
    finally:
        _chosen_file.reset(chosen)
    settings._origins.update(origins)  # noqa: SLF001 - filled where it is made
    return settings


def unknown_variables() -> list[str]:
    """Variables that begin with our prefix and are no setting: most likely typing errors."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE, *ENGINE}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def _file(config: Path | None) -> Path:
    """The file to read, known to be readable TOML, or the default one if it is not there."""
    origin = "command line"
    if config is None and os.environ.get(CONFIG_VARIABLE):
        config, origin = Path(os.environ[CONFIG_VARIABLE]), f"environment {CONFIG_VARIABLE}"
    if config is None:
        if not DEFAULT_FILE.is_file():
            return DEFAULT_FILE
        config, origin = DEFAULT_FILE, "current folder"
    try:
        tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        text = f"cannot read {config}: {error.strerror}"
    except tomllib.TOMLDecodeError as error:
        text = f"{config} is not TOML: {error}"
    except UnicodeDecodeError:
        text = f"{config} is not UTF-8 text"
    else:
        return config
    raise SettingsError((Problem("config", origin, text),))


def _problems(
    error: ValidationError, values: Mapping[str, Any], origins: Mapping[str, str]
) -> tuple[Problem, ...]:
    """What pydantic found, in words that name the setting, the value and what was expected."""
    problems = []
    for item in error.errors(include_url=False, include_context=False):
        name = str(item["loc"][0]) if item["loc"] else "settings"
        text = item["msg"].removeprefix("Value error, ")
        if item["type"] == "too_short":  # of secrets, which pydantic counts in items
            text = "expected at least 16 characters"
        if item["type"] == "extra_forbidden":
            near = get_close_matches(name, Settings.model_fields, n=1)
            text = "no such setting" + (f"; did you mean {near[0]}?" if near else "")
        elif name in values:
            text = f"{_quoted(name, values[name])} cannot be used: {text[:1].lower()}{text[1:]}"
        problems.append(Problem(name, origins.get(name, "taken together"), text))
    return tuple(problems)


def _quoted(name: str, value: object) -> str:
    secret = "SecretStr" in str(Settings.model_fields[name].annotation)
    return HIDDEN if secret else repr(value)
