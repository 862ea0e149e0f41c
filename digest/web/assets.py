"""Static files: read once, served under their own hash, kept by browsers for ever.

A new version has a new address, so nobody ever sees an old sheet with a new page. The operator's
`web/static` folder is looked at before the shipped one, file by file.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Final

from digest.rendering.brand import PLAIN, Brand
from digest.rendering.environment import shipped_folder

FOLDER: Final = "web/static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    "": "application/octet-stream",
}


@dataclass(frozen=True)
class Asset:
    """One file; `name` carries the hash of its bytes."""

    name: str
    media_type: str
    content: bytes

    @cached_property
    def packed(self) -> bytes:
        return gzip.compress(self.content, mtime=0)


class Assets:
    """Every static file by its own name and by its hashed one."""

    def __init__(self, override: Path | None = None, brand: Brand = PLAIN) -> None:
        folders = [shipped_folder(), *([override] if override else [])]
        files = {path.name: path for folder in folders for path in _files(folder / FOLDER)}
        self._assets = {name: _read(path) for name, path in files.items()}
        self._assets["brand.css"] = _asset("brand.css", brand.style.encode())
        self._logo = Asset(brand.logo_name, _TYPES[_suffix(brand.logo_name)], brand.logo)
        self._by_hash = {asset.name: asset for asset in self._assets.values()}

    def path(self, name: str) -> str:
        """Where the file called `name` is served, below the site's root."""
        return f"/static/{self._assets[name].name}"

    def find(self, hashed: str) -> Asset | None:
        if self._logo.name and hashed.startswith("logo."):
            return self._logo  # mails of before name earlier ones
        return self._by_hash.get(hashed)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._assets))


def _files(folder: Path) -> Iterable[Path]:
    if not folder.is_dir():
        return ()
    return sorted(path for path in folder.iterdir() if path.suffix and path.suffix in _TYPES)


def _read(path: Path) -> Asset:
    return _asset(path.name, path.read_bytes())


def _asset(name: str, content: bytes) -> Asset:
    digest = hashlib.sha256(content).hexdigest()[:12]
    stem, suffix = name.rpartition(".")[0], _suffix(name)
    return Asset(f"{stem}.{digest}{suffix}", _TYPES[suffix], content)


def _suffix(name: str) -> str:
    return PurePath(name).suffix
