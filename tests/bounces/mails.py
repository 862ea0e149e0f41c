"""Mails as they come to a bounce mailbox, written by hand in the shapes that mail systems use."""

from __future__ import annotations


def mail(*headers: str, body: str = "") -> bytes:
    return ("\r\n".join(headers) + "\r\n\r\n" + body.replace("\n", "\r\n")).encode()


def dsn(
    to: str = "bounces@example.org",
    *,
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <ada@example.org>: user unknown",
    recipient: str = "ada@example.org",
) -> bytes:
    """A delivery report as RFC 3464 has it."""
    return mail(
        "Return-Path: <>",
        f"To: {to}",
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>",
        "Subject: Undelivered Mail Returned to Sender",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        body=f"""--b
Content-Type: text/plain

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Fri, 20 Nov 2026 06:00:00 +0000

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}

--b
Content-Type: message/rfc822

From: digest@example.org
To: {recipient}
Subject: Digest

Hello
--b--
""",
    )


def complaint(
    to: str = "abuse@example.org",
    *,
    feedback: str = "abuse",
    sender: str = "<digest@example.org>",
    return_path: str = "<digest@example.org>",
) -> bytes:
    """A complaint as RFC 5965 has it."""
    return mail(
        "Return-Path: <fbl@isp.example.net>",
        f"To: {to}",
        "From: <fbl@isp.example.net>",
        "Subject: FW: Digest",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
        body=f"""--b
Content-Type: text/plain

This is an abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {feedback}
User-Agent: Loop/1.0
Version: 1
Original-Mail-From: {sender}
Original-Rcpt-To: <mallory@example.org>

--b
Content-Type: message/rfc822

Return-Path: {return_path}
From: digest@example.org
Subject: Digest

Hello
--b--
""",
    )


def qmail(to: str = "bounces@example.org") -> bytes:
    """qmail's own form."""
    return mail(
        "Return-Path: <>",
        f"To: {to}",
        "From: MAILER-DAEMON@mail.example.net",
        "Subject: failure notice",
        body="""Hi. This is the qmail-send program at mail.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ada@example.org>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 no such user here
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <digest@example.org>
""",
    )


def away(to: str = "bounces@example.org") -> bytes:
    return mail(
        "Return-Path: <>",
        f"To: {to}",
        "From: ada@example.org",
        "Subject: Out of office: your digest",
        "Auto-Submitted: auto-replied",
        body="I am away until 5.1.1 and will answer then.\n",
    )


def answer(to: str = "bounces@example.org") -> bytes:
    return mail(
        "Return-Path: <ada@example.org>",
        f"To: {to}",
        "From: ada@example.org",
        "Subject: Re: Digest",
        body="Thank you, this was 550 5.1.1 kinds of good.\n",
    )


def unsubscribe(token: str) -> bytes:
    return mail(
        "Return-Path: <ada@example.org>",
        "To: unsubscribe@example.org",
        "From: mallory@example.org",
        f"Subject: unsubscribe {token}",
    )
