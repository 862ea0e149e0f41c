"""The catalogues of the frame: what readers see of mails, posts, pages and feeds, in each language.

    python -m tools.catalogues extract    digest.pot: every message of the code and the templates
    python -m tools.catalogues update     the same, and each language's .po gets what is new
    python -m tools.catalogues compile    each .po into the .mo beside it, which the program reads
    python -m tools.catalogues check      what is missing, stale, uncertain or wrong; 1 if anything

Both .po and .mo are kept under version control, so that a checkout, an editable install and a wheel
all speak every language; a test holds each .mo to its .po, and the .pot to the code.

A message is marked where it is written: `message("…")`, `plural("…", "…")` or `phrase("…", name=…)`, or said at once by
a language: `language.text("…")`, `.say("…", name=…)`, `.count("{n} one", "{n} many", n)`; in a
template `_("…")`, `_s("…", name=…)`, `_n("…", "…", n)`. Whole sentences, named places, no joining.
What operators see (command line, API, the operator's pages) stays English.

Glossary (en: de, fr, es, pt, zh, ja). Readers are addressed as Sie, vous, usted, você, 您, です・ます.
    paper        Arbeit            article         artículo           artigo            论文    論文
    digest       Digest            digest          boletín            boletim           摘要邮件 ダイジェスト
    interest     Interesse         centre d'intérêt  interés          interesse         兴趣    関心テーマ
    source       Quelle            source          fuente             fonte             来源    情報源
    trending     im Gespräch       tendances       tendencia          em alta           热门    注目
    vote         Stimme            vote            voto               voto              票      票
    feed         Feed              flux            feed               feed              订阅源  フィード
    subscribe    abonnieren        s'abonner       suscribirse        inscrever-se      订阅    購読する
    unsubscribe  abbestellen       se désabonner   darse de baja      cancelar a inscrição 退订  購読を解除する
    pause        pausieren         suspendre       pausar             pausar            暂停    休止する
    preferences  Einstellungen     préférences     preferencias       preferências      偏好设置 設定
    rhythm       Rhythmus          rythme          frecuencia         frequência        频率    配信の頻度
    query        Suchanfrage       requête         consulta           consulta          查询式  検索式
    abstract     Zusammenfassung   résumé          resumen            resumo            摘要    要旨
    preview      Vorschau          aperçu          vista previa       prévia            预览    プレビュー
"""  # noqa: E501, RUF100  the glossary is a table

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from string import Formatter
from typing import IO, Any, Final

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import digest
from digest.phrases import LANGUAGES

ROOT: Final = Path(digest.__file__).parent.parent
FOLDER: Final = ROOT / "digest" / "rendering" / "locale"
TEMPLATE: Final = FOLDER / "digest.pot"
#: Said in English to whoever runs the program.
OPERATORS: Final = ("digest/cli", "digest/doctor", "templates/web/desk")
_CALLS: Final = frozenset({"message", "phrase"})
_SAYS: Final = {"text": 1, "say": 1, "count": 2}  #: methods of a language, and their messages
_IN_TEMPLATES: Final = {"_": None, "_s": None, "_n": (1, 2)}
_HEADERS: Final = ("Language", "Plural-Forms", "Content-Type", "Content-Transfer-Encoding")
_TAG: Final = re.compile(r"</?[a-z][^>]*>")

Ids = str | tuple[str, str]


def messages() -> Iterator[tuple[str, Ids]]:
    """Every message of the code and the templates with its file, in the order of files."""
    for path in _files("digest", "*.py"):
        for ids in in_code(path.read_text()):
            yield _shown(path), ids
    for path in _files("templates", "*.j2"):
        for ids in in_template(path.read_bytes()):
            yield _shown(path), ids


def in_code(source: str) -> Iterator[Ids]:
    """The messages of one module."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda it: (it.lineno, it.col_offset)):
        if count := _marks(call.func):
            texts = tuple(map(_text, call.args[:count]))
            if len(texts) == count and all(texts):
                yield texts[0] if count == 1 else (texts[0], texts[1])


def in_template(source: bytes) -> Iterator[Ids]:
    """The messages of one template."""
    options = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    found = extract("jinja2", io.BytesIO(source), _IN_TEMPLATES, (), options)
    for _line, ids, _comments, _context in found:
        yield ids if isinstance(ids, str) else (ids[0], ids[1])


def _marks(called: ast.expr) -> int:
    """How many messages stand first in a call of this; 0 for a call of anything else."""
    match called:
        case ast.Name(id="plural"):
            return 2
        case ast.Name(id=name) if name in _CALLS:
            return 1
        case ast.Name(id="say") | ast.Attribute(attr="_say"):
            return 1
        case ast.Attribute(attr=verb, value=ast.Name(id=name) | ast.Attribute(attr=name)):
            return _SAYS.get(verb, 0) if name.lstrip("_") == "language" else 0
    return 0


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _files(folder: str, pattern: str) -> Iterator[Path]:
    for path in sorted((ROOT / folder).rglob(pattern)):
        if not any(path.is_relative_to(ROOT / place) for place in OPERATORS):
            yield path


def _shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- catalogues ---------------------------------------------------------------------------------


class Kept(Catalog):
    """A catalogue without dates and names of people: the same messages are the same bytes."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """What the .po begins with."""
        return [pair for pair in super().mime_headers if pair[0] in _HEADERS]

    def put(self, message: Message, string: Any = None) -> None:
        """A message as another catalogue has it, with its translation."""
        self.add(message.id, string, locations=message.locations, flags=message.flags)
        self[message.id].flags.discard("python-format")  # "95 % of" is no format


def extracted() -> Kept:
    """The template of all catalogues, as the code has it now."""
    catalogue = _empty(None)
    for file, ids in messages():
        catalogue.put(Message(ids, locations=[(file, 0)]))
    for message in catalogue:
        message.locations = list(dict.fromkeys(message.locations))
    return catalogue


def stored(language: str) -> Kept:
    """A language's catalogue as it is kept."""
    kept = _empty(language)
    if po(language).is_file():
        with po(language).open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    kept.put(message, message.string)
    return kept


def compiled(catalogue: Catalog) -> bytes:
    """What belongs into the .mo."""
    made = io.BytesIO()
    write_mo(made, catalogue)
    return made.getvalue()


def po(language: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / "digest.po"


def mo(language: str) -> Path:
    return po(language).with_suffix(".mo")


def translated() -> tuple[str, ...]:
    """The languages that have a catalogue; English is what the messages are in."""
    return tuple(code for code in LANGUAGES if code != "en")


def _empty(language: str | None) -> Kept:
    name = Locale.parse(language).english_name if language else "Messages"
    comment = f"# {name} for paper-digest; see tools/catalogues.py for the words to use."
    return Kept(language, charset="utf-8", fuzzy=False, header_comment=comment)


# --- what is wrong ------------------------------------------------------------------------------


def faults(language: str) -> Iterator[str]:
    """Everything that keeps a catalogue from standing in for the English."""
    wanted, kept = extracted(), stored(language)
    ours, theirs = ({one.id for one in catalogue if one.id} for catalogue in (wanted, kept))
    yield from (f"{language}: not translated: {_first(one)!r}" for one in ours - theirs)
    yield from (f"{language}: no longer said: {_first(one)!r}" for one in theirs - ours)
    for message in kept:
        if message.id:
            yield from (f"{language}: {what}: {_first(message.id)!r}" for what in _wrong(message))
    if not mo(language).is_file() or mo(language).read_bytes() != compiled(kept):
        yield f"{language}: the .mo is not the compiled .po"


def _wrong(message: Message) -> Iterator[str]:
    forms = _several(message.string)
    if message.fuzzy:
        yield "uncertain"
    if not all(forms):
        yield "empty"
        return
    for form in forms:
        english = _like(message, form)
        if problem := _differs(english, form, is_plural=isinstance(message.id, tuple)):
            yield problem


def _like(message: Message, form: str) -> str:
    """The English form that this one must be like: of two, the one with the same places."""
    options = _several(message.id)
    return next((one for one in options if places(one) == places(form)), options[-1])


def _differs(english: str, form: str, *, is_plural: bool) -> str:
    # "One paper" may name its number elsewhere ("{n} 篇论文"), and the other way round.
    free = {"n", "count"} if is_plural else set()
    if places(english) - free != places(form) - free:
        return f"other places: {sorted(places(form))}"
    if sorted(_TAG.findall(english)) != sorted(_TAG.findall(form)):
        return "other markup"
    if form != form.strip():
        return "space around it"
    return ""


def places(text: str) -> set[str]:
    """The names in braces; raises ValueError where a brace stands alone."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _several(texts: Any) -> tuple[str, ...]:
    return (texts or "",) if isinstance(texts, str | None) else tuple(texts)


def _first(ids: Any) -> str:
    return _several(ids)[0]


# --- the command --------------------------------------------------------------------------------


def _extract() -> int:
    FOLDER.mkdir(exist_ok=True)
    _write(extracted(), TEMPLATE)
    return 0


def _update() -> int:
    """New messages come empty; a message that is only like an old one is no translation of it."""
    _extract()
    template = extracted()
    for language in translated():
        before, after = stored(language), _empty(language)
        for message in template:
            if message.id:
                after.put(message, _known(before, message))
        _write(after, po(language))
    return _compile()


def _known(before: Catalog, message: Message) -> Any:
    """Its translation; a text that has got a plural since is a new message."""
    found = before.get(message.id)
    same = found is not None and isinstance(found.id, str) is isinstance(message.id, str)
    return found.string if found and same else None


def _compile() -> int:
    for language in translated():
        mo(language).write_bytes(compiled(stored(language)))
    return 0


def _check() -> int:
    found = [one for language in translated() for one in faults(language)]
    print("\n".join(found) or "Every message is in every language.")
    return 1 if found else 0


def _write(catalogue: Catalog, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made: IO[bytes] = io.BytesIO()
    write_po(made, catalogue, width=100, sort_by_file=True, include_lineno=False)
    made.seek(0)
    path.write_bytes(made.read())


_VERBS: Final[dict[str, Callable[[], int]]] = {
    "extract": _extract,
    "update": _update,
    "compile": _compile,
    "check": _check,
}


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.catalogues", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("verb", choices=_VERBS)
    asked = parser.parse_args(list(arguments) if arguments is not None else None)
    return _VERBS[asked.verb]()


if __name__ == "__main__":
    sys.exit(main())
