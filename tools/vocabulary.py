"""The static table's own tokenizer: whole science words, word pieces for the rest, word pairs.

Nothing here comes from another model's vocabulary. A word of arXiv or of the ontologies that is
frequent enough is one token; any other word falls apart into pieces, so that no word is unknown.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, trainers

from digest.matching.static import blank_tokenizer
from digest.matching.tokens import Rows, with_pairs

WORD = re.compile(r"[a-z0-9]+")
UNKNOWN = "[UNK]"
PIECES = 14_000
ARXIV_MINIMUM = 5  #: papers a word must occur in to become a token of its own
TERM_MINIMUM = 4
PAIR_LIMIT = 7_000
PAIR_MINIMUM = 40
COMMON = 8_000  #: a token in more papers than this makes no pair
PAIR_INFORMATION = 1.5  #: pointwise mutual information, nats


class Encoder:
    """Texts as token rows, with the rows of word pairs behind them."""

    def __init__(self, tokenizer: Tokenizer, pairs: NDArray[np.int64] | None = None) -> None:
        self._tokenizer = tokenizer
        self._pairs = np.zeros(0, np.int64) if pairs is None else pairs
        self.words = tokenizer.get_vocab_size()
        self.size = self.words + len(self._pairs)

    def rows(self, texts: Sequence[str]) -> list[Rows]:
        encoded = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [with_pairs(np.array(e.ids, np.int64), self._pairs, self.words) for e in encoded]

    def ragged(self, groups: Sequence[Sequence[str]]) -> list[list[Rows]]:
        flat = iter(self.rows([text for group in groups for text in group]))
        return [[next(flat) for _ in group] for group in groups]


def fold(text: str) -> str:
    """Lower case without diacritics, as the tokenizer's normaliser does."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def document_frequencies(texts: Iterable[str]) -> Counter[str]:
    """How many texts hold each word."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(WORD.findall(fold(text))))
    return counts


def build(arxiv: Counter[str], biology: Counter[str]) -> Tokenizer:
    """A WordPiece tokenizer over both word lists."""
    vocabulary = _pieces(arxiv, biology)
    for word in sorted(arxiv.keys() | biology.keys()):
        frequent = arxiv[word] >= ARXIV_MINIMUM or biology[word] >= TERM_MINIMUM
        long_number = word.isdecimal() and len(word) > 4
        if frequent and not long_number:
            vocabulary.setdefault(word, len(vocabulary))
    return blank_tokenizer(models.WordPiece(vocab=vocabulary, unk_token=UNKNOWN))


def _pieces(arxiv: Counter[str], biology: Counter[str]) -> dict[str, int]:
    trained = blank_tokenizer(models.WordPiece(unk_token=UNKNOWN))
    trainer = trainers.WordPieceTrainer(
        vocab_size=PIECES, min_frequency=5, special_tokens=[UNKNOWN], show_progress=False
    )
    counted = sorted([*arxiv.items(), *biology.items()])
    trained.train_from_iterator((word for word, n in counted for _ in range(min(n, 30))), trainer)
    # Renumbered by name: the trainer's own numbering varies from run to run.
    names = sorted(trained.get_vocab(), key=lambda piece: (piece != UNKNOWN, piece))
    return {name: number for number, name in enumerate(names)}


def frequent_pairs(texts: Sequence[Rows], size: int) -> NDArray[np.int64]:
    """Codes `first * size + second` of the neighbours that say more together, sorted."""
    codes = np.concatenate([t[:-1].astype(np.int64) * size + t[1:] for t in texts if len(t) > 1])
    pairs, counts = np.unique(codes, return_counts=True)
    occurrences = np.bincount(np.concatenate(texts), minlength=size) + 1.0
    spread = np.bincount(np.concatenate([np.unique(text) for text in texts]), minlength=size)
    first, second = np.divmod(pairs, size)
    information = np.log(counts * occurrences.sum() / (occurrences[first] * occurrences[second]))
    good = (counts >= PAIR_MINIMUM) & (information > PAIR_INFORMATION)
    good &= (spread[first] < COMMON) & (spread[second] < COMMON)
    best = np.argsort(-(counts * information * good), kind="stable")[:PAIR_LIMIT]
    return np.sort(pairs[best[good[best]]])


def compact(tokenizer: Tokenizer) -> bytes:
    """The tokenizer as compact JSON."""
    return json.dumps(json.loads(tokenizer.to_str()), separators=(",", ":")).encode()
