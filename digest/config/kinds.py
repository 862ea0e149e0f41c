"""The kinds of value that configuration keys hold, each checked with a message that has the mend.

They are annotations for the models of this package. A check raises ValueError with one sentence;
`faults` puts the key in front of it.
"""

from __future__ import annotations

import json
import re
from ipaddress import ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode

from digest import clock
from digest.errors import UsageError
from digest.phrases import LANGUAGES

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SHORTEST_SECRET = 32  #: characters; `digest init` writes 43, which is 256 bits

# Private networks do receive mail under these names. The library's documented way to admit them is
# to take them off its list.
for _name in ("local", "localhost", "test"):
    if _name in SPECIAL_USE_DOMAIN_NAMES:
        SPECIAL_USE_DOMAIN_NAMES.remove(_name)

_OPERATOR = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_ARGON2ID = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")

# What makes vectors, beside what is inside the program.
_NAMED_MODELS = {
    "bert": "FOLDER",
    "onnx": "FOLDER",
    "sentence-transformers": "NAME",
    "openai": "MODEL",
}
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


class Section(BaseModel):
    """A table of the file: an unknown key is a fault, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its usual names, or 127.0.0.0/8."""
    return host.lower().rstrip(".") in LOOPBACK or host.startswith("127.")


def _one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must be one line without control characters")
    return value.strip()


def _language(value: str) -> str:
    """A BCP 47 tag whose first part is a language we have; regions vary dates and numbers."""
    if _TAG.fullmatch(value) and value.partition("-")[0].lower() in LANGUAGES:
        return value
    raise ValueError(f"is no language of mails and pages, which are {', '.join(LANGUAGES)}")


def _once(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _not_blank(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def normal_address(value: str) -> str:
    """One spelling for each address: NFC, the domain in lower case and in Unicode.

    The local part keeps its case, which RFC 5321 §2.3.11 leaves to the receiver. Names of private
    networks pass (root@localhost, ada@lab.internal); nothing here asks the network. Raises
    ValueError with one sentence that does not repeat the address.
    """
    if _CONTROL.search(value):
        raise ValueError("holds a line break or another control character")
    try:
        valid = validate_email(
            value.strip(), check_deliverability=False, globally_deliverable=False
        )
    except EmailNotValidError as error:
        raise ValueError(f"is no e-mail address: {str(error).rstrip('.')}") from None
    domain = valid.ascii_domain
    if domain != "localhost" and "." not in domain:
        raise ValueError("is no e-mail address: its domain is incomplete")
    return valid.normalized


def _zone(value: str) -> str:
    try:
        clock.zone(value)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return value


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address such as https://example.org/feed")
    return value


def _base_address(value: str) -> str:
    parts = urlsplit(_web_address(value))
    if parts.query or parts.fragment:
        raise ValueError("must have neither ? nor #, for links are built by adding to it")
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https://, for subscribers' links carry their keys")
    return value.rstrip("/")


def _database_url(value: SecretStr) -> SecretStr:
    scheme = value.get_secret_value().partition("://")[0]
    if scheme not in ("sqlite", "postgres", "postgresql", "postgresql+psycopg"):
        raise ValueError(
            "must begin with sqlite:/// or postgresql://, such as sqlite:///digest.db"
            " or postgresql://user@host/name"
        )
    return value


def _secret_key(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < SHORTEST_SECRET:
        raise ValueError(
            f"must have at least {SHORTEST_SECRET} random characters; make one with"
            " `python3 -c 'import secrets; print(secrets.token_urlsafe())'`"
        )
    return value


def _operator_name(value: str) -> str:
    name = value.strip().lower()
    if not _OPERATOR.fullmatch(name):
        raise ValueError("must be up to 64 letters, digits and . _ @ + - without accents")
    return name


def _password_hash(value: SecretStr) -> SecretStr:
    if not _ARGON2ID.fullmatch(value.get_secret_value()):
        raise ValueError("must be the hash of a password; `digest operators hash` makes one")
    return value


def _network(value: str) -> str:
    try:
        return str(ip_network(value, strict=False))
    except ValueError as error:
        raise ValueError(f"must be an address or network such as 10.0.0.0/8, not {value!r}") from (
            error
        )


def _several(value: Any) -> Any:
    """The environment and secret files give text: a JSON list, or values apart by spaces."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return _json_list(value)
    return re.split(r"[\s,]+", value.strip())


def _json_list(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError("begins like a JSON list and is none") from error


def _embedder(value: str) -> str:
    return value if value in ("static", "lexical") else _checked_model(value, "static, lexical")


def _second_stage(value: str) -> str:
    return value if value in ("auto", "off") else _checked_model(value, "auto, off")


def _checked_model(value: str, others: str) -> str:
    kind, _, argument = value.partition(":")
    if value == "minilm" or (kind in _NAMED_MODELS and argument.strip()):
        return value
    named = ", ".join(f"{kind}:{what}" for kind, what in _NAMED_MODELS.items())
    raise ValueError(f"must be one of {others}, minilm, {named}; not {value!r:.60}")


def _weekday(value: Any) -> Any:
    name = value.strip().lower() if isinstance(value, str) else None
    return WEEKDAYS.index(name) if name in WEEKDAYS else value


def _nothing(value: Any) -> Any:
    return None if value == "" else value


Line = Annotated[str, AfterValidator(_one_line)]
Name = Annotated[Line, AfterValidator(_not_blank)]
EmbedderName = Annotated[Name, AfterValidator(_embedder)]
SecondStageName = Annotated[Name, AfterValidator(_second_stage)]
Address = Annotated[str, AfterValidator(normal_address)]
OptionalAddress = Annotated[Address | None, BeforeValidator(_nothing)]
Zone = Annotated[str, AfterValidator(_zone)]
Weekday = Annotated[int, BeforeValidator(_weekday), Field(ge=0, le=6)]  #: 0 or "monday"
WebAddress = Annotated[Line, AfterValidator(_web_address)]
BaseAddress = Annotated[Line, AfterValidator(_base_address)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
SecretKeys = Annotated[
    list[Annotated[SecretStr, AfterValidator(_secret_key)]],
    NoDecode,
    BeforeValidator(_several),
    Field(min_length=1),
]
Names = Annotated[list[Name], NoDecode, BeforeValidator(_several)]
OperatorName = Annotated[str, AfterValidator(_operator_name)]
PasswordHash = Annotated[SecretStr, AfterValidator(_password_hash)]
Language = Annotated[Name, AfterValidator(_language)]
Languages = Annotated[list[Language], NoDecode, BeforeValidator(_several), AfterValidator(_once)]
Networks = Annotated[
    list[Annotated[str, AfterValidator(_network)]], NoDecode, BeforeValidator(_several)
]
