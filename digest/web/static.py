"""What needs no template: static files under their hashes, and what crawlers are asked to leave."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from digest.web.headers import FOREVER, PUBLIC
from digest.web.visit import Visiting

router = APIRouter()
_PRIVATE: Final = (
    "/d/",
    "/s/",
    "/t/",
    "/p/",
    "/u/",
    "/f/",
    "/c/",
    "/a/",
    "/feed/",
    "/subscribe",
    "/my",
    "/desk",
    "/api/",
    "/search",
)


@router.get("/static/{name}")
async def file(visit: Visiting, name: str) -> Response:
    asset = visit.desk.assets.find(name)
    if asset is None:
        raise HTTPException(404)
    is_this = asset.name == name
    headers = {"Cache-Control": FOREVER if is_this else PUBLIC, "ETag": f'"{asset.name}"'}
    if name.startswith("logo."):  # a mail read in a browser is another origin
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return Response(asset.content, media_type=asset.media_type, headers=headers)


@router.get("/robots.txt")
async def robots(visit: Visiting) -> Response:
    root = visit.links.root
    lines = ["User-agent: *", *(f"Disallow: {root}{path}" for path in _PRIVATE)]
    headers = {"Cache-Control": PUBLIC}
    return PlainTextResponse("\n".join(lines) + "\n", headers=headers)
