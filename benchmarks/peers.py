"""Other ways to send the same mail, for comparison: smtplib and its kin, smtp-source, rss2email."""

from __future__ import annotations

import asyncio
import shutil
import smtplib
import subprocess
import tempfile
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from digest.model import Message

SIZE: Final = 40_000
SOURCE = shutil.which("smtp-source") or "/usr/sbin/smtp-source"
R2E = shutil.which("r2e") or ""  #: rss2email, where it is installed


def by_smtplib(port: int, messages: Sequence[Message]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as line:
        for one in messages:
            line.sendmail(one.envelope_from, [one.address], one.payload)


def by_smtplib_and_email(port: int, messages: Sequence[Message]) -> None:
    text = messages[0].payload.partition(b"\r\n\r\n")[2].decode().replace("\r\n", "\n")
    with smtplib.SMTP("127.0.0.1", port) as line:
        for one in messages:
            made = EmailMessage()
            made["From"], made["To"] = one.envelope_from, one.address
            made["Subject"] = "A digest"
            made.set_content(text[: SIZE // 2])
            made.add_alternative(text[SIZE // 2 :], subtype="html")
            line.send_message(made)


def by_aiosmtplib(port: int, messages: Sequence[Message]) -> None:
    import aiosmtplib

    async def send() -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False)
        async with client:
            for one in messages:
                await client.sendmail(one.envelope_from, [one.address], one.payload)

    asyncio.run(send())


def by_rss2email(port: int, count: int) -> None:
    """A feed of `count` entries of the same size, all of them new; includes reading the feed."""
    text = "<p>" + "word " * (SIZE // 5) + "</p>"
    entries = "".join(
        f"<item><title>Paper {n}</title><guid>{n}</guid><link>https://example.org/{n}</link>"
        f"<description><![CDATA[{text}]]></description></item>"
        for n in range(count)
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        feed, config = folder / "feed.xml", folder / "r2e.cfg"
        feed.write_text(f'<rss version="2.0"><channel><title>x</title>{entries}</channel></rss>')
        config.write_text(
            "[DEFAULT]\nfrom = a@example.org\nto = b@example.org\nhtml-mail = True\n"
            "email-protocol = smtp\nsmtp-auth = False\nsmtp-ssl = False\n"
            f"smtp-server = 127.0.0.1\nsmtp-port = {port}\nverbose = error\n"
        )
        command = [R2E, "-c", str(config), "-d", str(folder / "r2e.json")]
        for verb in (["add", "bench", feed.as_uri()], ["run"]):
            subprocess.run([*command, *verb], check=True, stdout=subprocess.DEVNULL)


def by_smtp_source(port: int, count: int) -> None:
    what = ["-d", "-s", "10", "-m", str(count), "-l", str(SIZE)]
    whom = ["-f", "a@example.org", "-t", "b@example.org"]
    subprocess.run([SOURCE, *what, *whom, f"127.0.0.1:{port}"], check=True)
