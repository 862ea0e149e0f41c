"""In CI a skipped test is a failure, however many processes run the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PASSES = "def test_one(): pass\n\ndef test_two(): pass\n"
SKIPS_ONE = "import pytest\n\ndef test_it(): pytest.skip('no browser')\n"
SKIPS_ALL = "import pytest\n\npytest.skip('no server', allow_module_level=True)\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("processes", "other", "expected"),
    [("2", PASSES, 0), ("2", SKIPS_ONE, 1), ("2", SKIPS_ALL, 1), ("0", SKIPS_ALL, 1)],
)
def test_a_skip_fails_the_run(tmp_path: Path, processes: str, other: str, expected: int) -> None:
    (tmp_path / "test_passes.py").write_text(PASSES)
    (tmp_path / "test_other.py").write_text(other)
    plugins = ["-p", "no:cacheprovider", "-p", "xdist.plugin", "-p", "tests.house.no_skips"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *plugins,
            "-n",
            processes,
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected, done.stdout
    assert ("a failure in CI" in done.stdout) == bool(expected)
