"""Libraries that live elsewhere: Zotero, ORCID and arXiv's author pages, read politely, once.

    https://www.zotero.org/support/dev/web_api/v3/basics
    https://info.orcid.org/documentation/api-tutorials/
    https://info.arxiv.org/help/author_identifiers.html

What goes wrong is told as a fault of the set-up: which service, and what to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

from digest.errors import UsageError
from digest.importing.csl import read_items
from digest.importing.works import Work, Works, work
from digest.sources.arxiv_entries import parse_arxiv
from digest.sources.http import Fault, Fetcher, Response

ZOTERO = "https://api.zotero.org"
ORCID = "https://pub.orcid.org"
ARXIV = "https://arxiv.org"
MOST = 2_000  #: works of one library
_PAGE = 100
_ORCID = re.compile(r"(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dXx])")
_ARXIV_AUTHOR = re.compile(r"[a-z][a-z-]*_[a-z](?:_[a-z])*_\d+", re.IGNORECASE)
_LIBRARY = re.compile(r"(?:(users|groups)/)?(\d+)(?:/collections/([A-Z0-9]{8}))?")


class Services:
    """The services, through the one polite client; the addresses can be replaced for trials."""

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        zotero: str = ZOTERO,
        orcid: str = ORCID,
        arxiv: str = ARXIV,
    ) -> None:
        self._fetcher = fetcher
        self._zotero = zotero
        self._orcid = orcid
        self._arxiv = arxiv

    # --- Zotero -----------------------------------------------------------------------------------

    def zotero(self, library: str, *, key: str = "") -> Works:
        """The newest works of a library: `475425`, `groups/12`, or one of its collections.

        `key` opens a private one; it is made at zotero.org/settings/keys.
        """
        wanted = _LIBRARY.fullmatch(library.strip().strip("/"))
        if wanted is None:
            mend = "Give the number of zotero.org/settings/keys, groups/NUMBER, or a file."
            raise UsageError(f"{library!r} is no Zotero library and no file.", mend=mend)
        collection = f"/collections/{wanted[3]}" if wanted[3] else ""
        base = f"{self._zotero}/{wanted[1] or 'users'}/{wanted[2]}{collection}/items/top"
        works: list[Work] = []
        faults: list[str] = []
        for page in self._zotero_pages(base, key):
            works += page.works
            faults += page.faults
        return Works(tuple(works[:MOST]), tuple(faults))

    def _zotero_pages(self, base: str, key: str) -> Iterator[Works]:
        for start in count(0, _PAGE):
            asked: dict[str, str | int] = {
                "format": "json",
                "sort": "dateAdded",
                "direction": "desc",
                "limit": _PAGE,
                "start": start,
            }
            if key:
                asked["key"] = key
            mend = "A private library needs ZOTERO_API_KEY; see zotero.org/settings/keys."
            answer = self._get(f"{base}?{urlencode(asked)}", "Zotero", mend=mend)
            items = _json(answer, "Zotero")
            yield read_items(items, "Zotero")
            total = answer.headers.get("total-results", "")
            more = start + _PAGE < int(total) if total.isdecimal() else len(items) == _PAGE
            if not more or start + _PAGE >= MOST:
                return

    # --- ORCID ------------------------------------------------------------------------------------

    def orcid(self, identifier: str) -> Works:
        """The works of an ORCID record, newest first; it has titles and ids, no abstracts."""
        found = _ORCID.search(identifier)
        if found is None or not _is_orcid("".join(found.groups())):
            mend = "It looks like 0000-0002-1825-0097, and its last character is a check."
            raise UsageError(f"{identifier!r} is no ORCID.", mend=mend)
        url = f"{self._orcid}/v3.0/{'-'.join(found.groups()).upper()}/works"
        answer = self._get(url, "ORCID", mend="Check the id.", accept="application/json")
        record = _json(answer, "ORCID")
        groups = record.get("group", []) if isinstance(record, dict) else []
        works = [made for group in _tables(groups) if (made := _orcid_work(group))]
        return Works(tuple(sorted(works, key=lambda one: -one.year)[:MOST]))

    # --- arXiv ------------------------------------------------------------------------------------

    def arxiv_author(self, identifier: str) -> Works:
        """The papers on an arXiv author page: `warner_s_1`, its address, or an ORCID."""
        name = identifier.strip().rstrip("/").rpartition("/")[2].removesuffix(".atom2")
        orcid = _ORCID.fullmatch(name)
        if not (orcid or _ARXIV_AUTHOR.fullmatch(name)):
            mend = "It looks like warner_s_1; see arxiv.org/help/author_identifiers."
            raise UsageError(f"{identifier!r} is no arXiv author id.", mend=mend)
        url = f"{self._arxiv}/a/{quote(name)}.atom2"
        mend = "The author has to have claimed a page at arxiv.org/set_author_id."
        answer = self._get(url, "arXiv", mend=mend, accept="application/atom+xml")
        content = answer.headers.get("content-type", "")
        reading = parse_arxiv(answer.body, source="arxiv", content_type=content)
        if reading.fault:
            raise UsageError(f"arXiv's answer {reading.fault}", mend="Try again later.")
        return Works(
            tuple(
                Work(
                    one.title,
                    one.abstract,
                    arxiv=one.ids.arxiv,
                    doi=one.ids.doi,
                    year=one.published_at.year if one.published_at else 0,
                )
                for one in reading.listings
            )
        )

    def _get(self, url: str, service: str, *, mend: str, accept: str = "*/*") -> Response:
        answer = self._fetcher.get(url, accept=accept)
        if isinstance(answer, Fault):
            raise UsageError(f"{service}: {answer.message}", mend=mend)
        return answer


def _json(answer: Response, service: str) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{service} did not answer in JSON.", mend="Try again later.") from error


def _is_orcid(characters: str) -> bool:
    """The ISO 7064 11-2 check that ORCIDs carry."""
    total = 0
    for digit in characters[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return characters[-1].upper() == ("X" if check == 10 else str(check))


def _orcid_work(group: Mapping[str, Any]) -> Work | None:
    summaries = _tables(group.get("work-summary"))
    if not summaries:
        return None
    first = summaries[0]
    ids = _tables(_inside(group, "external-ids", "external-id"))
    year = _inside(first, "publication-date", "year", "value")
    return work(
        str(_inside(first, "title", "title", "value") or ""),
        year=str(year or ""),
        names=[_named(one) for one in ids],
    )


def _named(one: Mapping[str, Any]) -> str:
    kind, value = str(one.get("external-id-type")), str(one.get("external-id-value") or "")
    return f"{kind}:{value}" if kind in ("arxiv", "pmid") else value


def _inside(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _tables(value: Any) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
