"""Templates: found, checked, compiled once. Data never reaches the MJML parser.

An operator's folder is searched before the shipped one, file by file. A `.mjml.j2` template is
compiled from MJML when it is loaded, Jinja tags and all, and filled by Jinja afterwards; its faults
are named by file and line of the source. Every value is escaped in HTML; a name that does not exist
is an error, never an empty string.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final

import jinja2
from jinja2 import meta
from mjml import mjml2html

import digest
from digest.errors import TemplateFault
from digest.rendering.brand import PLAIN, Brand
from digest.rendering.links import safe_url
from digest.rendering.markup import marked
from digest.rendering.sealed import Sealed

MJML_SUFFIX: Final = ".mjml.j2"
_PACKAGE: Final = Path(digest.__file__).parent

# The vocabulary of MJML 4; the compiler lets any other tag through without a word.
_KNOWN_TAG: Final = re.compile(
    "mjml|mj-(head|body|attributes|all|class|breakpoint|font|html-attributes|preview|style|title|"
    "include|accordion(-element|-text|-title)?|button|carousel(-image)?|column|divider|group|hero|"
    "image|navbar(-link)?|raw|section|social(-element)?|spacer|table|text|wrapper)"
)
_MJML_TAG: Final = re.compile(r"</?(mj[\w-]*)")
_JINJA_OPENS: Final = re.compile(r"(\{[{%][-+]?)")
_JINJA_COMMENT: Final = re.compile(r"\{#.*?#\}", re.DOTALL)
_STYLE_SHEET: Final = re.compile(r"<style\b.*?</style>", re.DOTALL)
_INDENT: Final = re.compile(r"\n[ \t]+")
_JINJA_CLOSES: Final = re.compile(r"[-+]?[%}]\}")


class Templates:
    """One installation's templates: the operator's `override` folder, then the shipped ones."""

    def __init__(self, override: Path | None = None, *, brand: Brand = PLAIN) -> None:
        folders = [folder for folder in (override, shipped_folder()) if folder is not None]
        self._loader = _MjmlLoader(folders)
        self._html = _environment(self._loader, escape=True)
        self._text = _environment(self._loader, escape=False)
        self._html.globals["brand"] = self._text.globals["brand"] = brand

    def html(self, name: str, **context: object) -> str:
        """The HTML template `name`, filled; raises TemplateFault."""
        return self._render(self._html, name, context)

    def text(self, name: str, **context: object) -> str:
        """The plain-text template `name`, filled, nothing escaped; raises TemplateFault."""
        return self._render(self._text, name, context)

    def check(self, name: str, known: frozenset[str]) -> None:
        """Load `name` and see that it asks for no name outside `known`; raises TemplateFault."""
        environment = self._html if name.endswith((".html.j2", MJML_SUFFIX)) else self._text
        with self._named_faults(name):
            environment.get_template(name)
            source, filename, _ = self._loader.get_source(environment, name)
            unknown = meta.find_undeclared_variables(environment.parse(source))
            unknown -= known | {"brand"}
        if unknown:
            word = sorted(unknown)[0]
            place = self._loader.place(filename, source, _line_of(source, word))
            raise TemplateFault(f"{place}: there is no value called {word!r}.", mend=_names(known))

    def _render(
        self, environment: jinja2.Environment, name: str, context: Mapping[str, object]
    ) -> str:
        with self._named_faults(name):
            return environment.get_template(name).render(context)

    @contextmanager
    def _named_faults(self, name: str) -> Iterator[None]:
        """Whatever goes wrong in a template comes out as a TemplateFault naming file and line."""
        try:
            yield
        except TemplateFault:
            raise
        except jinja2.TemplateNotFound as error:
            raise TemplateFault(
                f"There is no template called {error.name}.", mend=f"Looked in {self._loader}."
            ) from error
        except jinja2.TemplateSyntaxError as error:
            place = self._loader.place(error.filename or name, error.source or "", error.lineno)
            raise TemplateFault(f"{place}: {error.message}") from error
        except Exception as error:
            raise TemplateFault(f"{self._place(name, error)}: {error}") from error

    def _place(self, name: str, error: Exception) -> str:
        found = _last_template_line(error.__traceback__, self._loader.filenames)
        return self._loader.place(*found) if found else name


class _MjmlLoader(jinja2.FileSystemLoader):
    """Reads templates; MJML ones are linted and compiled on the way, once each."""

    def __init__(self, folders: list[Path]) -> None:
        super().__init__([str(folder) for folder in folders])
        self._written: dict[str, str] = {}  # filename -> the source as the operator wrote it
        self._given: dict[str, str] = {}  # filename -> what Jinja got

    def __str__(self) -> str:
        return " and ".join(self.searchpath)

    @property
    def filenames(self) -> frozenset[str]:
        return frozenset(self._given)

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        source, filename, uptodate = super().get_source(environment, template)
        if self._written.get(filename) != source:
            given = source
            if template.endswith(MJML_SUFFIX):
                environment.parse(source, template, filename)  # syntax faults at their own line
                given = _compile(source, filename)
            self._written[filename], self._given[filename] = source, given  # now that it is sound
        return self._given[filename], filename, uptodate

    def place(self, filename: str, text: str = "", line: int = 0) -> str:
        """`file:line` in the source as written, for a line of what Jinja got."""
        given, written = self._given.get(filename, text), self._written.get(filename, text)
        return f"{filename}:{line if given == written else _line_before(given, written, line)}"


def shipped_folder() -> Path:
    """Where the templates lie: inside the wheel, or beside the package in a checkout."""
    wheel = _PACKAGE / "_templates"
    return wheel if wheel.is_dir() else _PACKAGE.parent / "templates"


def _environment(loader: jinja2.BaseLoader, *, escape: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=loader,
        autoescape=escape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        finalize=None if escape else Sealed.opened,
    )
    environment.filters["safe_url"] = safe_url
    environment.filters["marked"] = marked
    return environment


def _compile(source: str, filename: str) -> str:
    """MJML to HTML, Jinja tags left inside; `fonts={}` or every mail calls a font host."""
    bare = _JINJA_COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), source)
    for found in _MJML_TAG.finditer(bare):
        if not _KNOWN_TAG.fullmatch(found[1]):
            line = bare.count("\n", 0, found.start()) + 1
            raise TemplateFault(f"{filename}:{line}: <{found[1]}> is no MJML tag.")
    try:
        compiled = mjml2html(bare.strip(), fonts={})
    except ValueError as error:
        raise TemplateFault(
            f"{filename}: MJML cannot read it: {error}.",
            mend="Every tag must be closed, and a Jinja tag may hold neither < nor >.",
        ) from error
    # Every mail carries the sheet: its indents are half a kilobyte that nobody reads.
    compiled = _STYLE_SHEET.sub(lambda sheet: _INDENT.sub("\n", sheet[0]), compiled)
    # A line of its own for every tag, unseen in the output, so that a fault can be traced back.
    return _JINJA_OPENS.sub(r"\1\n", compiled)


def _last_template_line(
    trace: TracebackType | None, filenames: frozenset[str]
) -> tuple[str, str, int] | None:
    found = None
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if filename in filenames:
            found = (filename, "", trace.tb_lineno)
        trace = trace.tb_next
    return found


def _line_before(given: str, written: str, line: int) -> int:
    """The source line of the Jinja tag that stands on `line` of the compiled text."""
    lines = given.splitlines()
    expression = _JINJA_CLOSES.split(lines[line - 1])[0].strip() if 0 < line <= len(lines) else ""
    found = re.search(rf"\{{[{{%][-+]?\s*{re.escape(expression)}\s*[-+]?[%}}]\}}", written)
    return written.count("\n", 0, found.start()) + 1 if found else 1


def _line_of(source: str, word: str) -> int:
    found = re.search(rf"\{{[{{%][^}}]*\b{re.escape(word)}\b", source)
    return source.count("\n", 0, found.end()) + 1 if found else 1


def _names(known: frozenset[str]) -> str:
    return f"There are {', '.join(sorted(known))}."
