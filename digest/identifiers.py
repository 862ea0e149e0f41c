"""One canonical spelling for each thing that names a paper: arXiv id, DOI, PMID, address.

The store's keys are built from these (guarantee 4), and every link a reader sees passed `safe_url`
(guarantee 7). Pure and linear; nothing here asks a resolver.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from digest.symbols import words

_NEW_ID = r"(?P<new>(?:0[7-9]|[1-9]\d)(?:0[1-9]|1[0-2])\.\d{4,5})(?![\d.]\d)"
_OLD_ID = r"(?P<old>[a-z][a-z-]{1,15})(?:\.[a-z]{2})?/(?P<number>\d{7})(?!\d)"
_VERSION = r"(?:v(?P<version>[1-9]\d{0,2}))?(?![\w])"
_ARXIV = re.compile(rf"(?:{_NEW_ID}|{_OLD_ID}){_VERSION}", re.IGNORECASE)
_ARXIV_PLACE = re.compile(
    r"(?:arxiv\.org/(?:abs|pdf|html|ps|format|e-print|src)/|oai:arxiv\.org:|10\.48550/arxiv\."
    r"|huggingface\.co/papers/|alphaxiv\.org/(?:abs|overview)/|(?<![\w.])arxiv\s?:\s?)",
    re.IGNORECASE,
)
_DOI = re.compile(r"(?<![\d.])10\.\d{4,9}/[^\s\"<>\\^`{|}]{1,400}")
_PREPRINT_VERSION = re.compile(r"(?<=\d)v\d{1,3}(?:[./?#].*)?$")
_PMID = re.compile(
    r"(?:pmid\s*[:=]?\s*|pubmed:|pubmed\.ncbi\.nlm\.nih\.gov/|ncbi\.nlm\.nih\.gov/pubmed/)"
    r"(?P<id>\d{1,9})(?!\d)",
    re.IGNORECASE,
)


def arxiv_id(text: str) -> tuple[str, int | None] | None:
    """The arXiv id without version, and the version where one is given.

    Found bare (the whole of `text`) or behind a mark of arXiv's: an address, `arXiv:`, `oai:`, the
    DOI prefix 10.48550. The old `math.GT/0309136` is `math/0309136`, as arXiv itself files it.
    """
    text = text.strip()
    found = _ARXIV.fullmatch(text)
    place = None if found else _ARXIV_PLACE.search(text)
    if place:
        found = _ARXIV.match(text, place.end())
    if not found:
        return None
    name = found["new"] or f"{found['old'].lower()}/{found['number']}"
    return name, int(found["version"]) if found["version"] else None


def doi(text: str) -> str | None:
    """The first DOI in `text`, lower case, without resolver, version suffix or sentence marks."""
    if "%2" in text:
        text = unquote(text)
    found = _DOI.search(text)
    if not found:
        return None
    name = found[0].lower()
    if "://" in text[: found.start()]:
        name = re.split(r"[?#&]", name, maxsplit=1)[0]
    if name.startswith(("10.1101/", "10.64898/")):
        name = _PREPRINT_VERSION.sub("", name)
    return _unpunctuated(name)


def _unpunctuated(name: str) -> str | None:
    """Without what closes the sentence or the bracket around the DOI, not the DOI itself."""
    while name and (name[-1] in ".,;:'*!?/" or (name[-1] in ")]" and _unopened(name))):
        name = name[:-1]
    return name if name.partition("/")[2] else None


def _unopened(name: str) -> bool:
    opener, closer = ("(", ")") if name[-1] == ")" else ("[", "]")
    return name.count(closer) > name.count(opener)


def pmid(text: str) -> str | None:
    """The PubMed id behind a mark of PubMed's (`pmid:`, `pubmed:`, an address), as digits."""
    found = _PMID.search(text)
    return str(int(found["id"])) if found and int(found["id"]) else None


# --- addresses ----------------------------------------------------------------------------------

_LONGEST_URL = 2048
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
_TRACKING = words(
    "fbclid gclid dclid msclkid yclid igshid mc_cid mc_eid _hsenc _hsmi mkt_tok rss af dgcid "
    "ref_src cmpid spm"
)
_PUBMED_TRACKING = frozenset({"fc", "ff", "v"})
_URL_SAFE = "!$%&'()*+,-./:;=?@_~[]"
_HOST = re.compile(r"[\w.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]")


def safe_url(url: str) -> str | None:
    """An address fit for a link: http or https, percent-encoded, no login; otherwise None."""
    parts = _split(url)
    if parts is None:
        return None
    scheme, host, path, query, fragment = parts
    tail = f"?{query}" if query else ""
    return _short(f"{scheme}://{host}{path}{tail}" + (f"#{fragment}" if fragment else ""))


def canonical_url(url: str) -> str | None:
    """An address fit for a key: as `safe_url`, without fragment and tracking parameters."""
    parts = _split(url)
    if parts is None:
        return None
    scheme, host, path, query, _ = parts
    query = _untracked(query, host)
    return _short(f"{scheme}://{host}{path}" + (f"?{query}" if query else ""))


def _split(url: str) -> tuple[str, str, str, str, str] | None:
    url = re.sub(r"[\t\r\n]", "", url.strip())
    if len(url) > _LONGEST_URL or _CONTROL.search(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme.lower(), (parts.hostname or "").rstrip(".").lower()
    host = f"[{host}]" if ":" in host else host
    if scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return None
    if port and port != {"http": 80, "https": 443}[scheme]:
        host = f"{host}:{port}"
    path, query, fragment = (
        quote(part, safe=_URL_SAFE) for part in (parts.path or "/", parts.query, parts.fragment)
    )
    return scheme, host, path, query, fragment


def _untracked(query: str, host: str) -> str:
    extra = _PUBMED_TRACKING if host == "pubmed.ncbi.nlm.nih.gov" else frozenset()
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _is_tracking(name.lower(), extra)]
    return query if len(kept) == len(pairs) else urlencode(kept)


def _is_tracking(name: str, extra: frozenset[str]) -> bool:
    return name.startswith("utm_") or name in _TRACKING or name in extra


def _short(url: str) -> str | None:
    return url if len(url) <= _LONGEST_URL else None
