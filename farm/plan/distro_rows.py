"""What `families.toml` and the files of `distros/` may say, in the manner of `farm.plan.rows`."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from farm.plan.rows import PackageName, Why
from farm.plan.scope import Bound, Bounds, Row, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator


def _pattern(text: str) -> str:
    """A regular expression. Raises ValueError for anything else."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]


class ProvidedPackage(Scope):
    """A run-time package of a distro. `modules` narrows the capability's modules to those that need this package."""

    name: PackageName
    sonames: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


class ProvidesRow(Scope):
    """How a distro provides a capability: packages to build with, and packages to run with.

    `tools` are programs of the machine that builds, on arches for which the row holds; `build` is for the arch that is built.
    """

    build: tuple[PackageName, ...] = ()
    tools: tuple[PackageName, ...] = ()
    runtime: tuple[ProvidedPackage, ...] = ()
    why: str = ""

    def built_with(self, arch: str) -> tuple[str, ...]:
        """Packages to build with on a machine of an arch, whichever Python: one builder image is for all."""
        return (*self.build, *(self.tools if not self.arches or arch in self.arches else ()))

    def bounds(self) -> Iterator[Bounds]:
        """Limits of the row and of its packages."""
        yield from super().bounds()
        for package in self.runtime:
            yield from package.bounds()


class FamilyRow(Row):
    """A distro family; the row's key is its name. `install` has `{packages}`; `query` prints a name and a version a line.

    `lists` fetches the lists of packages, or fails, where `install` alone would do with some: an image of ours may not.
    `missing` is a regular expression for what `install` says of a package that the distro does not have: that is for good,
    and anything else that fails is the mirror's trouble; with '' all is for good. `advise` is what a user types to install
    packages.
    `foreign` prepares an image for packages of another `{arch}`, for cross-compiling; `query` then names those `name:arch`.
    `current` succeeds in an image whose packages are all the newest ones.
    `owners` is shell text that gets paths as its arguments and says which package has each; a line of its answer that tells
    one matches the regular expression `owner`, which has groups `package` and `path`. `libc` are packages of every image.
    `depends` prints an installed package, its source package and one that it depends on a line, for `farm audit`.
    `files` is shell text that gets names of source packages as arguments and prints every path of what is installed of them.
    `openssldir` is where the distro's OpenSSL looks for its configuration and for certificates.
    """

    install: Annotated[str, Field(pattern=r"\{packages\}")]
    lists: str = ""
    foreign: Annotated[str, Field(pattern=r"\{arch\}")] = ""
    missing: Pattern = ""
    advise: Annotated[str, Field(pattern=r"^[^'|&\\%]*\{packages\}$")]
    current: str
    query: str
    owners: Annotated[str, Field(pattern=r"\$@")]
    owner: Annotated[str, Field(pattern=r"\(\?P<package>.*\(\?P<path>|\(\?P<path>.*\(\?P<package>")]
    libc: tuple[PackageName, ...]
    depends: str = ""
    files: str = ""
    openssldir: Annotated[str, Field(pattern=r"^/")]
    openssldir_why: Why
    openssldir_link: str = ""
    why: Why
    link: str = ""


class YardstickRow(Row):
    """A Python of the distro's own, for `farm audit`; the row's key is its series.

    `packages` are installed for it; those whose source package is one of `sources` are it, `development` ones apart. Where it
    is verified as a tree of ours, so is what the distro keeps in packages `besides`, of `besides_sources`: pip, venv, IDLE.
    """

    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    executable: Annotated[str, Field(pattern=r"^/")]
    packages: Annotated[tuple[PackageName, ...], Field(min_length=1)]
    sources: Annotated[tuple[PackageName, ...], Field(min_length=1)]
    development: tuple[PackageName, ...]
    besides: tuple[PackageName, ...] = ()
    besides_sources: tuple[PackageName, ...] = ()


class NamesRow(Row):
    """Where names of a distro's packages were read, and when; the row's key is what it was."""

    link: Annotated[str, Field(pattern=r"^https://")]
    read: date
    packages: Annotated[tuple[PackageName, ...], Field(min_length=1)]


class CrossToolchainRow(Row):
    """How a distro cross-compiles for an arch; the row's key is that arch. `on` is the arch of the machines that do it.

    `toolchain` are packages beside the distro's own toolchain, `foreign` those that are wanted for the cell's arch beside the
    development packages of the capabilities. `tools` are the cross tools by the names that native ones have.
    """

    on: str
    toolchain: Annotated[tuple[PackageName, ...], Field(min_length=1)]
    foreign: tuple[PackageName, ...] = ()
    tools: dict[str, str]
    why: Why
    link: str = ""


class DistroFile(Row):
    """A file of `distros/`. Its name is the distro's id."""

    inherits: str = ""
    family: str
    version_id: str
    codename: str
    image: str = Field(description="name of the image to pull, without a registry's host")
    libc: Literal["gnu", "musl"]
    libc_version: Bound
    openssl: Bound
    gcc: Bound = Field(description="the version of its own compiler, which warns or refuses from some version on")
    suites: tuple[str, ...] = Field((), description="of a mirror, to bootstrap the base image from; the first must be there")
    security_suite: str = ""
    keyring: str = Field("", pattern=r"^(/.*)?$", description="of the suites; '' where the image can only be pulled")
    newest_suites: tuple[str, ...] = Field((), description="where `farm pins update` looks for sources")
    eol: date
    package_page: str = Field(
        "", pattern=r"^(https://.*\{package\}.*)?$", description="where a package's name can be looked up"
    )
    packages_dated: date | None = Field(
        None, description="the day on which builds last installed them all; none where no build did"
    )
    untested: str = Field("", description="why nobody has built on it yet; '' once a real build has passed")
    toolchain: Annotated[tuple[PackageName, ...], Field(min_length=1)]
    toolchain_why: Why
    embedders: tuple[PackageName, ...] = ()
    embedders_why: str = ""
    yardsticks: dict[str, YardstickRow] = Field(default_factory=dict)
    provides: dict[str, ProvidesRow]
    names: dict[str, NamesRow] = Field(default_factory=dict)
    cross: dict[str, CrossToolchainRow] = Field(default_factory=dict)
