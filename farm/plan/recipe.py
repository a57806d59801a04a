"""The recipe: all that we decide about a cell's bytes, as one frozen value with a digest.

`farm.plan.compose` makes recipes from facts; this module only says what one is. Reasons (`why`) are not part of a recipe,
so that a better explanation makes nothing stale: `farm.plan.compose.decisions` has them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, cached_property, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from farm.plan.cell import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable

Optimize = Literal["none", "pgo", "pgo+lto"]
Bytecode = Literal["none", "unchecked-hash"]
Strip = Literal["split", "keep"]
ArchiveKind = Literal["install_only", "debugsymbols", "tests", "static-lib"]
Form = Literal["tar.zst", "tar.gz"]
How = Literal["native", "cross"]
HOWS: tuple[How, ...] = ("native", "cross")  # the preferred one first

# A package by the name that package managers take on their command line, e.g. 'libssl-dev:arm64'; nothing that a shell reads.
PACKAGE = r"^[A-Za-z0-9][A-Za-z0-9+._:-]*$"

PREFIX = "/install"
_MEMO = 4096
_seen: dict[int, tuple[object, str]] = {}
PYTHON_ORG = "https://www.python.org/ftp/python/"

# What a build is packed into. Clients that cannot read zstd (older Docker, pyenv) install from the gzip of `install_only`.
PACKS: tuple[tuple[ArchiveKind, Form], ...] = (
    ("install_only", "tar.zst"),
    ("install_only", "tar.gz"),
    ("debugsymbols", "tar.zst"),
    ("tests", "tar.zst"),
    ("static-lib", "tar.zst"),
)


def staged_name(kind: ArchiveKind, form: Form) -> str:
    """What an archive is called before publication gives it its name."""
    return f"{kind}.{form}"


@dataclass(frozen=True)
class Source:
    """A source archive. `path` is relative to python.org's `ftp/python/`, `pool` to a Debian mirror's root ('' if none);
    `elsewhere` is the whole address of what python.org does not have.

    `epoch` is SOURCE_DATE_EPOCH: the newest modification time in the archive, in seconds.
    """

    file: str
    sha256: str
    path: str
    pool: str
    epoch: int
    elsewhere: str = ""

    @property
    def url(self) -> str:
        """Where upstream publishes these bytes; '' when only a mirror has them."""
        return self.elsewhere or (PYTHON_ORG + self.path if self.path else "")


@dataclass(frozen=True)
class Library:
    """A library that the distro no longer has: built before Python, and shipped in `lib/private`.

    `files` are put into its source; `commands` then run there, and leave headers and libraries in /work/private/install. Of
    those the libraries named in `sonames` are shipped, and `license`, a file of the source.
    """

    name: str
    version: str
    source: Source
    files: tuple[tuple[str, str], ...]
    commands: tuple[tuple[str, ...], ...]
    sonames: tuple[str, ...]
    license: str


@dataclass(frozen=True)
class Patch:
    """A change to CPython's source: a file of `farm/data/patches`, applied with -p1."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Layout:
    """The names that a version and variant give to things.

    e.g. series '3.13', abiflags 't', lib 'python3.13t', executable 'python3.13t', soname 'libpython3.13t.so.1.0'; `names` are
    what must be in bin/ beside the executable.
    """

    series: str
    abiflags: str
    lib: str
    executable: str
    soname: str
    names: tuple[str, ...] = ("python", "python3", "pip", "pip3")


@dataclass(frozen=True)
class RuntimePackage:
    """A distro package that the tree needs when it runs, and the extension modules that need it ('' is the interpreter)."""

    name: str
    modules: tuple[str, ...]
    sonames: tuple[str, ...]
    optional: bool = False


@dataclass(frozen=True)
class Advice:
    """What a file of the standard library says when its extension module's optional packages are not there.

    `file` is a path in the source, e.g. 'Lib/tkinter/__init__.py'.
    """

    file: str
    module: str
    sentence: str


@dataclass(frozen=True)
class Trim:
    """A part of the tree that leaves `install_only`: a glob under the prefix and the archive it goes to ('' drops it)."""

    glob: str
    archive: ArchiveKind | Literal[""]
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModuleRule:
    """What we expect of an extension module beyond what the source's own lists say."""

    name: str
    present: bool


@dataclass(frozen=True)
class Cross:
    """How the cell is built on a machine of another arch, where no machine of its own is: by cross-compiling.

    `on` is that machine's arch. `packages` are its toolchain, and development packages of the cell's arch (`name:arch`). The
    configure arguments and the environment are added to the recipe's own. `tools` are found before the machine's own of that
    name, so that what the build writes down is what it writes on a machine of the cell's arch. `sysconfig` has what such a
    machine writes down where a tool by another name does not do: names of the Makefile, and their values in its words.
    """

    on: str
    packages: tuple[str, ...]
    configure: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    tools: tuple[tuple[str, str], ...]
    sysconfig: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Recipe:
    """Everything decided about one cell's bytes. Pure; equal recipes and equal inputs give equal archives (without PGO).

    `linked` are extension modules that are linked into the interpreter. `make` are words for make in both passes; `{jobs}` in
    them is the number of jobs. `make_static` are those of pass 2 besides.
    `scrub` are regular expressions of whole words that the shipped sysconfig has not; what those of `renamed` match is another
    word there.
    `missing_stdlib` is what 3.15 and later say when one of these modules is not there (configure.toml).
    """

    cell: Cell
    source: Source
    patches: tuple[Patch, ...]
    layout: Layout
    optimize: Optimize
    bytecode: Bytecode
    strip: Strip
    configure: tuple[str, ...]
    make: tuple[str, ...]
    make_static: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    build_packages: tuple[str, ...]
    runtime: tuple[RuntimePackage, ...]
    trims: tuple[Trim, ...]
    modules: tuple[ModuleRule, ...]
    scrub: tuple[str, ...]
    code: str
    libraries: tuple[Library, ...] = ()
    cross: Cross | None = None
    advice: tuple[Advice, ...] = ()
    missing_stdlib: tuple[tuple[str, str], ...] = ()
    linked: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()

    @cached_property
    def digest(self) -> str:
        """sha256 over the digest of every field, as hex."""
        return _sha256(_DIGESTS % tuple(map(_digest_of_part, _parts(self))))

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """Regular expressions of whole words of the shipped sysconfig, and what each becomes there; '' for nothing."""
        return (*((pattern, "") for pattern in self.scrub), *self.renamed)

    @property
    def required_packages(self) -> tuple[str, ...]:
        """Names of the run-time packages without which some stdlib module fails to import."""
        return tuple(package.name for package in self.runtime if not package.optional)


@dataclass(frozen=True)
class BaseImage:
    """The pristine distro image: how it was had, and the digests of its layers' contents (not its id, which has a date)."""

    name: str
    how: Literal["pull", "bootstrap"]
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Inputs:
    """What the distro decides: the base image and the exact version of every package in the builder image.

    `how` says which builder image: that of the cell's own arch, or one of another arch that cross-compiles. In the latter,
    packages of the cell's arch are called `name:arch`.
    """

    base: BaseImage
    packages: tuple[tuple[str, str], ...]
    how: How = "native"

    @property
    def digest(self) -> str:
        """sha256 over the base image's contents and every package version, as hex."""
        said = {"layers": self.base.layers, "packages": self.packages}
        return digest_of(said if self.how == "native" else {**said, "how": self.how})


def words_said(make: Iterable[str]) -> frozenset[str]:
    """The words in the values of NAME=value words for make, e.g. flags."""
    return frozenset(word for named in make for word in named.partition("=")[2].split())


def plain(recipe: Recipe) -> dict[str, Any]:
    """A recipe in JSON's types, every field by its name; `digest_of` of each part gives what its digest is made of."""
    made: dict[str, Any] = json.loads(_canonical.encode(recipe))
    return made


def digest_of(value: object) -> str:
    """sha256 of a value of JSON's types and dataclasses in canonical form, as hex."""
    return _sha256(_canonical.encode(value))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest_of_part(part: object) -> str:
    """As `digest_of`. Parts that recipes share are known by identity: hashing each anew takes longer than all else."""
    if (known := _seen.get(id(part))) is None:
        if len(_seen) >= _MEMO:
            _seen.clear()
        known = _seen[id(part)] = part, _digest_of_equal(part)  # who is kept here keeps its identity
    return known[1]


@lru_cache(maxsize=_MEMO)  # thousands of cells share most parts of their recipes, be they read from a document one by one
def _digest_of_equal(part: object) -> str:
    return digest_of(part)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _fields_of(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in _names(type(value))}
    raise TypeError(f"{type(value).__name__} has no canonical form")


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_fields_of)

# The canonical form of a recipe's digests by name, once for all: encoding it for each of thousands of cells takes far longer.
_parts = attrgetter(*sorted(_names(Recipe)))
_DIGESTS = _canonical.encode(dict.fromkeys(_names(Recipe), "%s"))
