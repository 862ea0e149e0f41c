"""The edition: from subscribers who are due to digests in the outbox.

    due | profiles | match | claim | arrange | queue       a batch of subscribers at a time

It matches and composes and never sends; it can be killed at any instant and started again
(guarantee 2): what a batch decided is stored in one transaction that also moves the subscribers
on. Papers are prepared once a window, for everybody. A fault in one profile is stored as that
subscriber's skip and stops nobody else (guarantee 3).
"""

from digest.edition.composing import Composed, Composer

__all__ = ["Composed", "Composer"]
