"""What the distro's own Python told in a box, as it crosses from the build wing to whoever asked."""

from __future__ import annotations

from pydantic import Field

from farm.wire.messages import Message

EXECUTABLE = "executable"
PARTS = (EXECUTABLE, "libpython", "modules")


class Library(Message):
    """A library that the distro's Python needs, the package that has it, and the one to build with ('' if none does)."""

    soname: str
    package: str
    development: str


class Asked(Message):
    """What the source itself asks for: modules to link in, and extension modules (`Modules/Setup*`, setup.py)."""

    builtin: tuple[str, ...]
    extensions: tuple[str, ...]


class OurModules(Message):
    """The extension modules that our build of the same version has (`farm.store.artifact.ModulesInfo`)."""

    builtin: tuple[str, ...]
    shared: tuple[str, ...]
    tests: tuple[str, ...]


class Yardstick(Message):
    """How the distro made its Python. `cell` is the cell of ours to compare it with.

    `arguments` and `flags` have no build folder in them any more: it is written {source}. `hardening` says for each feature
    which parts of the Python have it; a part of many files has it only if all of them show it, and of a feature that not
    every file can show (guards that are called only where there is something to guard) if any does.
    """

    cell: str
    package: str = Field(description="the package of the executable and its version")
    version: str
    arguments: tuple[str, ...]
    flags: tuple[str, ...]
    builtin: tuple[str, ...]
    shared: tuple[str, ...]
    maxunicode: int
    needs_libpython: tuple[str, ...] = Field(description="which of executable and modules need libpython")
    libraries: tuple[Library, ...]
    requires: tuple[str, ...] = Field(description="packages that its run-time packages depend on, its own left out")
    hardening: dict[str, tuple[str, ...]]
    sizes: dict[str, int] = Field(description="bytes of executable, libpython and the library folder")
    asked: Asked
    ours: OurModules
