"""The token itself: what it may do and until when, and how its holder gives it up."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from digest.model import ApiToken, Scope
from digest.web.api.door import Caller, Holder

router = APIRouter(prefix="/token", tags=["Token"])


class Token(BaseModel):
    """The token that was sent, without its secret."""

    id: int
    name: str
    hint: str = Field(description="How its secret begins.", examples=["pd_aB3x"])
    scopes: list[Scope]
    subscriber_id: int | None = Field(description="Null: it is the operator's.")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the hour.")


@router.get("", summary="This token")
def show_token(caller: Holder) -> Token:
    """Whatever its scopes."""
    token = _sent(caller)
    return Token(
        id=token.id,
        name=token.name,
        hint=token.hint,
        scopes=sorted(token.scopes),
        subscriber_id=token.subscriber_id,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


@router.delete("", summary="Revoke this token", status_code=204)
def revoke_token(caller: Holder) -> None:
    """From now on it opens nothing."""
    caller.visit.rooms.access.revoke(_sent(caller).id)


def _sent(caller: Caller) -> ApiToken:
    assert caller.token is not None
    return caller.token
