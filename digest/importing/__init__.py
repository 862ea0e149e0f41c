"""Importing: what a reader already has elsewhere becomes an interest with examples, or sources.

    file or service | works (the reader of its format) | choose | enrich from the store | interest

A library of papers makes several points of interest, never one blurred mean. `libraries` is the
door for interests, `opml` reads lists of feeds. Nothing is stored but the interest.
"""

from digest.importing.libraries import Imported, Importer
from digest.importing.works import Work, Works

__all__ = ["Imported", "Importer", "Work", "Works"]
