"""The table of summaries: what each maker made of a paper, so that it is made once for everybody.

As in `digest.store.tables`, rows hold no policy.
"""

import datetime as dt

from sqlmodel import Field, SQLModel

from digest.store.tables import BigKey, UtcDateTime, table

__all__ = ["SummaryRow", "table"]


class SummaryRow(SQLModel, table=True):
    """One maker's summary of one paper, and which version of the abstract it is of.

    An empty `text` says that the maker was asked and gave nothing that could be shown.
    """

    __tablename__ = "summary"
    paper_id: int = Field(
        primary_key=True, foreign_key="paper.id", ondelete="CASCADE", sa_type=BigKey
    )
    maker: str = Field(primary_key=True)
    version: int = 0  #: of the paper …
    length: int  #: … and its abstract's characters: of another abstract, it is made anew
    text: str = ""
    is_written: bool = False  #: by a machine, and not a sentence of the abstract itself
    at: dt.datetime = Field(sa_type=UtcDateTime)
