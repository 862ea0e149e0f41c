"""The whole contract, tried with what it allows and what it forbids: never a 5xx, never an answer
that the contract does not promise.

One store for all of it: what one call leaves behind is what the next one meets. The clock goes on
with every call, so that nobody's pace is reached.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, CheckFunction, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from digest.access import OPERATORS, PERSONAL
from digest.model import Scope
from digest.store.database import Database
from digest.web.api.application import ROUTERS
from digest.web.app import create_app
from digest.web.rooms import ApiRates
from tests import queued
from tests.fakes import FrozenClock
from tests.web.conftest import make_rooms
from tests.web.seeds import READER

pytestmark = pytest.mark.slow  # some twenty seconds of making up requests

ALWAYS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
CHECKS = {
    GenerationMode.POSITIVE: ALWAYS,
    GenerationMode.NEGATIVE: (*ALWAYS, negative_data_rejection),
}
OPERATIONS = sorted(
    route.name for each in ROUTERS for route in each.routes if isinstance(route, APIRoute)
)
#: What ends the token it is asked with, leaves the others nothing, or posts to made-up places; the
#: other tests try these.
ENDS = {"revoke_token", "remove_interest", "greet_channel"}
#: What the path names where it is not 1.
THERE = {"show_delivery": 11}
FEW = settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
ONCE = settings(FEW, max_examples=1)
PLENTY = ApiRates(100_000, 100_000, 100_000)


@dataclass(frozen=True)
class Trial:
    """The contract, a secret for each set of scopes, and the time."""

    schema: Any
    secrets: dict[frozenset[Scope], str]
    clock: FrozenClock

    def operation(self, name: str) -> Any:
        return self.schema.find_operation_by_id(name)

    def ask(
        self, case: Case[Any], scopes: frozenset[Scope], checks: Sequence[CheckFunction]
    ) -> None:
        self.clock.tick(seconds=10)
        secret = self.secrets.get(scopes)
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        case.validate_response(case.call(headers=headers), checks=list(checks))


@pytest.fixture(scope="module")
def trial(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    path = tmp_path_factory.mktemp("fuzz") / "digest.db"
    database, clock = Database(f"sqlite:///{shutil.copyfile(seeded, path)}"), FrozenClock()
    queued.fill(database, 3, first=11)
    rooms = make_rooms(database, clock, api=PLENTY)
    sets = [PERSONAL, OPERATORS, *(frozenset({scope}) for scope in Scope)]
    secrets = {
        scopes: rooms.access.grant(
            "fuzz",
            scopes,
            email=READER if any(scope.is_personal for scope in scopes) else None,
            days=0,
        ).secret
        for scopes in sets
    }
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", create_app(rooms))
    rejecting = schema.config.checks.negative_data_rejection
    rejecting.expected_statuses = [*(rejecting.expected_statuses or ()), "413"]
    yield Trial(schema, secrets, clock)
    database.dispose()


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in ENDS])
def test_every_answer_is_promised(trial: Trial, name: str, mode: GenerationMode) -> None:
    operation = trial.operation(name)
    is_wrong = mode is GenerationMode.NEGATIVE
    if is_wrong and not (operation.query or operation.body):
        return  # a path that names nothing can be wrong in one way only, which is a 404
    there = None if is_wrong else {"number": THERE.get(name, 1)}
    whose = OPERATORS if operation.path.startswith("/operator") else PERSONAL

    attempt(trial, operation.as_strategy(mode, path_parameters=there), whose, CHECKS[mode], FEW)


@pytest.mark.parametrize("scope", [None, *Scope])
def test_every_refusal_is_promised(trial: Trial, scope: Scope | None) -> None:
    """Each operation once with a token of each scope, and without one."""
    scopes = frozenset({scope} if scope else ())
    for name in OPERATIONS:
        if name not in ENDS:
            strategy = trial.operation(name).as_strategy(path_parameters={"number": 1})
            attempt(trial, strategy, scopes, ALWAYS, ONCE)


def attempt(
    trial: Trial,
    strategy: SearchStrategy[Case[Any]],
    scopes: frozenset[Scope],
    checks: Sequence[CheckFunction],
    manner: settings,
) -> None:
    """Ask what the strategy gives, as often as `manner` has it."""

    @manner
    @given(strategy)
    def holds(case: Case[Any]) -> None:
        trial.ask(case, scopes, checks)

    holds()
