"""Which modules a tree must have, from the source's own lists and our rows; never from the tree.

CPython prints a line when an extension module could not be built and goes on, so somebody has to know what should be there.
"""

from __future__ import annotations

import re
import tarfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from farm.errors import BuildFailed
from farm.store.artifact import ModulesInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from farm.plan.recipe import Recipe

_LISTS = {
    "Modules/Setup.bootstrap.in": "bootstrap",
    "Modules/Setup": "bootstrap",  # what is not a comment in it is linked in
    "Modules/Setup.dist": "bootstrap",  # what it was called up to 2.7
    "Modules/Setup.config.in": "bootstrap",
    "Modules/Setup.stdlib.in": "stdlib",
    "setup.py": "setup",
    "Modules/config.c.in": "core",
    "Python/stdlib_module_names.h": "names",
}
_SETUP = re.compile(r"^(?:@\w+@)?(?P<name>[A-Za-z_]\w*)[ \t]+[^#\n]*\.c\b")
_STATIC = re.compile(r"^\*static\*$(.*?)(?=^\*|\Z)", re.MULTILINE | re.DOTALL)  # from this word of a Setup file to the next
_EXTENSION = re.compile(r"""^[^#\n]*\bExtension\(\s*['"](?P<name>\w+)['"]""", re.MULTILINE)
_LIBRARY = re.compile(r"Lib/(?P<name>[A-Za-z_]\w*)(?:\.py|/__init__\.py)")
_INITTAB = re.compile(r'^\s*\{"(?P<name>\w+)",', re.MULTILINE)
_NAME = re.compile(r'^"(?P<name>\w+)",', re.MULTILINE)


@dataclass(frozen=True)
class SourceLists:
    """The lists that a source archive has of its own modules; empty where its version has no such list."""

    builtin: frozenset[str]
    extensions: frozenset[str]
    stdlib: frozenset[str]


def source_lists(archive: Path) -> SourceLists:
    """Read the lists from a source archive. Raises BuildFailed when it is no such archive."""
    texts: dict[str, str] = dict.fromkeys((*_LISTS.values(), "library"), "")
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = member.name.partition("/")[2]
                if name in _LISTS and (file := tar.extractfile(member)):
                    texts[_LISTS[name]] += file.read().decode() + "\n"
                texts["library"] += f"{name}\n" if _LIBRARY.fullmatch(name) else ""
    except tarfile.TarError as error:
        raise BuildFailed(f"{archive.name} is not a source archive: {error}") from error
    return parse_lists(texts)


def parse_lists(texts: Mapping[str, str]) -> SourceLists:
    """The lists from the texts of `bootstrap`, `stdlib`, `setup`, `core`, `names` and `library`.

    Old versions have no list of extensions but what setup.py makes, and none of the standard library but its files.
    """
    linked_in = {name for text in _STATIC.findall(texts["stdlib"]) for name in _setup_names(text)}
    builtin = {*_setup_names(texts["bootstrap"]), *linked_in} | _found(_INITTAB, texts["core"])
    return SourceLists(
        builtin=frozenset(builtin),
        extensions=frozenset(_setup_names(texts["stdlib"])) - linked_in or _found(_EXTENSION, texts["setup"]),
        stdlib=_found(_NAME, texts["names"]) or _found(_LIBRARY, texts["library"]),
    )


def _found(pattern: re.Pattern[str], text: str) -> frozenset[str]:
    return frozenset(found["name"] for found in pattern.finditer(text))


def _setup_names(text: str) -> Iterable[str]:
    return (found["name"] for line in text.splitlines() if (found := _SETUP.match(line)))


def expected(lists: SourceLists, recipe: Recipe) -> ModulesInfo:
    """What the tree must have: the source's lists, plus and minus the rows; test modules by the rows that trim them."""
    present = {rule.name for rule in recipe.modules if rule.present}
    absent = {rule.name for rule in recipe.modules if not rule.present}
    builtin = lists.builtin.union(recipe.linked)
    shared = (lists.extensions | present) - absent - builtin
    tests = {name for name in shared if _trimmed(name, recipe)}
    return ModulesInfo(
        builtin=tuple(sorted(builtin - absent)),
        shared=tuple(sorted(shared - tests)),
        tests=tuple(sorted(tests)),
        stdlib=tuple(sorted(lists.stdlib - absent)),
    )


def _trimmed(name: str, recipe: Recipe) -> bool:
    path = f"lib/{recipe.layout.lib}/lib-dynload/{name}.cpython.so"
    return any(
        trim.archive == "tests"
        and fnmatchcase(path, trim.glob.format(lib=recipe.layout.lib))
        and not any(fnmatchcase(path, keep.format(lib=recipe.layout.lib)) for keep in trim.keep)
        for trim in recipe.trims
    )
