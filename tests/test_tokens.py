"""Signed links: what they hold, how long they are, and everything that must not open them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from digest.errors import TokenError
from digest.model import DigestId, SubscriberId
from digest.tokens import Purpose, Tokens

OLD, NEW, OTHER = "old key " * 4, "new key " * 4, "another installation's key"
AT = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)

#: Written down when they were signed, under OLD.
EARLIER = [
    (Purpose.UNSUBSCRIBE, "AAc.AOqadQZVdAFVYTKQGqTyXuJRUi0", (7,)),
    (Purpose.DIGEST, "AKwC.TH60ImiRjASAjxazXckhFiXSnQM", (300,)),
    (Purpose.FEEDBACK, "AICAgICAQIWAgICAIA.N78LkchWxAqc2lZnX1-MPHt-59o", (2**41, 2**40 + 5)),
    (Purpose.FEED, "AAcC.WEyL7RhKBJGdifm36VCKgju62Xg", (7, 2)),
    (Purpose.BOUNCE, "dxbaajxdi6pofalcq34kznr4pjzxsk3cadamiby", (123456,)),
    (Purpose.TEAM, "AAk.q0jt9PnAoeSlarb-caP5BIcIAlE", (9,)),
]


@pytest.fixture
def tokens() -> Tokens:
    return Tokens([NEW, OLD])


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("ids", [(), (0,), (1,), (127, 128), (2**42 - 1, 2**42 - 1), (1, 2, 3)])
def test_what_is_signed_can_be_read(tokens: Tokens, purpose: Purpose, ids: tuple[int, ...]) -> None:
    assert tokens.read(purpose, tokens.sign(purpose, *ids)) == ids


@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.BOUNCE])
def test_two_large_ids_fit_a_header_line(tokens: Tokens, purpose: Purpose) -> None:
    token = tokens.sign(purpose, 2**42 - 1, 2**42 - 1)
    assert len(token) <= 46
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)


def test_a_bounce_token_fits_a_mailbox_whatever_becomes_of_its_case(tokens: Tokens) -> None:
    token = tokens.sign(Purpose.BOUNCE, 2**42 - 1)
    assert re.fullmatch(r"[a-z2-7]+", token)
    assert len(f"bounces+{token}") <= 64  # RFC 5321 §4.5.3.1.1
    assert tokens.read(Purpose.BOUNCE, token.upper()) == (2**42 - 1,)


def test_signing_is_deterministic(tokens: Tokens) -> None:
    assert tokens.sign(Purpose.DIGEST, 5) == Tokens([NEW]).sign(Purpose.DIGEST, 5)
    assert tokens.for_mail(SubscriberId(1), DigestId(2)) == tokens.for_mail(
        SubscriberId(1), DigestId(2)
    )


def test_a_mails_tokens_name_whom_and_what(tokens: Tokens) -> None:
    mail = tokens.for_mail(SubscriberId(7), DigestId(42))
    assert tokens.read(Purpose.UNSUBSCRIBE, mail.unsubscribe) == (7,)
    assert tokens.read(Purpose.PREFERENCES, mail.preferences) == (7,)
    assert tokens.read(Purpose.DIGEST, mail.digest) == (42,)
    assert tokens.read(Purpose.FEEDBACK, mail.feedback) == (7, 42)


@pytest.mark.parametrize("digest", [0, 1, 127, 128, 20_000, 2**42])
def test_a_mails_tokens_are_signed_like_any_other(tokens: Tokens, digest: int) -> None:
    for subscriber in (0, 1, 5, 300, 2**21, 2**42 - 1):
        assert tokens.for_mail(SubscriberId(subscriber), DigestId(digest)) == (
            tokens.sign(Purpose.UNSUBSCRIBE, subscriber),
            tokens.sign(Purpose.PREFERENCES, subscriber),
            tokens.sign(Purpose.DIGEST, digest),
            tokens.sign(Purpose.FEEDBACK, subscriber, digest),
        )


def test_old_links_outlive_a_rotation() -> None:
    before = Tokens([OLD]).sign(Purpose.UNSUBSCRIBE, 7)
    assert Tokens([NEW, OLD]).read(Purpose.UNSUBSCRIBE, before) == (7,)
    assert Tokens([NEW, OLD]).sign(Purpose.UNSUBSCRIBE, 7) != before
    with pytest.raises(TokenError):
        Tokens([NEW]).read(Purpose.UNSUBSCRIBE, before)


@pytest.mark.parametrize(
    ("purpose", "token", "ids"),
    EARLIER,
    ids=[purpose for purpose, *_ in EARLIER],
)
def test_links_signed_in_the_earlier_way_still_open(
    tokens: Tokens, purpose: Purpose, token: str, ids: tuple[int, ...]
) -> None:
    assert tokens.read(purpose, token) == ids
    assert tokens.sign(purpose, *ids) != token
    with pytest.raises(TokenError):
        Tokens([OTHER]).read(purpose, token)
    other = Purpose.TEAM if purpose is not Purpose.TEAM else Purpose.SHARED
    with pytest.raises(TokenError):
        tokens.read(other, token)


@pytest.mark.parametrize("other", [p for p in Purpose if p is not Purpose.PREFERENCES])
def test_one_purpose_never_opens_another(tokens: Tokens, other: Purpose) -> None:
    with pytest.raises(TokenError):
        tokens.read(other, tokens.sign(Purpose.PREFERENCES, 7))


def test_every_changed_character_is_noticed(tokens: Tokens) -> None:
    token = tokens.sign(Purpose.FEEDBACK, 123456, 654321)
    for n, character in enumerate(token[:-1]):  # the last holds two spare bits
        changed = token[:n] + ("A" if character != "A" else "B") + token[n + 1 :]
        with pytest.raises(TokenError):
            tokens.read(Purpose.FEEDBACK, changed)


@pytest.mark.parametrize(
    "token",
    ["", ".", "a.b", "é" * 40, "A" * 10_000, "AAc", "AAc.", "AAc.%00", "AAc.\n", "../../etc"],
    ids=["empty", "dot", "short", "letters", "long", "payload", "bare", "percent", "line", "path"],
)
@pytest.mark.parametrize("purpose", [Purpose.UNSUBSCRIBE, Purpose.BOUNCE])
def test_junk_is_refused_politely(tokens: Tokens, purpose: Purpose, token: str) -> None:
    with pytest.raises(TokenError, match="not valid"):
        tokens.read(purpose, token)
    with pytest.raises(TokenError, match="not valid"):
        tokens.read(purpose, tokens.sign(purpose, 7) + token + "!")


def test_another_installations_token_is_refused(tokens: Tokens) -> None:
    with pytest.raises(TokenError):
        tokens.read(Purpose.DIGEST, Tokens([OTHER]).sign(Purpose.DIGEST, 1))


@pytest.mark.parametrize(
    ("age", "opens"),
    [(timedelta(0), True), (timedelta(days=3), True), (timedelta(days=3, minutes=2), False)],
    ids=["at-once", "in-time", "too-late"],
)
def test_a_dated_token_expires(tokens: Tokens, age: timedelta, opens: bool) -> None:
    token = tokens.sign(Purpose.CONFIRM, 7, at=AT)
    limit = timedelta(days=3)
    if opens:
        assert tokens.read(Purpose.CONFIRM, token, now=AT + age, max_age=limit) == (7,)
    else:
        with pytest.raises(TokenError, match="expired"):
            tokens.read(Purpose.CONFIRM, token, now=AT + age, max_age=limit)


def test_an_undated_token_never_passes_for_a_fresh_one(tokens: Tokens) -> None:
    token = tokens.sign(Purpose.CONFIRM, 7)
    with pytest.raises(TokenError):
        tokens.read(Purpose.CONFIRM, token, now=AT, max_age=timedelta(days=3))
    assert tokens.read(Purpose.CONFIRM, tokens.sign(Purpose.CONFIRM, 7, at=AT)) == (7,)


@pytest.mark.parametrize("keys", [[], [""]])
def test_no_key_is_a_fault_that_says_so(keys: list[str]) -> None:
    with pytest.raises(TokenError, match=r"site\.secret_keys"):
        Tokens(keys)


def test_negative_ids_are_a_programmers_fault(tokens: Tokens) -> None:
    with pytest.raises(ValueError, match="negative"):
        tokens.sign(Purpose.DIGEST, -1)
