"""What the routes file says of each receiver: where it is, how it is reached, with what secret.

A secret stands nowhere in the file: `env:NAME` names the variable and `file:PATH` the file that
holds it. Plain transport beyond this machine has to be allowed in so many words.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")]


class Strict(BaseModel):
    """Unknown fields are refused, so that no typing error hides."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=False
    )


class SecretMissing(ValueError):  # noqa: N818 - it names the fact
    """A secret that the routes file points to is not there; the text names where it was sought."""


def _pointer(text: str) -> str:
    kind, _, rest = text.partition(":")
    if kind not in {"env", "file"} or not rest:
        raise ValueError("expected env:NAME or file:PATH, never the secret itself")
    return text


SecretPointer = Annotated[str, AfterValidator(_pointer)]


def secret(pointer: str) -> str:
    """What a pointer leads to. Raises SecretMissing."""
    kind, _, rest = pointer.partition(":")
    if kind == "env":
        value = os.environ.get(rest, "")
        if not value:
            raise SecretMissing(f"the environment variable {rest} is not set")
        return value
    try:
        value = Path(rest).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise SecretMissing(f"cannot read the secret file {rest}: {why}") from None
    if not value:
        raise SecretMissing(f"the secret file {rest} is empty")
    return value


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"expected a URL, not {text!r}: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError(f"expected a URL as https://host:port/path, not {text!r}")
    if parts.username or parts.password:
        raise ValueError("expected a URL without a password; `token` points to one")
    return text


Url = Annotated[str, AfterValidator(_url)]
Host = Annotated[str, Field(min_length=1, max_length=253)]
Port = Annotated[int, Field(ge=1, le=65535)]
Address = Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$", max_length=254)]


def on_this_machine(host: str) -> bool:
    """Whether a host is loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Remote(Strict):
    ca_file: Path | None = None
    """PEM file of the authority that signed the receiver's certificate; else the system's."""
    cert_file: Path | None = None
    key_file: Path | None = None
    allow_plain: bool = False
    """Allows unencrypted transport to another machine."""

    def context(self) -> ssl.SSLContext:
        """The TLS of this receiver. Raises OSError, with the names of files that cannot be used."""
        files = f"ca_file {self.ca_file}"
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file is not None:
                files = f"cert_file {self.cert_file}, key_file {self.key_file}"
                context.load_cert_chain(self.cert_file, self.key_file)
        except OSError as error:
            raise OSError(f"{files}: {error.strerror or error}") from None
        return context

    def _plain_is_allowed(self, host: str, field: str) -> None:
        if not self.allow_plain and not on_this_machine(host):
            raise ValueError(
                f"{field}: {host} would be reached unencrypted; use TLS, or set allow_plain = true"
            )


class _OverHttp(_Remote):
    url: Url
    token: SecretPointer | None = None
    """Sent as `Authorization: Bearer`."""

    @model_validator(mode="after")
    def _plain(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme == "http":
            self._plain_is_allowed(parts.hostname or "", "url")
        return self


class WebhookConfig(_OverHttp):
    """A POST of JSON, signed."""

    kind: Literal["webhook"]
    secret: SecretPointer


class AlertmanagerConfig(_OverHttp):
    """Prometheus Alertmanager, API v2; `url` is its base."""

    kind: Literal["alertmanager"]
    hold_s: float = Field(3600.0, gt=0, le=604_800)
    """How long Alertmanager takes an alert for firing."""
    labels: dict[str, str] = Field(default_factory=dict)

    @property
    def standing(self) -> bool:
        """Whether it shows a state that a closing ends."""
        return True


class FhirConfig(_OverHttp):
    """A FHIR R4 server; `url` is its base."""

    kind: Literal["fhir"]
    resource: Literal["Communication", "Flag"] = "Communication"
    identifier_system: str | None = None
    """System of the patient's identifier."""

    @property
    def standing(self) -> bool:
        """Whether it shows a state that a closing ends."""
        return self.resource == "Flag"


class SmtpConfig(_Remote):
    """Mail."""

    kind: Literal["smtp"]
    host: Host
    port: Port = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretPointer | None = None
    sender: Address
    to: tuple[Address, ...] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _plain(self) -> Self:
        if self.tls == "none":
            self._plain_is_allowed(self.host, "tls")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together: set both or neither")
        return self


class MllpConfig(_Remote):
    """HL7 v2 ORU^R40 over MLLP, as in IHE PCD-04."""

    kind: Literal["hl7"]
    host: Host
    port: Port = 2575
    tls: bool = False
    sending_application: str = Field("STORMWATCH", max_length=60)
    sending_facility: str = Field("", max_length=60)
    receiving_application: str = Field("", max_length=60)
    receiving_facility: str = Field("", max_length=60)
    assigning_authority: str = Field("", max_length=60)
    """Of the patient's identifier."""
    profile: str = "IHE_PCD_ACM_001^IHE PCD^1.3.6.1.4.1.19376.1.6.4.4^ISO"
    """MSH-21; sites differ in the object identifier that they expect."""

    @model_validator(mode="after")
    def _plain(self) -> Self:
        if not self.tls:
            self._plain_is_allowed(self.host, "tls")
        return self


class FileConfig(Strict):
    """A file of JSON lines; a relative path is inside `data_dir`."""

    kind: Literal["file"]
    path: Path


ReceiverConfig = Annotated[
    WebhookConfig | AlertmanagerConfig | FhirConfig | SmtpConfig | MllpConfig | FileConfig,
    Field(discriminator="kind"),
]
