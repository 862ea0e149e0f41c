"""The tables about those who run the installation: their accounts, and where they are signed in.

As in `digest.store.tables`, rows hold no policy. Neither table holds a secret that opens anything:
a password is an argon2id hash, a session the hash of the key that only its browser has.
"""

import datetime as dt

from sqlmodel import Field, SQLModel

from digest.store.tables import UtcDateTime, table

__all__ = ["OperatorRow", "OperatorSessionRow", "table"]


class OperatorRow(SQLModel, table=True):
    """One account made on the command line; those of the configuration are not stored."""

    __tablename__ = "operator"
    name: str = Field(primary_key=True)  #: in lower case
    password_hash: str
    created_at: dt.datetime = Field(sa_type=UtcDateTime)
    changed_at: dt.datetime = Field(sa_type=UtcDateTime)  #: the password
    signed_in_at: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)


class OperatorSessionRow(SQLModel, table=True):
    """One browser signed in. `password_mark` names the password it signed in with, so that a
    session ends with its password, wherever that is kept.
    """

    __tablename__ = "operator_session"
    key_hash: str = Field(primary_key=True)
    operator: str = Field(index=True)
    password_mark: str
    began_at: dt.datetime = Field(sa_type=UtcDateTime)
    expires_at: dt.datetime = Field(sa_type=UtcDateTime, index=True)
