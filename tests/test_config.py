"""The configuration: its layers, its files, its example, and every fault at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from digest.config import ArxivConfig, Settings, find, load
from digest.config.example import example, filled_example
from digest.config.sources import OWN_KINDS
from digest.errors import ConfigError
from digest.model import Cadence, Schedule

KEY = "k" * 43
MINIMAL = f"""
[site]
operator_email = "ops@example.org"
secret_keys = ["{KEY}"]
"""


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("DIGEST_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return list(caught.value.faults)


# --- finding ------------------------------------------------------------------------------------


def test_the_file_is_the_named_one_else_the_variable_s_else_the_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find() is None
    usual = write(tmp_path / "config.toml", MINIMAL)
    assert find() == Path(usual.name)
    other = write(tmp_path / "other.toml", MINIMAL)
    monkeypatch.setenv("DIGEST_CONFIG", str(other))
    assert find() == other
    third = write(tmp_path / "third.toml", MINIMAL)
    assert find(third) == third


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_named_file_that_is_not_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    write(tmp_path / "config.toml", MINIMAL)
    missing = tmp_path / "missing.toml"
    if by_variable:
        monkeypatch.setenv("DIGEST_CONFIG", str(missing))
    with pytest.raises(ConfigError, match="no such file") as caught:
        load(None if by_variable else missing)
    assert "missing.toml" in str(caught.value)


def test_the_environment_alone_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIGEST_SITE__OPERATOR_EMAIL", "ops@example.org")
    monkeypatch.setenv("DIGEST_SITE__SECRET_KEYS", KEY)
    monkeypatch.setenv(
        "DIGEST_SOURCES", '[{"kind": "arxiv", "name": "a", "categories": ["cs.CL"]}]'
    )
    settings = load()
    assert settings.sources == [ArxivConfig(kind="arxiv", name="a", categories=["cs.CL"])]
    assert settings.database.url.get_secret_value() == f"sqlite:///{tmp_path}/digest.db"


# --- layers -------------------------------------------------------------------------------------


def test_environment_lies_over_secrets_over_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(
        tmp_path / "config.toml",
        MINIMAL + '[web]\nport = 1\nhost = "file"\n[delivery.smtp]\nusername = "u"\nhost = "file"',
    )
    write(tmp_path / "secrets/digest_delivery__smtp__password", "from the directory\n")
    write(tmp_path / "secrets/DIGEST_DELIVERY__SMTP__HOST", "secret.example.org")
    write(tmp_path / "secrets/unrelated", "x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "secrets"))
    monkeypatch.setenv("DIGEST_DELIVERY__SMTP__HOST", "environment.example.org")
    monkeypatch.setenv("DIGEST_WEB__PORT", "8080")
    settings = load(file)
    smtp = settings.delivery.smtp
    assert (settings.web.port, settings.web.host) == (8080, "file")
    assert smtp.host == "environment.example.org"
    assert smtp.password is not None
    assert smtp.password.get_secret_value() == "from the directory"


@pytest.mark.parametrize(
    "text", [f"{KEY} {'o' * 43}", f'["{KEY}", "{"o" * 43}"]', f"{KEY}\n{'o' * 43}\n"]
)
def test_several_secret_keys_fit_in_one_variable(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("DIGEST_SITE__OPERATOR_EMAIL", "ops@example.org")
    monkeypatch.setenv("DIGEST_SITE__SECRET_KEYS", text)
    assert load().signing_keys() == (KEY, "o" * 43)


def test_relative_paths_start_at_the_file_s_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(
        tmp_path / "etc/config.toml",
        MINIMAL.replace(f'secret_keys = ["{KEY}"]', 'secret_keys_file = "keys"')
        + '[[sources]]\nkind = "feed"\nname = "f"\npath = "trial"\n'
        + '[delivery.smtp]\nca_file = "/abs/ca.pem"\n[delivery.mailbox]\npath = "~/mail"\n',
    )
    write(tmp_path / "etc/keys", f"{KEY}\n")
    monkeypatch.setenv("HOME", "/home/ops")
    settings = load(file)
    assert settings.signing_keys() == (KEY,)
    assert settings.sources[0].path == tmp_path / "etc/trial"
    assert settings.delivery.smtp.ca_file == Path("/abs/ca.pem")
    assert settings.delivery.mailbox.path == Path("/home/ops/mail")
    assert settings.delivery.spool == tmp_path / "etc/spool"
    assert settings.database.url.get_secret_value() == f"sqlite:///{tmp_path}/etc/digest.db"


def test_a_secret_in_a_file_and_in_the_environment_is_no_conflict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "password", "from the file")
    file = write(
        tmp_path / "config.toml",
        MINIMAL + '[delivery.smtp]\nusername = "u"\npassword_file = "password"\n',
    )
    monkeypatch.setenv("DIGEST_DELIVERY__SMTP__PASSWORD", "from the environment")
    password = load(file).delivery.smtp.password
    assert password is not None
    assert password.get_secret_value() == "from the environment"


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    text = MINIMAL + '[database]\nurl = "postgresql://u:hush@h/d"\n'
    shown = repr(load(write(tmp_path / "config.toml", text)))
    assert "hush" not in shown
    assert KEY not in shown


# --- faults -------------------------------------------------------------------------------------

FAULTS = [
    ('[site]\nname = ""', "site.name: must not be empty"),
    ('[site]\nnmae = "x"', "site.nmae: is unknown; did you mean name?"),
    ('[site]\nbase_url = "http://example.org"', "site.base_url: must begin with https://"),
    ('[site]\nbase_url = "https://example.org/?a"', "site.base_url: must have neither ? nor #"),
    ('[site]\nidentity = "a\\nb"', "site.identity: must be one line"),
    ('[site]\noperator_email = "ops"', "site.operator_email: is no e-mail address"),
    ('[site]\nsecret_keys = ["short"]', "site.secret_keys: must have at least 32"),
    ("[site]\nsecret_keys = []", "site.secret_keys: needs at least 1"),
    ('[site]\nsecret_keys_file = "gone"', "site.secret_keys_file: cannot read"),
    ('[smpt]\nhost = "x"', "smpt: is unknown here; did you mean [delivery.smtp]?"),
    ('host = "x"', "host: is unknown here; did you mean [delivery.smtp] or [web]?"),
    ('[database]\nurl = "mysql://u:hush@h/d"', "database.url: must begin with sqlite"),
    ("[digest]\nhour = 24", "digest.hour: must be at most 23, not 24"),
    ('[digest]\nhour = "seven"', "digest.hour: must be a whole number, not 'seven'"),
    ('[digest]\ncadence = "hourly"', "digest.cadence: must be one of 'daily'"),
    ('[digest]\nweekday = "moonday"', "digest.weekday: must be a whole number"),
    ('[digest]\ntimezone = "Europe/Lisbonn"', "Did you mean Europe/Lisbon"),
    ('[digest]\nfrom_name = "x"', "digest.from_name: is unknown here; did you mean [delivery]?"),
    ("digest = 7", "digest: must be a section"),
    ('[delivery]\nchannel = "fax"', "delivery.channel: must be one of 'mailbox', 'smtp'"),
    ('[delivery]\nfrom_address = "a@b.org\\nBcc: c@d.org"', "delivery.from_address: holds a line"),
    ('[site.brand]\naccent = "#88aadd"', "site.brand.accent: #88aadd on #fbfaf7 has a contrast"),
    ('[site.brand]\naccent_dark = "#222222"', "site.brand.accent_dark: #222222 on #1e1d1b has"),
    ('[site.brand]\naccent = "blue"', "site.brand.accent: must be a colour such as #0f4c81"),
    ('[site.brand]\nlogo = "logo.svg"', "site.brand.logo: must be a .png or .jpg file"),
    ('[summaries]\nkind = "clever"', "summaries.kind: must be off, extractive or openai:MODEL"),
    ('[summaries]\nkind = "openai:m"', "summaries: url is missing: openai:MODEL needs it"),
    ('[summaries]\nlanguage = "klingon!"', "summaries.language: must be a language such as en"),
    ('[delivery.smtp]\nsecurity = "none"\nhost = "mx.example.org"', "delivery.smtp: security ="),
    ('[delivery.smtp]\nsecurity = "none"\nusername = "u"', "delivery.smtp: a login needs TLS"),
    ('[delivery.smtp]\nusername = "u"', "delivery.smtp: password or password_file is missing"),
    ('[delivery.smtp]\npassword = 5\nusername = "u"', "delivery.smtp.password: must be text"),
    ("[delivery.smtp]\nport = 0", "delivery.smtp.port: must be at least 1, not 0"),
    ('[web]\ntrusted_proxies = ["proxy"]', "web.trusted_proxies: must be an address or network"),
    ('[web]\nallow_private_addresses = "maybe"', "must be true or false, not 'maybe'"),
    ("[retention]\npapers_days = -1", "retention.papers_days: must be at least 0, not -1"),
    ('[[sources]]\nkind = "arxv"\nname = "a"', "sources (a): kind 'arxv' is unknown; did you mean"),
    ('[[sources]]\nname = "a"', "sources (a): kind is missing"),
    ('[[sources]]\nkind = "arxiv"\ncategories = ["cs.CL"]', "sources (no. 1).name: is missing"),
    ('[[sources]]\nkind = "arxiv"\nname = "a"', "sources (a).categories: is missing"),
    ('[[sources]]\nkind = "arxiv"\nname = "a"\ncategories = ["NLP"]', "an arXiv category"),
    ('[[sources]]\nkind = "feed"\nname = "f"', "sources (f): needs url"),
    ('[[sources]]\nkind = "pubmed"\nname = "p"', "Create RSS"),
    ('[[sources]]\nkind = "feed"\nname = "f"\nurl = "ftp://x"', "sources (f).url: must be"),
    ('[[sources]]\nkind = "feed"\nname = "f"\nurl = "https://x.org"\npath = "x"', "both url and"),
    (
        '[[sources]]\nkind = "huggingface"\nname = "A"\n'
        '[[sources]]\nkind = "huggingface"\nname = "a"',
        "sources: each source needs a name of its own",
    ),
]


@pytest.mark.parametrize(("text", "told"), FAULTS, ids=[told[:40] for _, told in FAULTS])
def test_a_fault_names_its_key_and_the_mend(tmp_path: Path, text: str, told: str) -> None:
    own = dict(tomllib.loads(text).get("site", {}))
    missing = [
        line
        for line in MINIMAL.splitlines()
        if "=" in line
        and line.partition(" ")[0].removesuffix("_file")
        not in {key.removesuffix("_file") for key in own}
    ]
    if "[site]" in text:
        whole = text + "\n" + "\n".join(missing)
    else:
        whole = text + MINIMAL if not text.startswith("[") else MINIMAL + text
    found = faults(write(tmp_path / "config.toml", whole))
    assert len(found) == 1, found
    assert told in found[0]
    assert "hush" not in found[0]


def test_all_faults_of_all_layers_come_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[site]\nnmae = "x"\n[digest]\nhour = 99\n[delivery.smtp]\npassword_file = "gone"\n'
    monkeypatch.setenv("DIGEST_WEB__PORT", "many")
    monkeypatch.setenv("DIGEST_WBE__PORT", "1")
    found = "\n".join(faults(write(tmp_path / "config.toml", text)))
    for key in (
        "site.nmae",
        "site.operator_email: is missing; set it in the file or as DIGEST_SITE__OPERATOR_EMAIL",
        "site.secret_keys: is missing",
        "digest.hour",
        "delivery.smtp.password_file",
        "web.port",
        "DIGEST_WBE__PORT: wbe is unknown; did you mean web?",
    ):
        assert key in found, key


def test_variables_that_others_set_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGEST_PORT_80_TCP", "tcp://10.0.0.1:80")
    monkeypatch.setenv("DIGEST_SERVICE_HOST", "10.0.0.1")
    load(write(tmp_path / "config.toml", MINIMAL))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"[site\n", "not TOML", id="no-toml"),
        pytest.param(b"name = '\xff'", "not UTF-8", id="latin-1"),
        pytest.param(None, "cannot be read", id="directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_fault(
    tmp_path: Path, data: bytes | None, told: str
) -> None:
    path = tmp_path / "config.toml"
    if data is None:
        path.mkdir()
    else:
        path.write_bytes(data)
    assert told in faults(path)[0]


def test_a_secrets_directory_that_is_not_there_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGEST_SECRETS_DIR", str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match="DIGEST_SECRETS_DIR"):
        load(write(tmp_path / "config.toml", MINIMAL))


def test_a_whole_section_in_a_variable_must_be_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_SOURCES", "arxiv")
    with pytest.raises(ConfigError, match="DIGEST_SOURCES: must be JSON"):
        load()


# --- meaning ------------------------------------------------------------------------------------


def test_what_is_not_said_has_a_sensible_value(tmp_path: Path) -> None:
    settings = load(write(tmp_path / "config.toml", MINIMAL))
    site = settings.as_site()
    assert site.from_address == site.unsubscribe_address == "ops@example.org"
    assert (site.from_name, site.identity) == ("Paper Digest", "Paper Digest, ops@example.org")
    assert settings.digest.schedule() == Schedule("UTC", Cadence.WEEKDAYS, 7)
    assert settings.delivery.smtp.effective_port == 587


def test_base_url_ends_without_a_slash(tmp_path: Path) -> None:
    text = MINIMAL + "[web]\nport = 1\n"
    text = text.replace("[site]", '[site]\nbase_url = "https://example.org/papers/"')
    assert load(write(tmp_path / "config.toml", text)).site.base_url == "https://example.org/papers"


def test_models_are_named_and_their_folders_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush\n")
    text = MINIMAL + (
        '[matching]\nembedder = "onnx:models/minilm"\nsecond_stage = "openai:large"\n'
        '[matching.endpoint]\nurl = "https://models.example.org/v1"\nkey_file = "key"\n'
    )
    matching = load(write(tmp_path / "config.toml", text)).matching
    assert matching.embedder == f"onnx:{tmp_path / 'models/minilm'}"
    assert matching.second_stage == "openai:large"
    assert matching.endpoint.key is not None
    assert matching.endpoint.key.get_secret_value() == "hush"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('embedder = "word2vec"', "must be one of static, lexical, minilm, bert:FOLDER"),
        ('embedder = "auto"', "must be one of static"),
        ('second_stage = "onnx:"', "must be one of auto, off, minilm"),
        ('embedder = "openai:small"', "endpoint.url is missing"),
    ],
)
def test_a_model_that_cannot_be_is_a_fault(tmp_path: Path, line: str, told: str) -> None:
    (fault,) = faults(write(tmp_path / "config.toml", f"{MINIMAL}[matching]\n{line}\n"))
    assert fault.startswith("matching")
    assert told in fault


# --- the example --------------------------------------------------------------------------------


def uncommented(text: str) -> str:
    """With every commented key switched on: prose has a space behind its #, a key has none."""
    return re.sub(r"^#(?=\S)", "", text, flags=re.MULTILINE)


def test_the_example_loads_once_it_has_a_key(tmp_path: Path) -> None:
    settings = load(write(tmp_path / "config.toml", filled_example()))
    assert [source.kind for source in settings.sources] == ["arxiv", "huggingface"]
    assert len(settings.signing_keys()[0]) == 43


def test_the_example_s_own_key_is_refused_for_it_is_no_secret(tmp_path: Path) -> None:
    found = faults(write(tmp_path / "config.toml", example()))
    assert [fault.partition(":")[0] for fault in found] == ["site.secret_keys"]


def test_two_files_made_of_the_example_have_different_keys() -> None:
    assert filled_example() != filled_example()


def test_every_commented_key_of_the_example_can_be_switched_on(tmp_path: Path) -> None:
    text = uncommented(filled_example())
    for name in re.findall(r'_file = "/etc/paper-digest/(.+?)"', text):
        write(tmp_path / name, KEY if name == "secret-keys" else "hush")
    text = text.replace("/etc/paper-digest/", f"{tmp_path}/")
    text = re.sub(r"^secret_keys = .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^url_file = .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r'^host = "localhost"$', 'host = "mx.example.org"', text, flags=re.MULTILINE)
    load(write(tmp_path / "config.toml", text))


def keys(model: type[BaseModel], place: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from keys(inner, f"{place}{name}.")
        elif name != "sources":
            yield f"{place}{name}"


def test_every_default_that_the_example_shows_is_the_default(tmp_path: Path) -> None:
    shown = tomllib.loads(uncommented(example()).replace("[[sources]]", "[[x]]"))
    settings = load(write(tmp_path / "config.toml", MINIMAL)).model_dump(mode="json")
    samples = {
        "site.operator_email",
        "site.secret_keys",
        "site.secret_keys_file",
        "site.templates",
        "database.url",
        "database.url_file",
        "matching.endpoint.url",
        "matching.endpoint.key_file",
        "digest.weekday",
        "delivery.from_address",
        "delivery.from_name",
        "delivery.unsubscribe_address",
        "site.brand.logo",
        "summaries.url",
        "summaries.key_file",
        "delivery.spool",
        "delivery.mailbox.path",
        "delivery.smtp.port",
        "delivery.smtp.username",
        "delivery.smtp.password_file",
        "delivery.smtp.ca_file",
        "delivery.smtp.client_certificate",
        "delivery.smtp.client_key",
        "delivery.domain_rates",
        "web.operators",
        "delivery.smtp.token_command",
        "delivery.smtp.token_endpoint",
        "delivery.smtp.token_client_id",
        "delivery.smtp.token_client_secret_file",
        "delivery.smtp.token_refresh_file",
        "delivery.smtp.rates",
        "delivery.smtp.fallbacks",
        "delivery.dkim.domain",
        "delivery.dkim.selector",
        "delivery.dkim.private_key",
        "delivery.bounces.address",
        "delivery.bounces.imap_host",
        "delivery.bounces.imap_username",
        "delivery.bounces.imap_password_file",
        "delivery.bounces.imap_ca",
        "delivery.bounces.imap_keep_in",
        "delivery.bounces.token_header",
        "delivery.bounces.sns_topics",
        "delivery.bounces.sendgrid_key",
        "delivery.bounces.mailgun_key_file",
        "delivery.bounces.postmark_password_file",
        "web.trusted_proxies",
        "web.websub_hub",
        "monitoring.metrics_port",
        "monitoring.textfile",
    }
    prose = {
        "delivery.smtp.password",
        "delivery.smtp.token_client_secret",
        "delivery.smtp.token_refresh",
        "delivery.bounces.imap_password",
        "delivery.bounces.mailgun_key",
        "delivery.bounces.postmark_password",
        "matching.endpoint.key",
        "summaries.key",
    }
    for key in set(keys(Settings)) - samples - prose:
        here, there = shown, settings
        for part in key.split("."):
            here, there = here[part], there[part]
        assert here == there, key


@pytest.mark.parametrize("kind", sorted(OWN_KINDS))
def test_the_example_shows_every_kind_of_source(kind: str) -> None:
    tables = tomllib.loads(uncommented(example()))["sources"]
    mine = [table for table in tables if table["kind"] == kind]
    assert mine
    common = {"enabled", "path", "url", "name", "kind", "every_minutes"}
    missing = set(OWN_KINDS[kind].model_fields) - common - {key for it in mine for key in it}
    assert kind == "medrxiv" or not missing, f"not in the example: {missing}"
