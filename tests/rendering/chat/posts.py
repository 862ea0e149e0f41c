"""Posts to draw: the sample digest, a hostile one, and ones of any size."""

from __future__ import annotations

from dataclasses import replace

from digest.model import Digest, Item, Paper, PaperId, Reasons, Section
from digest.rendering.chat.post import Post
from digest.rendering.view import view
from digest.tokens import MailTokens
from tests.rendering import samples

HOSTILE = (
    "<!channel> @here @channel @all @everyone <@U012AB3CD> <https://evil.example|click> & *bold* "
    "`code` [x](https://evil.example) ||spoiler|| ```` # heading"
)


def post(digest: Digest = samples.DIGEST, papers: dict[PaperId, Paper] | None = None) -> Post:
    known = dict(samples.PAPERS) if papers is None else papers
    seen = view(
        digest,
        samples.SUBSCRIBER.addressee,
        papers=known,
        site=samples.SITE,
        tokens=MailTokens("", "", "", ""),
    )
    return Post(
        key="digest.42.1001@digest.example.org",
        view=seen,
        digest=digest,
        papers=known,
        title="Harbour team",
        web="https://digest.example.org/s/shared-token",
        team="https://digest.example.org/t/team-token",
    )


def large(count: int, *, title: str = "Lanterns in fog") -> Post:
    """A digest of so many papers, each as long as papers get."""
    papers = {
        PaperId(number): replace(
            samples.TIDES,
            id=PaperId(number),
            title=f"{title}, part {number}: " + "what the keeper saw " * 10,
            authors=tuple(f"Author Number {n} of a Long Name" for n in range(9)),
        )
        for number in range(1, count + 1)
    }
    reasons = Reasons(percentile=0.01, resembles="Asking two gauges at once, " * 6)
    items = tuple(Item(number, 1.0, reasons, also=("Another interest",)) for number in papers)
    half = len(items) // 2
    sections = (
        Section(samples.DIGEST.sections[0].interest_id, "Tides", items[:half]),
        Section(samples.DIGEST.sections[1].interest_id, "People", items[half:]),
    )
    return post(samples.DIGEST._replace(sections=sections, left_out=0), papers)


def hostile() -> Post:
    """Every text of a paper tries to be something else."""
    paper = replace(
        samples.TIDES,
        title=HOSTILE,
        abstract=HOSTILE,
        authors=(HOSTILE, "@here"),
        organisation=HOSTILE,
        categories=(HOSTILE,),
    )
    item = Item(paper.id, 1.0, Reasons(resembles=HOSTILE), also=(HOSTILE,))
    section = Section(samples.DIGEST.sections[0].interest_id, HOSTILE, (item,))
    whole = samples.DIGEST._replace(sections=(section,))
    made = post(whole, {paper.id: paper})
    return replace(made, title=HOSTILE)
