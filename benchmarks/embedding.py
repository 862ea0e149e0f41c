"""How fast and how large the embedder inside the box is.

    python -m benchmarks.embedding [papers]

Loads the table, then embeds abstracts (whole and sentence by sentence) made of words it knows.
Prints seconds to load, abstracts a second and the peak of resident memory.
"""

from __future__ import annotations

import random
import resource
import sys
from time import perf_counter

STARTED = perf_counter()

from digest.matching.static import sentences, static_embedder  # noqa: E402  # loading is timed

_WORDS = """
    graph neural network protein model training retrieval language image robot policy reward bound
    sparse attention kernel diffusion clinical patient tumour gene expression sampling estimator
    theorem convex quantum noise channel code decoding privacy federated benchmark dataset vision
"""
WORDS = _WORDS.split()


def abstract(rng: random.Random) -> str:
    """About 160 words in eight sentences, the length of an abstract."""
    lines = (" ".join(rng.choices(WORDS, k=20)).capitalize() + "." for _ in range(8))
    return " ".join(lines)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000
    embedder = static_embedder()
    embedder.embed(["ready"])
    loaded = perf_counter() - STARTED
    rng = random.Random(1)
    papers = [["A title of seven words for this", *sentences(abstract(rng))] for _ in range(count)]
    start = perf_counter()
    for at in range(0, count, 500):
        embedder.embed_papers(papers[at : at + 500])
    each = count / (perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{embedder.id}: loaded in {loaded:.2f} s, imports included")
    print(f"{each:,.0f} abstracts a second with their sentences, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
