"""What `deploy/` says must be true of the program: commands, keys and figures that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from digest.cli.entry import app
from digest.config.settings import NESTING, PREFIX, Settings
from digest.metrics import SETTLED
from digest.searching.snapshot import usual_place

DEPLOY = Path(__file__).parents[2] / "deploy"
TEXTS = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file() and path.suffix != ".md"]
YAML = [path for path in TEXTS if path.suffix in (".yaml", ".yml")]


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(DEPLOY)) for path in paths]


CALL = re.compile(r'(?:bin/digest|exec digest|run: digest|"digest",) "?([a-z-]+)')


def test_every_command_exists() -> None:
    commands = {command.name for command in app.registered_commands}
    called = {one for path in TEXTS for one in CALL.findall(path.read_text())}
    assert {"serve", "web", "scheduler", "worker", "migrate", "run"} <= called
    assert called <= commands


@pytest.mark.parametrize("path", TEXTS, ids=names(TEXTS))
def test_every_key_in_the_environment_exists(path: Path) -> None:
    for variable in re.findall(r"\b(?:DIGEST|digest)_(\w+__\w+)", path.read_text()):
        keys = variable.lower().split(NESTING.lower())
        model: Any = Settings
        for key in keys:
            assert key in model.model_fields, f"{PREFIX}{variable} in {path.name}"
            model = model.model_fields[key].annotation


@pytest.mark.parametrize("path", YAML, ids=names(YAML))
def test_it_is_yaml(path: Path) -> None:
    assert yaml.safe_load(path.read_text())


def figures() -> Iterator[str]:
    for path in (DEPLOY / "prometheus/alerts.yml", DEPLOY / "grafana/dashboard.json"):
        yield from re.findall(r"\bdigest_\w+", path.read_text())


def test_every_figure_that_is_watched_is_given() -> None:
    source = (DEPLOY.parent / "digest/metrics.py").read_text()
    given = {f"digest_{name}" for name in re.findall(r'(?:_gauge|_by)\(\s*"(\w+)"', source)}
    given |= set(re.findall(r'"(digest_\w+)"', source)) | {"digest_source_verdict"}
    series = {f"{name}_{part}" for name in given for part in ("sum", "count", "bucket", "total")}
    assert set(figures()) <= given | series


def expressions() -> list[str]:
    """What Prometheus is asked: by the rules and by the dashboard."""
    rules = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    board = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    drawn = [one["expr"] for panel in board["panels"] for one in panel["targets"]]
    return [*(rule["expr"] for rule in rules), *drawn]


@pytest.mark.parametrize("expression", expressions())
def test_prometheus_understands_what_it_is_asked(expression: str) -> None:
    assert promql_parser.parse(expression)
    assert set(re.findall(r'state="(\w+)"', expression)) <= set(SETTLED)


def test_the_dashboard_is_json() -> None:
    board = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    assert all(panel["targets"] for panel in board["panels"])


def judged(program: str, *arguments: str | Path) -> tuple[str, int]:
    """What one of the tools beside our interpreter says of a file, and how it ends."""
    command = [Path(sys.executable).parent / program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, done.returncode


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert judged("hadolint", "--no-color", DEPLOY / "Dockerfile") == ("", 0)


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-workflows", "github-actions/digest.yml"),
        ("vendor.compose-spec", "compose.yaml"),
        ("vendor.compose-spec", "compose.postgres.yaml"),
    ],
)
def test_it_keeps_to_the_schema_of_its_kind(schema: str, path: str) -> None:
    said, code = judged("check-jsonschema", "--builtin-schema", schema, DEPLOY / path)
    assert code == 0, said


def test_kubernetes_would_take_every_resource(tmp_path: Path) -> None:
    items = yaml.safe_load((DEPLOY / "kubernetes/paper-digest.yaml").read_text())["items"]
    apart = tmp_path / "apart.yaml"
    apart.write_text(yaml.safe_dump_all(items))
    said, code = judged("kubernetes-validate", "--strict", apart)
    assert (code, said.count("passed"), "WARN" in said) == (0, len(items), False), said


def test_the_kubernetes_list_mounts_what_it_names() -> None:
    items = yaml.safe_load((DEPLOY / "kubernetes/paper-digest.yaml").read_text())["items"]
    pods = [item["spec"]["template"]["spec"] for item in items if "template" in item["spec"]]
    claims = {"spool"}
    for pod in pods:
        there = {volume["name"] for volume in pod["volumes"]} | claims
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= there
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True


def test_what_search_keeps_lies_where_the_units_let_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for unit in (DEPLOY / "systemd").glob("*.service"):
        assert "\nCacheDirectory=paper-digest\n" in unit.read_text()
    monkeypatch.setenv("CACHE_DIRECTORY", "/var/cache/paper-digest")
    place = usual_place("sqlite:///digest.db")
    assert place is not None
    assert place.parent == Path("/var/cache/paper-digest")


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    program = tmp_path / "digest"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in (DEPLOY / "systemd").iterdir():
        text = unit.read_text().replace("/opt/paper-digest/bin/digest", str(program))
        (tmp_path / unit.name).write_text(text)
    units = sorted(
        str(path) for path in tmp_path.iterdir() if path.suffix in (".service", ".timer")
    )
    done = subprocess.run([verify, "verify", *units], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if "paper-digest" in line]
    assert (said, done.returncode) == ([], 0)
