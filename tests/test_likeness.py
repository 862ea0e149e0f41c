"""How an installation measures likeness: models that come and go, and what they keep."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.cli import main
from digest.config.sections import EndpointSection, MatchingSection
from digest.errors import ConfigError
from digest.ingest import ingest
from digest.likeness import Likeness
from digest.matching.bert import installed_minilm
from digest.matching.hybrid import HybridScorer
from digest.matching.lexical import LexicalScorer
from digest.model import PaperId
from digest.store.database import Database
from digest.store.papers import PaperStore
from digest.store.schema import migrate
from tests import builders
from tests.fakes import FrozenClock, ScriptedSource
from tests.tiny_models import bert_folder

WORDS = ("lamp", "moss", "tide", "gull", "rope", "mast", "fog", "sail")


def settings(**fields: Any) -> MatchingSection:
    return MatchingSection(**{"second_stage": "off", **fields})


def store_papers(database: Database, count: int, *, clock: FrozenClock) -> None:
    listings = [
        builders.listing(
            number + 1,
            title=f"On {WORDS[number % 8]} and {WORDS[number % 7]} {number}",
            abstract=f"We study {WORDS[number % 5]}, {WORDS[number % 3]} and case {number}.",
            announced_at=clock(),
        )
        for number in range(count)
    ]
    ingest([ScriptedSource(answers=[listings])], PaperStore(database), clock=clock, deadline=60)


@pytest.fixture
def stored(database: Database) -> Database:
    store_papers(database, 210, clock=FrozenClock(datetime(2026, 11, 13, 5, tzinfo=UTC)))
    return database


AT = datetime(2026, 11, 18, 7, tzinfo=UTC)  # the Wednesday after


def rows(database: Database, table: str) -> int:
    counted = sa.select(sa.func.count()).select_from(SQLModel.metadata.tables[table])
    with database.read() as connection:
        return int(connection.execute(counted).scalar_one())


def test_what_was_measured_is_not_measured_again(stored: Database) -> None:
    asked = [builders.interest(1, query="", statement="moss and ropes of ships")]
    papers = [builders.paper(9_001, title="Moss on ropes")]
    found = []
    for _ in range(2):
        likeness = Likeness(settings(), stored)
        scorer = likeness.scorer(likeness.background(AT.date()))
        assert isinstance(scorer, HybridScorer)
        found.append(scorer.score(asked, scorer.prepare(papers)).values[0, 0])
        assert rows(stored, "calibration") == 5  # two of the interest, and three of the background
        assert rows(stored, "paper_vector") == 210  # what is not stored has none
    assert found[0] == found[1]


def test_the_background_stays_from_monday_to_sunday(stored: Database) -> None:
    store_papers(stored, 260, clock=FrozenClock(datetime(2026, 11, 17, 5, tzinfo=UTC)))
    likeness = Likeness(settings(), stored)
    days = [date(2026, 11, 16) + timedelta(days=number) for number in range(8)]
    sizes = [len(likeness.background(day)) for day in days]
    assert sizes == [210] * 7 + [260]


def test_a_young_installation_takes_what_there_is(stored: Database) -> None:
    assert len(Likeness(settings(), stored).background(date(2026, 11, 13))) == 210


def test_what_was_measured_needs_no_paper_of_the_background(stored: Database) -> None:
    likeness = Likeness(settings(), stored)
    background = likeness.background(AT.date())
    scorer = likeness.scorer(background)
    assert isinstance(scorer, HybridScorer)
    asked = [builders.interest(1, query="", statement="moss and ropes of ships")]
    papers = [builders.paper(9_001, title="Moss on ropes")]
    expected = scorer.score(asked, scorer.prepare(papers))
    with stored.write() as connection:  # nobody could read them any more
        connection.exec_driver_sql("UPDATE paper SET title = 'gone', abstract = 'gone'")
    again = likeness.scorer(likeness.background(AT.date()))
    assert isinstance(again, HybridScorer)
    assert again.id == scorer.id
    scores = again.score(asked, again.prepare(papers))
    assert scores.values.tolist() == expected.values.tolist()
    assert scores.share.tolist() == expected.share.tolist()


def test_a_paper_purged_since_it_was_named_says_nothing(stored: Database) -> None:
    likeness = Likeness(settings(), stored)
    background = likeness.background(AT.date())
    with stored.write() as connection:
        connection.exec_driver_sql("DELETE FROM sighting WHERE paper_id = 7")
        connection.exec_driver_sql("DELETE FROM paper WHERE id = 7")
    scorer = likeness.scorer(background)
    assert isinstance(scorer, HybridScorer)
    asked = [builders.interest(1, query="", statement="moss and ropes of ships")]
    scores = scorer.score(asked, scorer.prepare([builders.paper(9_001, title="Moss on ropes")]))
    assert np.isfinite(scores.values).all()


def test_words_alone_need_no_model(stored: Database) -> None:
    likeness = Likeness(settings(embedder="lexical"), stored)
    assert isinstance(likeness.scorer([]), LexicalScorer)
    assert (likeness.missing(), likeness.models()) == ([], [])


def test_embedding_anew_can_be_interrupted(stored: Database, tmp_path: Path) -> None:
    first = Likeness(settings(), stored)
    first.embed(first.missing(), progress=lambda done: None)
    assert first.missing() == []

    other = Likeness(settings(embedder=f"bert:{bert_folder(tmp_path)}"), stored)
    missing = other.missing()
    assert len(missing) == 210
    assert missing == sorted(missing, reverse=True)
    heard: list[int] = []

    def impatient(done: int) -> None:
        heard.append(done)
        if sum(heard) >= 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        other.embed(missing, progress=impatient)
    left = other.missing()
    assert 0 < len(left) == 210 - sum(heard)
    other.embed(left, progress=heard.append)
    assert (other.missing(), sum(heard)) == ([], 210)
    assert rows(stored, "paper_vector") == 420
    assert other.vectors.forget(but=other.models()) == 210
    assert len(first.missing()) == 210


def test_the_second_stage_comes_and_goes(stored: Database, tmp_path: Path) -> None:
    asked = [builders.interest(1, query="", statement="moss and ropes of ships")]
    papers = [builders.paper(number, title=f"Moss {number}") for number in range(9_001, 9_006)]
    shares = []
    for stage in ("off", f"bert:{bert_folder(tmp_path)}", "off"):
        matcher = Likeness(settings(second_stage=stage), stored).matcher(AT)
        scores = matcher.scorer.score(asked, matcher.scorer.prepare(papers))
        shares.append(sorted(scores.share[0].tolist()))
    assert shares[0] == shares[1] == shares[2]
    second = Likeness(settings(second_stage=f"bert:{tmp_path}"), stored).second
    assert second is not None
    assert PaperId(1) not in Likeness(settings(), stored).vectors.missing(second.id)


def test_auto_uses_what_is_installed(stored: Database) -> None:
    second = Likeness(settings(second_stage="auto"), stored).second
    assert (second is not None) == (installed_minilm() is not None)


def test_what_cannot_work_names_its_key(stored: Database, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"matching\.second_stage"):
        _ = Likeness(settings(second_stage=f"onnx:{tmp_path}"), stored).second
    endpoint = EndpointSection(url="https://models.example.org/v1")
    asking = settings(embedder="openai:small", endpoint=endpoint)
    with pytest.raises(ConfigError, match="statements_leave = true"):
        _ = Likeness(asking, stored).embedder


def test_the_command_embeds_what_is_missing_and_drops_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"sqlite:///{tmp_path / 'digest.db'}"
    database = Database(address)
    migrate(database)
    store_papers(database, 5, clock=FrozenClock())
    first = Likeness(settings(embedder=f"bert:{bert_folder(tmp_path)}"), database)
    first.embed(first.missing(), progress=lambda done: None)
    config = tmp_path / "config.toml"
    config.write_text(
        '[site]\noperator_email = "ada@example.org"\nsecret_keys = ["' + "k" * 43 + '"]\n'
        f'[database]\nurl = "{address}"\n[matching]\nsecond_stage = "off"\n'
    )
    told = []
    for options in ([], ["--prune", "--json"]):
        assert main(["--config", str(config), "embed", *options]) == 0
        told.append(capsys.readouterr().out)
    database.dispose()
    assert told[0].startswith("5 papers embedded by static-")
    assert json.loads(told[1]) | {"models": []} == {"models": [], "embedded": 0, "dropped": 5}
