"""Search: every stored paper by keywords and by meaning, with the scores that digests use.

    question | words and names (exact) | likeness (coarse, then fine) | order | one page, told

`Searcher` is the whole door. Nothing here writes but vectors of papers that have none yet.
"""

from digest.searching.asking import Asked, ask
from digest.searching.searcher import Order, Result, Results, Searcher, processors

__all__ = ["Asked", "Order", "Result", "Results", "Searcher", "ask", "processors"]
