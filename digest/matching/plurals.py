"""English plurals as a reader of papers expects them: model and models are one word.

Both spellings are brought to one key, so a key need not be a word ("movy"); what matters is which
words share it. It is not a stemmer: model and modelling, logistics and logistic stay apart.
"""

from __future__ import annotations

import re

_ACRONYMS = re.compile(r"[A-Z][A-Z0-9]+s")  # GPUs, LLMs, APIs, A100s

_IRREGULAR = {
    plural: singular
    for singular, plurals in {
        "analysis": "analyses",
        "appendix": "appendices",
        "automaton": "automata",
        "axis": "axes",
        "bacterium": "bacteria",
        "basis": "bases",
        "bias": "biases",
        "bus": "buses busses",
        "cheese": "cheeses",
        "child": "children",
        "corpus": "corpora corpuses",
        "criterion": "criteria",
        "crisis": "crises",
        "curriculum": "curricula",
        "diagnosis": "diagnoses",
        "fibrosis": "fibroses",
        "focus": "foci focuses",
        "foot": "feet",
        "formula": "formulae",
        "fungus": "fungi",
        "ganglion": "ganglia",
        "genus": "genera",
        "goose": "geese",
        "half": "halves",
        "helix": "helices",
        "index": "indices",
        "iris": "irises",
        "knife": "knives",
        "larva": "larvae",
        "leaf": "leaves",
        "life": "lives",
        "locus": "loci",
        "loaf": "loaves",
        "louse": "lice",
        "man": "men",
        "matrix": "matrices",
        "maximum": "maxima",
        "medium": "media",
        "metamorphosis": "metamorphoses",
        "metastasis": "metastases",
        "minimum": "minima",
        "mitochondrion": "mitochondria",
        "mitosis": "mitoses",
        "mouse": "mice",
        "neurosis": "neuroses",
        "nucleus": "nuclei",
        "optimum": "optima",
        "phenomenon": "phenomena",
        "polyhedron": "polyhedra",
        "prognosis": "prognoses",
        "psychosis": "psychoses",
        "quantum": "quanta",
        "quiz": "quizzes",
        "radius": "radii",
        "scarf": "scarves",
        "schema": "schemata",
        "self": "selves",
        "shelf": "shelves",
        "simplex": "simplices",
        "spectrum": "spectra",
        "stasis": "stases",
        "stenosis": "stenoses",
        "stimulus": "stimuli",
        "stratum": "strata",
        "symbiosis": "symbioses",
        "symposium": "symposia",
        "thesis": "theses",
        "thief": "thieves",
        "thrombosis": "thromboses",
        "tooth": "teeth",
        "vertebra": "vertebrae",
        "vertex": "vertices",
        "vortex": "vortices",
        "wife": "wives",
        "wolf": "wolves",
        "woman": "women",
        # a regular plural that the rules below would take for a singular, and the reverse
        "alias": "aliases",
        "api": "apis",
        "atlas": "atlases",
        "canvas": "canvases",
        "cpu": "cpus",
        "gas": "gases gasses",
        "gpu": "gpus",
        "gui": "guis",
        "lens": "lenses",
        "menu": "menus",
        "npu": "npus",
        "pancreas": "pancreases",
        "plus": "pluses",
        "roi": "rois",
        "shoe": "shoes",
        "taxi": "taxis",
        "tpu": "tpus",
        "use": "uses",
        "abuse": "abuses",
        "fuse": "fuses",
        "misuse": "misuses",
        "reuse": "reuses",
    }.items()
    for plural in plurals.split()
}
_NEVER_PLURAL = """
    aids always caries christmas diabetes does has herpes kansas news perhaps rabies sars scabies
    series species texas these towards was whereas
"""
_SINGULAR = frozenset(_IRREGULAR.values()) | frozenset(_NEVER_PLURAL.split())
#: words in -ics that are plurals; the others name a field (physics, logistics, genetics)
_PLURAL_ICS = """
    academics antibiotics basics ceramics characteristics classics clinics comics critics
    diagnostics epidemics epics fabrics generics heuristics lyrics metrics mosaics narcotics
    pandemics plastics probiotics relics statistics tactics topics
"""
_ICS = frozenset(_PLURAL_ICS.split())
#: endings that take -es, longest first: what to cut, and what to put there
_ENDINGS = (
    ("sses", "ss"),
    ("shes", "sh"),
    ("zzes", "zz"),
    ("xes", "x"),
    ("eses", "esis"),  # hypotheses
    ("yses", "ysis"),  # paralyses
    ("uses", "us"),  # viruses
    ("oes", "o"),
    ("ches", "ch"),
    ("che", "ch"),  # caches and cache meet searches and search halfway
    ("ies", "y"),
    ("ie", "y"),  # movies and movie
)
_UNTOUCHED = ("ss", "us", "is")
_LAST = "se"  #: letters of words that may become others by a rule


def singular(word: str) -> str:
    """The key that a word and its plural share; `word` without accents, case as written."""
    lower = word.casefold()
    if lower[-1:] not in _LAST:
        return _IRREGULAR.get(lower, lower)
    if _ACRONYMS.fullmatch(word):
        return lower[:-1]
    if lower in _IRREGULAR:
        return _IRREGULAR[lower]
    if len(lower) < 4 or lower in _SINGULAR or not lower.isalpha() or not lower.isascii():
        return lower
    return _by_ending(lower)


def _by_ending(word: str) -> str:
    if word.endswith(_UNTOUCHED):
        return word
    if word.endswith("ics"):
        return word[:-1] if word in _ICS else word
    if word.endswith(("auses", "ouses")):  # causes, houses: not as viruses
        return word[:-1]
    for ending, key in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            return word[: -len(ending)] + key
    return word[:-1] if word.endswith("s") else word
