"""The seam of meaning: what matching needs of an embedder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  #: shape (texts, dimensions), rows of unit length (or all zero)


class Embedder(Protocol):
    """Turns texts into vectors.

    `id` names model and version; vectors of two ids are never compared, and it is stored beside
    every vector. `embed` returns float32 of shape (len(texts), dimensions), L2-normalised; an empty
    text gives a zero row. Raises errors.DigestError naming the mend when the model cannot be used.
    """

    @property
    def id(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors: ...
