"""`digest operators …` as typed: accounts made, listed, changed and removed."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from digest.cli import main
from digest.config import load
from digest.operators import Accounts
from digest.store.database import Database

KEY = "a-key-that-is-long-enough-to-sign-with"
GOOD = "copper lantern under rain"
CONFIG = f"""
[site]
operator_email = "ops@example.org"
base_url = "https://papers.example.org"
secret_keys = ["{KEY}"]
"""
Digest = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, sqlite_template: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, "utf-8")
    shutil.copyfile(sqlite_template, tmp_path / "digest.db")
    return tmp_path


@pytest.fixture
def digest(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Digest:
    def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capfd.readouterr()
        code = main(["--config", str(folder / "config.toml"), "operators", *arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return run


def may_sign_in(folder: Path, name: str, password: str) -> bool:
    settings = load(folder / "config.toml")
    database = Database(settings.database.url.get_secret_value())
    hashes = settings.web.operator_hashes()
    accounts = Accounts(database, configured=hashes, keys=settings.signing_keys())
    found = accounts.sign_in(name, password) is not None
    database.dispose()
    return found


def test_an_account_is_made_changed_and_removed(digest: Digest, folder: Path) -> None:
    code, out, _ = digest("add", "Ada", "--password-stdin", typed=f"{GOOD}\n")
    assert (code, out) == (0, "ada may sign in at https://papers.example.org/desk.\n")
    assert may_sign_in(folder, "ada", GOOD)
    [listed] = json.loads(digest("list", "--json")[1])
    assert (listed["name"], listed["is_configured"]) == ("ada", False)
    assert "1 operator" in digest("list")[1]
    assert digest("password", "ada", "--password-stdin", typed="another good phrase\n")[0] == 0
    assert not may_sign_in(folder, "ada", GOOD)
    assert digest("remove", "ada")[0] == 0
    assert json.loads(digest("list", "--json")[1]) == []


@pytest.mark.parametrize(
    ("arguments", "typed", "says"),
    [
        (["add", "ada", "--password-stdin"], "short\n", "too short"),
        (["add", "ada"], "", "--password-stdin"),
        (["add", "a b", "--password-stdin"], GOOD, "cannot be"),
        (["remove", "nobody"], "", "no operator"),
        (["password", "nobody", "--password-stdin"], GOOD, "no operator"),
        (["hash", "--password-stdin"], "short", "too short"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_said_with_the_mend(
    digest: Digest, arguments: list[str], typed: str, says: str
) -> None:
    code, out, err = digest(*arguments, typed=typed)
    assert (code, out) == (2, "")
    assert says in err


def test_a_hash_for_the_configuration_opens_the_door(digest: Digest, folder: Path) -> None:
    code, made, _ = digest("hash", "--password-stdin", typed=f"{GOOD}\n")
    assert code == 0
    table = f'[[web.operators]]\nname = "Bo"\npassword_hash = "{made.strip()}"\n'
    (folder / "config.toml").write_text(CONFIG + table, "utf-8")
    assert may_sign_in(folder, "bo", GOOD)
    assert GOOD not in str(load(folder / "config.toml"))
    assert made.strip() not in repr(load(folder / "config.toml"))
    code, _, err = digest("remove", "bo")
    assert code == 2
    assert "web.operators" in err


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('name = "bo"\npassword_hash = "plain text"', "digest operators hash"),
        ('name = "b o"\npassword_hash = "$argon2id$v=19$m=8,t=1,p=1$YQ$YQ"', "letters"),
        ('name = "bo"', "is missing"),
    ],
)
def test_a_fault_of_the_configuration_has_its_mend(
    digest: Digest, folder: Path, table: str, says: str
) -> None:
    (folder / "config.toml").write_text(f"{CONFIG}[[web.operators]]\n{table}\n", "utf-8")
    code, _, err = digest("list")
    assert code == 2
    assert says in err
    assert "plain text" not in err


def test_an_operator_is_configured_once(digest: Digest, folder: Path) -> None:
    made = "$argon2id$v=19$m=8,t=1,p=1$YQ$YQ"
    one = f'[[web.operators]]\nname = "bo"\npassword_hash = "{made}"\n'
    (folder / "config.toml").write_text(CONFIG + one + one, "utf-8")
    assert "twice: bo" in digest("list")[2]
