"""Base images: the pristine distro, pulled from a registry or bootstrapped from an apt mirror, the same bytes on one day."""

from __future__ import annotations

import hashlib
import shutil
from collections import deque
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from farm.errors import BadInput, Transient
from farm.plan.recipe import BaseImage
from farm.store import scratch
from farm.store.urls import without_secrets
from workers.build.days import drop_old, today
from workers.build.mirror import mirror_roots
from workers.engine.protocol import bounds_of
from workers.engine.watch import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from farm.settings import Settings
    from workers.engine.protocol import Bounds, Engine

_BLOCK = 1 << 20
# What mmdebstrap copies from the host: other bytes on every host, and the engine lays its own over them anyway.
_FORGET_HOST = 'rm -f "$1/etc/hostname" "$1/etc/resolv.conf"'


@dataclass(frozen=True)
class Release:
    """A distro release as a base image needs it.

    e.g. name 'debian13', image 'debian:trixie-slim', suites ('trixie', 'trixie-updates', 'trixie-security'), and the
    keyring that signs them, which is at the same path on the host and in the image. The first suite must exist; without suites
    the image can only be pulled.
    """

    name: str
    image: str
    suites: tuple[str, ...]
    keyring: str


@dataclass(frozen=True)
class Found:
    """A suite on a mirror. `dated` is its Release file's date, in epoch seconds."""

    root: str
    suite: str
    dated: int


def ensure_base(
    release: Release,
    arch: str,
    engine: Engine,
    settings: Settings,
    on_line: Callable[[str], None],
    cancelled: Callable[[], bool] = bool,
    *,
    day: str = "",
) -> BaseImage:
    """The base image of a release, in the engine; at most as old as the day (`YYYYMMDD`, UTC today when empty).

    Raises Transient when neither registry nor mirror answers in time, BadInput when this host lacks what bootstrapping needs,
    and Cancelled soon after `cancelled` says so.
    """
    day, bounds = day or today(), bounds_of(settings, cancelled)
    repository = repository_of(release.name, arch)
    bootstrapped = f"{repository}:{day}"
    if settings.base_image != "pull" and (layers := engine.layers(bootstrapped)):
        return BaseImage(bootstrapped, "bootstrap", layers)
    if settings.base_image != "bootstrap":
        try:
            return _pulled(release, arch, engine, settings, day, bounds)
        except Transient as trouble:
            if settings.base_image == "pull":
                raise
            if lacks := _lacking(release):
                raise Transient(f"{lacks.message}: {trouble.message}", hint=lacks.hint) from trouble
            on_line(f"no registry gives {release.image} ({trouble.message}); bootstrapping it from a mirror")
    rootfs = _rootfs(release, arch, day, settings, on_line, bounds)
    with rootfs.open("rb") as stream:
        engine.load_base(stream, bootstrapped, arch=arch, bounds=bounds)
    drop_old(engine, repository, day)
    return BaseImage(bootstrapped, "bootstrap", _layers(engine, bootstrapped))


def repository_of(distro: str, arch: str) -> str:
    """What bootstrapped base images are called in an engine; their tags are days."""
    return f"python-farm/base-{distro}-{arch}"


def _layers(engine: Engine, image: str) -> tuple[str, ...]:
    if layers := engine.layers(image):
        return layers
    raise Transient(f"the engine took {image} and now has no such image", hint="is something else removing images?")


def _pulled(release: Release, arch: str, engine: Engine, settings: Settings, day: str, bounds: Bounds) -> BaseImage:
    """The image by its name in the registry, asked for once a day."""
    name = f"{settings.registry.rstrip('/')}/{release.image}" if settings.registry else release.image
    mark = _folder(settings) / f"pulled-{hashlib.sha256(f'{name} {arch}'.encode()).hexdigest()[:16]}"
    fresh = mark.is_file() and mark.read_text().split() == [day, *(engine.layers(name) or ("gone",))]
    if not fresh:
        engine.load_base(None, name, arch=arch, bounds=bounds)
    layers = _layers(engine, name)
    mark.write_text(" ".join((day, *layers)))
    return BaseImage(name, "pull", layers)


def _folder(settings: Settings) -> Path:
    folder = settings.cache / "bases"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _rootfs(release: Release, arch: str, day: str, settings: Settings, on_line: Callable[[str], None], bounds: Bounds) -> Path:
    """A bootstrapped root file system as a tar, from the cache if it is there and whole."""
    stem = f"{release.name}-{arch}-"
    folder = _folder(settings)
    for kept in folder.glob(f"{stem}{day}-*.tar"):
        if kept.name == f"{stem}{day}-{_sha256(kept)}.tar":
            on_line(f"{release.name}: the root file system of today is in the cache, sha256 is right")
            return kept
        on_line(f"{kept}: damaged; removed, bootstrapping it again")
        kept.unlink(missing_ok=True)
    with scratch.part(settings.cache) as private:
        partial = private / "rootfs.tar"
        _bootstrap(release, arch, partial, settings, on_line, bounds)
        target = folder / f"{stem}{day}-{_sha256(partial)}.tar"
        partial.replace(target)
    for old in folder.glob(f"{stem}*.tar"):
        if old != target:
            old.unlink(missing_ok=True)
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bootstrap(
    release: Release, arch: str, target: Path, settings: Settings, on_line: Callable[[str], None], bounds: Bounds
) -> None:
    if lacks := _lacking(release):
        raise lacks
    found = find_suites(release.suites, mirror_roots(settings), settings)
    command = mmdebstrap(found, release.keyring, arch, target)
    on_line(f"{release.name}: bootstrapping {', '.join(each.suite for each in found)} from {without_secrets(found[0].root)}")
    # Equal packages give equal bytes: no file is newer than the release itself (https://reproducible-builds.org/specs/source-date-epoch).
    environment = ["env", f"SOURCE_DATE_EPOCH={found[0].dated}", "LC_ALL=C.UTF-8"]
    last: deque[str] = deque(maxlen=15)

    def hear(line: str) -> None:
        on_line(line)
        last.append(line)

    if code := run([*environment, *command], f"the bootstrap of {release.name}", bounds, hear):
        raise Transient(
            f"mmdebstrap ended with {code} while making {release.name} for {arch}:\n  " + "\n  ".join(last),
            hint=f"run it by hand: {' '.join(command[: -len(found)])} …",
        )


def _lacking(release: Release) -> BadInput | None:
    """What this host lacks to bootstrap a release."""
    if not release.suites:
        return BadInput(
            f"the base image of {release.name} can only be pulled, and no registry gives {release.image}",
            hint="FARM_REGISTRY names a registry that has it; or take the distro out of the matrix",
        )
    if not shutil.which("mmdebstrap"):
        return BadInput(
            f"{release.name} must be bootstrapped, and mmdebstrap is not installed",
            hint="apt-get install mmdebstrap; on a host without apt set FARM_BASE_IMAGE=pull and FARM_REGISTRY",
        )
    if not Path(release.keyring).is_file():
        return BadInput(
            f"{release.name} is signed with keys that this host does not have: {release.keyring}",
            hint=f"apt-get install {Path(release.keyring).stem}",
        )
    return None


def mmdebstrap(found: tuple[Found, ...], keyring: str, arch: str, target: Path) -> list[str]:
    """The command that makes a pristine root file system whose apt names the same mirror."""
    # apt in the image can only speak TLS to the mirror when it has CA certificates.
    https = any(each.root.startswith("https:") for each in found)
    # Whether programs of the arch run here, the farm has asked already; mmdebstrap looks for an emulator by Debian's own names.
    return [
        "mmdebstrap",
        "--variant=minbase",
        "--skip=check/qemu",
        f"--architectures={arch}",
        "--format=tar",
        *(["--include=ca-certificates"] if https else []),
        f"--customize-hook={_FORGET_HOST}",
        found[0].suite,
        str(target),
        *(f"deb [signed-by={keyring}] {each.root} {each.suite} main" for each in found),
    ]


def find_suites(suites: tuple[str, ...], roots: tuple[str, ...], settings: Settings) -> tuple[Found, ...]:
    """Where each suite is: at the first root that has it. Only the first suite must be somewhere.

    Raises BadInput when no mirror is known, Transient when a mirror does not answer or has not got the first suite.
    """
    if not roots:
        raise BadInput("this host has no apt mirror to bootstrap from", hint="set FARM_APT_MIRROR to a mirror's url")
    found = tuple(place for suite in suites for place in _first(suite, roots, settings))
    if not found or found[0].suite != suites[0]:
        asked = ", ".join(without_secrets(root) for root in roots)
        raise Transient(f"no mirror has {suites[0]}: asked {asked}", hint="FARM_APT_MIRROR names another mirror")
    return found


def _first(suite: str, roots: tuple[str, ...], settings: Settings) -> Iterator[Found]:
    for root in roots:
        url = f"{root}/dists/{suite}/Release"
        shown = without_secrets(url)
        try:
            answer = requests.get(url, timeout=(10, 30), verify=settings.ca_bundle or True)
        except requests.RequestException as error:
            raise Transient(
                f"the mirror does not answer: {shown}: {error}".replace(url, shown), hint="FARM_APT_MIRROR names another one"
            ) from error
        if answer.status_code == requests.codes.ok:
            yield Found(root, suite, _date(answer.text))
            return
        if answer.status_code >= 500:  # noqa: PLR2004 - HTTP: it might have it, so leaving it out would be wrong
            raise Transient(f"the mirror answered {answer.status_code}: {shown}")


def _date(release_file: str) -> int:
    """A Release file's own date, in epoch seconds."""
    for line in release_file.splitlines():
        if line.startswith("Date:"):
            return int(parsedate_to_datetime(line.partition(":")[2]).timestamp())
    raise Transient("the mirror's Release file has no date", hint="does a captive portal or a proxy answer in its place?")
