"""The metadata of an artifact: what is published beside the archives, and the part of it that lies inside them.

`BuildInfo` holds only what two builds of one recipe and inputs agree on, so that the archive's bytes can be equal; it lies
inside every archive. `Artifact` adds what differs each time (build id, durations, when, findings, the archives' own
hashes) and is published beside them. Both have a JSON Schema (`farm schema`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from farm.plan.recipe import ArchiveKind, Form, How

SCHEMA_VERSION: Literal[1] = 1
BUILD_INFO_PATH = "share/python-farm/build.json"
UPSTREAM_SBOM_PATH = "share/python-farm/cpython.spdx.json"  # CPython's own, of its source; since 3.12.2

Severity = Literal["error", "warning", "note"]
Beside = Literal["sbom", "provenance"]


# Names that end up in a command or a path: an archive's metadata may come from anybody.
PackageName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.:-]*$", max_length=100)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=100)]
CheckId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]*$", max_length=100)]


class Model(BaseModel):
    """What all published JSON has in common: frozen, and no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(Model):
    """One thing that a check saw."""

    check: str = Field(description="id of the check, e.g. 'linkage.libpython'")
    severity: Severity
    message: str
    file: str = Field(default="", description="path inside the archive, relative to python/")
    hint: str = Field(default="", description="what to do about it")


class PackageVersion(Model):
    """A distro package at an exact version."""

    name: PackageName
    version: str


class BaseImageInfo(Model):
    """The distro image that was built on."""

    name: str
    how: Literal["pull", "bootstrap"]
    layers: tuple[str, ...] = Field(description="sha256 of each layer's content")


class SourceInfo(Model):
    """The source archive."""

    url: str = Field(description="where python.org publishes these bytes")
    sha256: str
    epoch: int = Field(description="SOURCE_DATE_EPOCH of the build, in seconds")


class PatchInfo(Model):
    """A patch that was applied."""

    file: str
    sha256: str
    why: str
    link: str


class LibraryInfo(Model):
    """A library of our own in `lib/private`, because the distro no longer has it: nobody but a new build of ours updates it."""

    name: str
    version: str
    url: str
    sha256: str
    eol: str = Field(description="end of its upstream support, as a date")
    notice: str
    why: str


class RuntimePackageInfo(Model):
    """A distro package that is needed at run time, and by which modules ('' is the interpreter itself)."""

    name: PackageName
    version: str = Field(default="", description="its version in the builder image, '' where no development package brings it")
    modules: tuple[str, ...]
    sonames: tuple[str, ...]
    optional: bool = False


class ConfigureInfo(Model):
    """What configure and make were told."""

    shared: tuple[str, ...] = Field(description="arguments of configure")
    static: tuple[str, ...] = Field(description="what only pass 2 got: words for make (of old, arguments of configure)")
    make: tuple[str, ...] = Field(description="words for make in both passes")


class ModulesInfo(Model):
    """Which extension modules the tree must have, from the source's own lists and our rows; never read off the tree."""

    builtin: tuple[str, ...]
    shared: tuple[str, ...]
    tests: tuple[str, ...] = Field(description="shared modules of the `tests` archive")
    stdlib: tuple[str, ...] = Field(description="top-level names of the standard library")


class ElfInfo(Model):
    """What the binaries say of themselves."""

    sonames: tuple[str, ...] = Field(description="every library that is NEEDED and not in the archive")
    glibc: str = Field(description="highest GLIBC_x symbol version that is needed, e.g. '2.38'")


class BuildInfo(Model):
    """What is inside every archive, at `share/python-farm/build.json`. The same for equal recipe and inputs."""

    schema_version: Literal[1] = SCHEMA_VERSION
    cell: str
    python: str
    series: str
    distro: str
    arch: str
    variant: str
    abiflags: str
    lib: FileName = Field(description="name of the library folder, e.g. 'python3.13'")
    executable: FileName = Field(description="name of the real executable in bin/")
    names: tuple[FileName, ...] = Field(
        default=("python", "python3", "pip", "pip3"), description="what must be in bin/ beside the executable"
    )
    soname: FileName = Field(description="SONAME of libpython")
    optimize: str
    bytecode: str
    recipe: str = Field(description="digest of the recipe")
    inputs: str = Field(description="digest of the inputs")
    source: SourceInfo
    patches: tuple[PatchInfo, ...]
    base_image: BaseImageInfo
    builder_packages: tuple[PackageVersion, ...]
    built: How = Field(default="native", description="on a machine of the cell's arch, or cross-compiled on another one")
    compiler: str
    configure: ConfigureInfo
    runtime: tuple[RuntimePackageInfo, ...]
    libraries: tuple[LibraryInfo, ...] = Field(default=(), description="what is in lib/private")
    untested: str = Field(default="", description="why the facts of its distro were not tried before; '' for those that were")
    modules: ModulesInfo
    elf: ElfInfo
    openssl: str = Field(description="as ssl.OPENSSL_VERSION says, '' without ssl")
    sqlite: str = Field(description="as sqlite3.sqlite_version says, '' without sqlite3")


class ArchiveInfo(Model):
    """One archive as published."""

    kind: ArchiveKind
    format: Form
    name: str = Field(description="file name; before publication the name it was staged under")
    size: int = Field(description="bytes")
    sha256: str
    tar_sha256: str = Field(description="sha256 of the uncompressed tar; equal for both formats of a kind")


class Yank(Model):
    """Why no channel offers a build any more. Lies in the store under the build's name; taking it away takes the yank back."""

    reason: str = Field(min_length=1, max_length=500)
    when: str = Field(description="RFC 3339 in UTC")


class VerifiedIn(Model):
    """What the archive was verified in, and with which checks. Beside the archive, not inside: all of it is of that day."""

    runtime_image: str = Field(description="the engine's id of the run-time image")
    builder_image: str = Field(description="the engine's id of the builder image")
    packages: tuple[PackageVersion, ...] = Field(description="every package in the run-time image")
    passed: tuple[CheckId, ...] = Field(default=(), description="checks that ran and saw no error; none named in early builds")
    without: tuple[CheckId, ...] = Field(default=(), description="checks that found nothing to look at in this build")

    def version(self, package: str) -> str:
        """The version of a package in the run-time image; '' when it is not installed there."""
        return next((found.version for found in self.packages if found.name == package), "")


class Isolation(Model):
    """How the box that it was built in was shut in: the very values that the worker gave to its engine."""

    network: str = Field(description="'none': not even a way to other boxes")
    user: str = Field(description="user and group, by number")
    cap_drop: tuple[str, ...] = Field(description="capabilities that were taken away")
    security_opt: tuple[str, ...]
    read_only: bool = Field(description="the root; only its volume /work and /tmp can be written")
    memory_bytes: int = Field(description="most memory, swap included")
    pids: int = Field(description="most processes and threads at once")
    cpus: float = Field(description="most CPUs, if the machine has as many; 0 is all")
    deadline_s: int = Field(description="when it ends in any case")


class StepTime(Model):
    """How long a step took, and how much of the cores it had."""

    step: str
    seconds: float
    cpu_seconds: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        description="of its boxes and of the worker, not of what the engine does itself; absent where nobody can tell",
    )

    @property
    def cores(self) -> float | None:
        """How many cores were busy on average; None when nobody can tell."""
        return self.cpu_seconds / self.seconds if self.cpu_seconds is not None and self.seconds > 0 else None


class Artifact(Model):
    """A published build of a cell. Lies beside its archives as `<stem>.json`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    build_id: str = Field(pattern=r"^\d{10}$")
    channel: str
    created: str = Field(description="when it was published, RFC 3339 in UTC")
    worker: str
    engine: str
    run: str
    attempt: int
    build: BuildInfo
    archives: tuple[ArchiveInfo, ...]
    findings: tuple[Finding, ...]
    steps: tuple[StepTime, ...]
    verified: VerifiedIn | None = Field(default=None, description="what it was verified in; absent in early builds")
    started: str = Field(default="", description="when its attempt was granted, RFC 3339 in UTC; absent in early builds")
    farm: str = Field(default="", description="version of python-farm on the worker; absent in early builds")
    isolation: Isolation | None = Field(default=None, description="how its box was shut in; absent in early builds")
    beside: tuple[Beside, ...] | None = Field(
        default=None, description="what else was written beside the archives; absent in early builds"
    )

    def archive(self, kind: ArchiveKind, form: str) -> ArchiveInfo:
        """The archive of that kind and format. Raises LookupError when it was not published."""
        for archive in self.archives:
            if (archive.kind, archive.format) == (kind, form):
                return archive
        raise LookupError(f"{self.build.cell} has no {kind} {form}")
