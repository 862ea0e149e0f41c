"""A library's file, by its ending and by its first characters."""

from __future__ import annotations

from pathlib import Path

from digest.errors import UsageError
from digest.importing.bibtex import read_bibtex
from digest.importing.csl import read_csl
from digest.importing.rdf import read_rdf
from digest.importing.ris import read_ris
from digest.importing.works import Works

MOST_BYTES = 100 * 1024 * 1024
FORMATS = "BibTeX (.bib), RIS (.ris), CSL JSON (.json) and Zotero RDF (.rdf)"


def read_library(path: Path) -> Works:
    """The works of a file; raises UsageError naming file and line where it cannot be read."""
    body = read_file(path)
    kind = path.suffix.lower()
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if kind in (".rdf", ".xml") or (not kind and start == b"<"):
        return read_rdf(body, str(path))
    text = _text(body, path)
    if kind == ".json" or start in (b"[", b"{"):
        return read_csl(text, str(path))
    if kind in (".bib", ".bibtex", ".biblatex") or start in (b"@", b"%"):
        return read_bibtex(text)
    if kind in (".ris", ".txt") or text.lstrip("\ufeff").startswith("TY  -"):
        return read_ris(text)
    raise UsageError(f"{path}: of no format that is read.", mend=f"Those are {FORMATS}.")


def read_file(path: Path) -> bytes:
    """A file's bytes; raises UsageError where it cannot be read or is far too large."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path}: larger than 100 MB.", mend="Export a part of it.")
        return path.read_bytes()
    except OSError as error:
        mend = "Check the name and the permissions."
        raise UsageError(f"{path}: cannot be read ({error.strerror}).", mend=mend) from error


def _text(body: bytes, path: Path) -> str:
    """UTF-8, or Latin-1 as old bibliographies are."""
    if b"\x00" in body[:4096]:
        raise UsageError(f"{path}: this is no text.", mend=f"The formats are {FORMATS}.")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")
