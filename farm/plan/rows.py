"""What a row of a facts file may say. One class per file of `farm/data`; pydantic because the files come from outside.

Every row that is a decision carries `why`, and may carry the limits within which it holds (see `farm.plan.scope`).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from farm.plan.recipe import ArchiveKind, Bytecode
from farm.plan.scope import Bound, Bounds, Row, Scope, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

Why = Annotated[str, Field(min_length=8)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
PackageName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]


class SourceRow(Row):
    """A source archive; the row's key is its version. See `farm.plan.recipe.Source`.

    `signed_by` is whose sigstore signature of it was verified when it was pinned; '' if nobody looked.
    """

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    sha256: Sha256
    path: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$")]
    pool: Annotated[str, Field(pattern=r"^([A-Za-z0-9._~+-]+(/[A-Za-z0-9._~+-]+)+)?$")] = ""
    epoch: Annotated[int, Field(ge=315532800)]
    signed_by: Annotated[str, Field(pattern=r'^[^"\\\x00-\x1f]*$')] = ""


class SignerRow(Span):
    """Who signs the source archives of some series with sigstore; any of those that hold for a version may have."""

    identity: Annotated[str, Field(pattern=r'^[^\s"\\]+$')]
    issuer: Annotated[str, Field(pattern=r'^https://[^\s"\\]+$')]
    why: Why
    link: str = ""


class SeriesRow(Row):
    """A feature release; the row's key is e.g. '3.13'. `lib` and `soname` are templates of series, thread and abiflags.

    `names` are what `bin/` must have beside the executable; `uv` says whether uv can install it.
    """

    status: Literal["end-of-life", "security", "bugfix", "prerelease"]
    eol: date
    lib: str = "python{series}{thread}"
    executable: str = "python{series}{abiflags}"
    soname: str = "libpython{series}{abiflags}.so.1.0"
    names: tuple[str, ...] = ("python", "python3", "pip", "pip3")
    bytecode: Bytecode
    bytecode_why: Why
    bytecode_link: str = ""
    compile_flags: Literal["CFLAGS_NODIST", "EXTRA_CFLAGS"] = "CFLAGS_NODIST"
    link_flags: Literal["LDFLAGS_NODIST", "LDFLAGS"] = "LDFLAGS_NODIST"
    uv: bool = True


class VariantRow(Row):
    """A variant; the row's key is its name. `thread` is the part of abiflags that also names the library folder."""

    abiflags: Literal["", "t", "d", "td"]
    thread: Literal["", "t"] = ""
    since: Bound = ()
    why: Why
    link: str = ""


class EmulatorRow(Row):
    """What runs an arch's programs on another one: a static qemu of a Debian package, and how the kernel tells them.

    `pool` is the package's path on a Debian mirror, `program` its path in the package, and `magic` and `mask` are what
    binfmt_misc compares a file's first bytes with. A `version` older than this one is not used.
    """

    version: Bound
    pool: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~+-]+(/[A-Za-z0-9._~+-]+)+$")]
    sha256: Sha256
    program: Annotated[str, Field(pattern=r"^usr/bin/[a-z0-9_-]+$")]
    magic: Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$")]
    mask: Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$")]
    why: Why
    link: str = ""


class ArchRow(Row):
    """An arch; the row's key is Debian's name for it. `family` is what uv's download index calls it."""

    cpu: str
    multiarch: str
    family: str
    machine: Literal["EM_X86_64", "EM_AARCH64"]
    platform: Annotated[str, Field(pattern=r"^linux/[a-z0-9/]+$")]
    interpreter: str = Field(description="SONAME of the dynamic loader")
    emulators: dict[str, EmulatorRow] = Field(default_factory=dict, description="by the arch of the host")


class ConfigureRow(Scope):
    """An argument of configure."""

    arg: Annotated[str, Field(pattern=r"^--[a-z][^\s]*$")]
    why: Why
    link: str = ""


class FlagRow(Scope):
    """A compiler or linker flag that make gets; the series says through which variable."""

    flag: Annotated[str, Field(pattern=r"^-[^\s]+$")]
    goes_to: Literal["compile", "link"]
    why: Why
    link: str = ""


class MakeRow(Scope):
    """A whole word for make, and the passes of the dual build that get it; `{jobs}` is the number of jobs.

    It is `NAME=value`, or `--eval=…`, which may set a variable for one target.
    """

    word: Annotated[str, Field(pattern=r"^([A-Z_]+|--eval)=.+$")]
    passes: Literal["both", "static"] = "both"
    why: Why
    link: str = ""


class EnvironmentRow(Scope):
    """An environment variable of the build; the row's key is its name."""

    value: str
    why: Why
    link: str = ""


class CrossRow(Scope):
    """What cross-compiling adds: arguments of configure, and environment variables, such as answers to configure's probes that
    only a machine of the cell's arch could find out by running something. `sysconfig` is what the Makefile, and so sysconfig,
    says on such a machine.

    `{multiarch}` and `{cpu}` are those of the cell's arch, `{on}` is the multiarch of the machine that builds.
    """

    configure: tuple[Annotated[str, Field(pattern=r"^--[a-z][^\s]*$")], ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    sysconfig: dict[Annotated[str, Field(pattern=r"^\w+$")], str] = Field(default_factory=dict)
    why: Why
    link: str = ""


class TrimRow(Scope):
    """A part of the tree that leaves install_only.

    Globs match the whole path of a file below the prefix; `**` is any number of folders, `{lib}` the library folder's name.
    """

    globs: Annotated[tuple[str, ...], Field(min_length=1)]
    archive: ArchiveKind | Literal[""]
    keep: tuple[str, ...] = ()
    why: Why
    link: str = ""


class ModuleRow(Scope):
    """What to expect of extension modules beyond what the source's own lists say."""

    names: Annotated[tuple[str, ...], Field(min_length=1)]
    present: bool
    why: Why
    link: str = ""


class LinkedRow(Scope):
    """Extension modules that are linked into the interpreter."""

    names: Annotated[tuple[str, ...], Field(min_length=1)]
    why: Why
    link: str = ""


class RejectedRow(Scope):
    """What would be another way to build, was measured, and is not taken."""

    what: Annotated[str, Field(min_length=1)]
    why: Why
    link: str = ""


class ScrubRow(Scope):
    """A regular expression; words of the shipped sysconfig that it matches whole are dropped, or become another word."""

    pattern: str
    becomes: Annotated[str, Field(pattern=r"^[^\s\\]*$")] = ""
    why: Why
    link: str = ""


class PatchRow(Scope):
    """A patch in `patches/`; the row's key is its file name."""

    sha256: Sha256
    why: Why
    link: str


class LibraryRow(Scope):
    """A library that a distro no longer has; the row's key is its name. See `farm.plan.recipe.Library`.

    `notice` is what the plan, the metadata and `farm info` say aloud. In files and commands `{target}` is its arch's target,
    `{openssldir}` the family's.
    """

    version: str
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    sha256: Sha256
    url: Annotated[str, Field(pattern=r"^https://")]
    pool: Annotated[str, Field(pattern=r"^([A-Za-z0-9._~+-]+(/[A-Za-z0-9._~+-]+)+)?$")] = ""
    epoch: Annotated[int, Field(ge=315532800)]
    targets: dict[str, str]
    files: dict[str, str] = Field(default_factory=dict)
    commands: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]
    sonames: Annotated[tuple[str, ...], Field(min_length=1)]
    license: str
    eol: date
    notice: Why
    why: Why
    link: str = ""


class TriedRow(Row):
    """That somebody tried: the day, and the last line of the log."""

    day: date
    log: Why


class ImpossibleRow(Scope):
    """A combination that cannot be had; `bytecode` limits it to those policies.

    `tried` is the proof, where there is one. `policy` is for what could be built, and is not offered.
    """

    bytecode: tuple[Bytecode, ...] = ()
    tried: TriedRow | None = None
    policy: bool = False
    why: Why
    link: str = ""

    @property
    def reason(self) -> str:
        """What the user reads: why, and how we know."""
        if self.policy:
            return f"{self.why} (not offered, by choice)"
        return f"{self.why} ({f'tried on {self.tried.day}: {self.tried.log}' if self.tried else 'not tried'})"


class ScopedModule(Scope):
    """An extension module of a capability, in the versions that have it under this name ('' is the interpreter)."""

    name: str


class FrontRow(Scope):
    """A file of the source's standard library that imports a capability's first extension module."""

    file: Annotated[str, Field(pattern=r"^Lib/[A-Za-z0-9_./-]+\.py$")]


class CapabilityRow(Scope):
    """What the tree can do because a package is there (distros say which); an optional one's `fronts` say what to install."""

    modules: tuple[ScopedModule, ...] = ()
    fronts: tuple[FrontRow, ...] = ()
    optional: bool = False
    why: Why
    link: str = ""

    def bounds(self) -> Iterator[Bounds]:
        """Limits of the row and of its modules."""
        yield from super().bounds()
        for part in (*self.modules, *self.fronts):
            yield from part.bounds()


class CostRow(Scope):
    """What a cell costs: seconds of two cores, MB of the build's volume, MB that stay in the store. Estimates only."""

    seconds: Annotated[int, Field(gt=0)]
    disk_mb: Annotated[int, Field(gt=0)]
    store_mb: Annotated[int, Field(gt=0)]
    why: Why
