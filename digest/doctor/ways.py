"""The ways out and in: the mail server, the bounce mailbox, and the pages that readers reach."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from digest.delivery.session import open_session
from digest.doctor.case import Case
from digest.doctor.findings import Finding, fault, note, ok
from digest.errors import DeliveryFault
from digest.post import as_account, bounce_mailbox

PATIENCE = 10.0  #: seconds


def look_at_smtp(case: Case) -> Iterator[Finding]:
    """Reach every account, secure the connection and log in; nothing is sent."""
    smtp = case.settings.delivery.smtp
    for config in (smtp, *smtp.fallbacks):
        account = as_account(config)
        about = f"SMTP {account.place}"
        try:
            session = open_session(account)
        except DeliveryFault as error:
            yield fault(about, error.message, error.mend)
            continue
        session.quit()
        how = "without TLS" if account.security == "none" else "with TLS, certificate checked"
        who = f", logged in as {account.username}" if account.username else ""
        yield ok(about, f"It answers {how}{who}.")


def look_at_bounces(case: Case) -> Iterator[Finding]:
    """Open the bounce mailbox, where there is one; nothing is read."""
    bounces = case.settings.delivery.bounces
    mailbox = bounce_mailbox(bounces)
    if mailbox is None:
        has_webhook = bounces.sns_topics or bounces.sendgrid_key or bounces.mailgun_key
        if not (has_webhook or bounces.postmark_password):
            mend = "Set delivery.bounces, or your sender's reputation suffers unseen."
            yield note("bounces", "What comes back later is not read.", mend)
        return
    with mailbox:
        yield ok("bounces", f"{bounces.imap_folder} on {bounces.imap_host} can be opened.")


def look_at_unsubscribe(case: Case) -> Iterator[Finding]:
    """List-Unsubscribe must be reached by mail providers: over https, from anywhere."""
    base = urlsplit(case.site.base_url)
    if base.scheme != "https":
        mend = "Put a proxy with a certificate in front and set site.base_url to https://…"
        yield fault("List-Unsubscribe", f"{case.site.base_url} is not https.", mend)
    try:
        answer = httpx.get(f"{case.site.base_url}/healthz", timeout=PATIENCE)
    except httpx.HTTPError as error:
        told = f"{case.site.base_url} does not answer from here: {error or type(error).__name__}."
        mend = "Run `digest serve`, and look at the proxy, the DNS and the firewall."
        yield fault("List-Unsubscribe", told, mend)
        return
    if answer.status_code != 200:
        told = f"{case.site.base_url}/healthz answers {answer.status_code}."
        yield fault("List-Unsubscribe", told, "See that the proxy passes everything on to us.")
    elif base.scheme == "https":
        yield ok("List-Unsubscribe", f"{case.site.base_url} answers over https.")
