"""`digest tokens`: made, listed without a secret, revoked."""

from __future__ import annotations

import pytest

from tests.test_cli_operators import Digest, digest, folder, subscribe

__all__ = ["digest", "folder"]


def test_a_token_is_shown_once(digest: Digest) -> None:
    subscribe(digest)
    made = digest("tokens", "create", "my script", "--subscriber", "ada@example.org", "--json").json
    assert made["secret"].startswith(made["hint"])
    assert made["scopes"] == ["me:read", "me:write", "read"]
    told = digest("tokens", "create", "cron", "--scope", "operator:write", "--days", "0")
    assert told.code == 0, told.err
    assert told.out.startswith("pd_")
    assert "operator:write; until for ever" in told.out
    [mine, ours] = digest("tokens", "list", "--json").json
    assert (mine["subscriber"], ours["subscriber"]) == ("ada@example.org", None)
    listed = digest("tokens", "list", "--subscriber", "ada@example.org").out
    assert "my script" in listed
    assert "cron" not in listed
    assert made["secret"] not in listed
    assert digest("tokens", "revoke", "1", "--json").json == {"revoked": 1}
    assert digest("tokens", "list", "--json").json[0]["revoked_at"]
    assert "opens nothing" in digest("tokens", "revoke", "1").out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create", "x", "--scope", "everything"], "There are: read, me:read"),
        (["create", "x", "--scope", "me:read"], "not for the operator's"),
        (["create", "x", "--subscriber", "bo@example.org"], "Nobody is subscribed"),
        (["revoke", "7"], "There is no token 7"),
    ],
)
def test_a_mistake_is_told(digest: Digest, arguments: list[str], says: str) -> None:
    said = digest("tokens", *arguments)
    assert said.code == 2
    assert says in said.err
