"""Subscriptions: coming, changing and going, one at a time or from a file.

    records (checked) | values | planning (pure) | store, in one transaction

`Subscriptions` is the whole door; `formats` reads and writes files. Nothing here sends.
"""

from digest.subscriptions.addresses import masked, normalise
from digest.subscriptions.formats import Format, format_of, read, write
from digest.subscriptions.register import Subscriptions, Usual
from digest.subscriptions.suppression import Suppressions
from digest.subscriptions.transfer import ImportReport, LineFault
from digest.subscriptions.values import write as to_record

__all__ = [
    "Format",
    "ImportReport",
    "LineFault",
    "Subscriptions",
    "Suppressions",
    "Usual",
    "format_of",
    "masked",
    "normalise",
    "read",
    "to_record",
    "write",
]
