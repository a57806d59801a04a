"""The distro's own Python, installed beside our development packages into the base image, and what it says of itself."""

from __future__ import annotations

import io
import re
import shlex
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from farm.errors import BuildFailed
from farm.plan.distro_rows import YardstickRow
from farm.plan.facts import Distro
from farm.settings import Settings
from farm.wire.messages import Message
from farm.wire.yardstick import Asked, Library, OurModules, Yardstick
from workers.build.image import ImageMaker
from workers.build.modules import expected, source_lists
from workers.build.sources import fetch
from workers.engine.protocol import BoxSpec, Engine, Limits
from workers.yardstick.elves import Binary, binary, hardening

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.plan.recipe import Recipe
    from workers.engine.protocol import Box

MARK = "@@facts "
_ELVES = "elves"
_LARGEST = 256 << 20  # bytes of all binaries of one Python
_FLAGS = ("CFLAGS=", "CPPFLAGS=", "LDFLAGS=")  # their words are in the flags already


class _Told(Message):
    """The answer of probe.py."""

    version: str
    arguments: str
    folder: str
    flags: tuple[str, ...]
    builtin: tuple[str, ...]
    modules: tuple[str, ...]
    maxunicode: int
    libraries: dict[str, str]
    development: dict[str, str]
    sizes: dict[str, int]


@dataclass(frozen=True)
class Auditor:
    """Asks the distro's Python of one series in an engine."""

    distro: Distro
    row: YardstickRow
    engine: Engine
    settings: Settings
    on_line: Callable[[str], None]

    def observe(self, recipe: Recipe) -> Yardstick:
        """How the distro made its Python, and what a build by our recipe of the same series would have.

        Raises BuildFailed when the distro's Python does not answer, Transient, BadInput.
        """
        asked, ours = _from_source(fetch(recipe.source, self.settings, self.on_line), recipe)
        maker = ImageMaker(self.distro, recipe.cell.arch, self.engine, self.settings, self.on_line)
        image = maker.with_packages("yardstick", tuple(sorted({*recipe.build_packages, *self.row.packages})))
        with self.engine.box(BoxSpec(image, Limits(deadline_s=600))) as box:
            told = self._ask(box)
            binaries = _binaries(box)
            needed = sorted({soname for one in binaries for soname in one.needed if not soname.startswith("libpython")})
            paths = [self.row.executable, *(path for name in needed for path in _places(told, name) if path)]
            owners = self._owners(box, paths)
            requires = self._requires(box)
            versions = dict(line.split()[:2] for line in self._lines(box, self.distro.family.query) if line.strip())
        package = owners.get(self.row.executable, "")
        return Yardstick(
            cell=str(recipe.cell),
            package=f"{package} {versions.get(package, '')}".strip(),
            version=told.version,
            arguments=tuple(word for word in _words(told, [told.arguments]) if not word.startswith(_FLAGS)),
            flags=tuple(dict.fromkeys(word for word in _words(told, told.flags) if re.match("-(?!I)", word))),
            builtin=tuple(sorted(told.builtin)),
            shared=told.modules,
            maxunicode=told.maxunicode,
            needs_libpython=_needing_libpython(binaries),
            libraries=tuple(_library(name, told, owners) for name in needed),
            requires=requires,
            hardening=hardening(binaries),
            sizes=told.sizes,
            asked=asked,
            ours=ours,
        )

    def _ask(self, box: Box) -> _Told:
        box.put("/work", _tar("probe.py", (resources.files("workers.yardstick") / "probe.py").read_bytes()))
        done = box.run([self.row.executable, "/work/probe.py", f"/work/{_ELVES}"], timeout_s=300)
        answer = next((line for line in done.output.splitlines() if line.startswith(MARK)), "")
        try:
            return _Told.model_validate_json(answer.removeprefix(MARK))
        except ValidationError as error:
            raise BuildFailed(
                f"{self.row.executable} of {self.distro.id} gave no answer: {error}: {done.output[-300:]}"
            ) from error

    def _owners(self, box: Box, paths: Iterable[str]) -> dict[str, str]:
        """Which package has each path, whether it says /lib or /usr/lib."""
        asked = sorted({spelling for path in paths for spelling in _spellings(path)})
        done = box.run(["sh", "-c", self.distro.family.owners, "owners", *asked])  # it fails when one of them has no owner
        known = {
            found["path"]: found["package"]
            for line in done.output.splitlines()
            if (found := re.match(self.distro.family.owner, line))
        }
        return {path: known[one] for path in paths for one in _spellings(path) if one in known}

    def _requires(self, box: Box) -> tuple[str, ...]:
        """What the distro's packages of this Python depend on, except on each other."""
        asked = [line.split() for line in self._lines(box, self.distro.family.depends)]
        named = {package: source for package, source, *_ in asked}
        needs = {
            dependency
            for package, source, dependency in asked
            if source in self.row.sources and package not in self.row.development
        }
        return tuple(sorted(need for need in needs if named.get(need) not in self.row.sources))

    def _lines(self, box: Box, command: str) -> list[str]:
        done = box.run(["sh", "-c", command])
        if not done.ok:
            raise BuildFailed(f"{self.distro.id} does not say what is installed: {done.output[-300:]}")
        return done.output.splitlines()


def _from_source(archive: Path, recipe: Recipe) -> tuple[Asked, OurModules]:
    lists = source_lists(archive)
    modules = expected(lists, recipe)
    asked = Asked(builtin=tuple(sorted(lists.builtin)), extensions=tuple(sorted(lists.extensions)))
    return asked, OurModules(builtin=modules.builtin, shared=modules.shared, tests=modules.tests)


def _words(told: _Told, texts: Iterable[str]) -> tuple[str, ...]:
    """The words of shell texts; the folder that the distro built in, which has the package's version in it, as {source}."""
    folder = re.sub(r"/build-\w+$|/debian/.*$", "", told.folder) or "\0"
    return tuple(word.replace(folder, "{source}") for text in texts for word in shlex.split(text))


def _library(soname: str, told: _Told, owners: dict[str, str]) -> Library:
    package, development = (owners.get(path, "") for path in _places(told, soname))
    return Library(soname=soname, package=package, development=development)


def _places(told: _Told, soname: str) -> tuple[str, str]:
    return told.libraries.get(soname, ""), told.development.get(soname, "")


def _spellings(path: str) -> tuple[str, ...]:
    return (path, path.removeprefix("/usr")) if path.startswith("/usr/") else (path, f"/usr{path}")


def _needing_libpython(binaries: Iterable[Binary]) -> tuple[str, ...]:
    """Which parts need libpython, apart from itself."""
    needing = {one.part for one in binaries if any(name.startswith("libpython") for name in one.needed)}
    return tuple(sorted(needing - {"libpython"}))


def _binaries(box: Box) -> list[Binary]:
    """What the probe copied, read on this host."""
    with tempfile.TemporaryDirectory(prefix="farm-audit-") as folder, tempfile.TemporaryFile() as spool:
        for block in box.get(f"/work/{_ELVES}"):
            spool.write(block)
            if spool.tell() > _LARGEST:
                raise BuildFailed(f"the distro's Python has binaries of more than {_LARGEST >> 20} MB")
        spool.seek(0)
        found = []
        with tarfile.open(fileobj=spool) as tar:
            for member in tar:
                if member.isfile() and (data := tar.extractfile(member)):
                    path = Path(folder, Path(member.name).name)
                    path.write_bytes(data.read())
                    found.append(binary(path))
    return found


def _tar(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), 0o644
        tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
