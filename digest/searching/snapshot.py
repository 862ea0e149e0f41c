"""An index as a file, so that a command need not read the whole archive to answer one question.

Nothing in it is not in the store as well; a file that is missing, torn or of another program,
database or model counts as none. Written beside its place and moved there whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from digest.model import FetchId, Field
from digest.searching.frame import Frame
from digest.searching.index import Index
from digest.searching.segment import (
    Labels,
    Lists,
    Names,
    Segment,
    StemCounts,
    WholeVectors,
    WordPlaces,
)
from digest.searching.vocabulary import Vocabulary

FORMAT = 2
_LABELS = (Field.CATEGORY, Field.SOURCE)

Arrays = dict[str, NDArray[Any]]


def usual_place(database: str) -> Path | None:
    """The file for a database: where systemd or the user's environment keeps what can be lost.

    None for a user without a home: then nothing is kept.
    """
    name = f"search-{hashlib.sha256(database.encode()).hexdigest()[:16]}.npz"
    if own := os.environ.get("CACHE_DIRECTORY", "").partition(":")[0]:  # CacheDirectory= of a unit
        return Path(own) / name
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return folder / "paper-digest" / name


def save(path: Path, index: Index, mark: str) -> None:
    """Write the index; a folder that cannot be written to is no fault, only a slower next time."""
    arrays: Arrays = {"mark": _packed([mark]), "version": np.array(index.version)}
    arrays["segments"] = np.array(len(index.segments))
    arrays |= {f"frame.{name}": value for name, value in _frame_arrays(index.frame).items()}
    for number, segment in enumerate(index.segments):
        arrays |= {f"{number}.{name}": value for name, value in _segment_arrays(segment).items()}
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()


def load(path: Path, mark: Callable[[FetchId], str]) -> Index | None:
    """The index that was saved, if `mark` of its version is what it was saved under."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            version = FetchId(int(arrays["version"]))
            if _texts(arrays["mark"]) != [mark(version)]:
                return None
            numbers = range(int(arrays["segments"]))
            segments = tuple(_segment(_Under(arrays, f"{number}.")) for number in numbers)
            return Index(segments, _frame(_Under(arrays, "frame.")), version)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


class _Under:
    """The arrays whose names begin so."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], start: str) -> None:
        self._arrays = arrays
        self._start = start

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[self._start + name]

    def get(self, name: str) -> NDArray[Any] | None:
        return self._arrays.get(self._start + name)


def _frame_arrays(frame: Frame) -> Arrays:
    arrays: Arrays = {
        "model": _packed([frame.model]),
        "mean": frame.mean,
        "basis": frame.basis,
        "sample": frame.sample,
        "parts": frame.parts.astype(np.float16),
        "starts": frame.starts,
    }
    return arrays if frame.frequencies is None else arrays | {"frequencies": frame.frequencies}


def _frame(arrays: _Under) -> Frame:
    return Frame(
        model=_texts(arrays["model"])[0],
        mean=arrays["mean"],
        basis=arrays["basis"],
        frequencies=arrays.get("frequencies"),
        sample=arrays["sample"],
        parts=arrays["parts"].astype(np.float32),
        starts=arrays["starts"],
    )


def _segment_arrays(segment: Segment) -> Arrays:
    words, stems, authors = segment.words, segment.stems, segment.authors
    arrays: Arrays = {
        "ids": segment.ids,
        "days": segment.days,
        "votes": segment.votes,
        "lengths": segment.lengths,
        "alive": segment.alive,
        "surfaces": _packed(words.vocabulary.surfaces),
        "keys": _packed(words.vocabulary.keys),
        "stream": words.stream,
        "begins": words.begins,
        "titles": words.title_words,
        "pairs": words.pairs,
        "stems": _packed(stems.stems),
        "times": stems.times,
        "names": _packed(authors.names),
        "name_words": _packed(authors.words),
        "coarse": segment.vectors.coarse,
        "fine": segment.vectors.fine,
        "scales": segment.vectors.scales,
    }
    lists = {"places": words.places, "rows": stems.rows, "owners": authors.rows}
    lists["holders"] = authors.holders
    for field in _LABELS:
        arrays[f"{field}.names"] = _packed(segment.labels[field].names)
        lists[f"{field}.rows"] = segment.labels[field].rows
    for name, one in lists.items():
        arrays |= {f"{name}.starts": one.starts, f"{name}.values": one.values}
    return arrays


def _segment(arrays: _Under) -> Segment:
    vocabulary = Vocabulary(_texts(arrays["surfaces"]), _texts(arrays["keys"]))
    return Segment(
        ids=arrays["ids"],
        days=arrays["days"],
        votes=arrays["votes"],
        lengths=arrays["lengths"],
        alive=arrays["alive"],
        words=WordPlaces(
            vocabulary=vocabulary,
            stream=arrays["stream"],
            begins=arrays["begins"],
            title_words=arrays["titles"],
            places=_lists(arrays, "places"),
            pairs=arrays["pairs"],
        ),
        stems=StemCounts(_texts(arrays["stems"]), _lists(arrays, "rows"), arrays["times"]),
        authors=Names(
            names=_texts(arrays["names"]),
            rows=_lists(arrays, "owners"),
            words=_texts(arrays["name_words"]),
            holders=_lists(arrays, "holders"),
        ),
        labels={
            field: Labels(_texts(arrays[f"{field}.names"]), _lists(arrays, f"{field}.rows"))
            for field in _LABELS
        },
        vectors=WholeVectors(arrays["coarse"], arrays["fine"], arrays["scales"]),
    )


def _lists(arrays: _Under, name: str) -> Lists:
    return Lists(arrays[f"{name}.starts"], arrays[f"{name}.values"])


def _packed(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Texts without line ends as one array of bytes."""
    return np.frombuffer("\n".join([*texts, ""]).encode("utf-8", "surrogatepass"), np.uint8)


def _texts(packed: NDArray[Any]) -> list[str]:
    return packed.tobytes().decode("utf-8", "surrogatepass").split("\n")[:-1]
