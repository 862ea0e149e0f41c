"""One digest, as HTML and as text, word for word; read the difference in review.

REFRESH_GOLDEN=1 pytest tests/rendering/test_golden.py
"""

from __future__ import annotations

import os
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest

from digest.rendering.environment import Templates
from digest.rendering.message import compose_mail
from tests.rendering import samples

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(("kind", "file"), [("plain", "digest.txt"), ("html", "digest.html")])
def test_the_mail_is_as_it_was(kind: str, file: str) -> None:
    payload = compose_mail(samples.letter(), samples.SITE, templates=Templates()).payload
    part = message_from_bytes(payload, policy=SMTP).get_body((kind,))
    assert part is not None
    content = str(part.get_content()).replace("\r\n", "\n")
    if os.environ.get("REFRESH_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / file).write_text(content)
    assert content == (GOLDEN / file).read_text()
