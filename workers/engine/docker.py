"""Docker Engine, or Podman's compatible socket, through docker-py. Only what lies beside this module imports it, too."""

from __future__ import annotations

import io
import tarfile
import time
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from typing import IO, TYPE_CHECKING, Any

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from farm.errors import Cancelled, EngineUnavailable, FarmError, Transient
from workers.engine import images
from workers.engine.box import DockerBox
from workers.engine.images import MANAGED
from workers.engine.isolation import isolation, words
from workers.engine.owners import OWNER, half_made, orphaned, owned
from workers.engine.protocol import USUAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workers.engine.protocol import Bounds, Box, BoxSpec

WORK = "/work"
_REMOVE_S, _REMOVE_PAUSE_S = 20.0, 0.5


@contextmanager
def classified() -> Iterator[None]:
    """Turns what docker-py raises into errors of ours: the engine's failures are transient. Also a decorator."""
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError) as error:
        raise EngineUnavailable(
            f"the container engine does not answer: {error}", hint="is it running? try: docker info"
        ) from error
    except DockerException as error:
        raise Transient(f"the container engine refused: {error}", hint="see the engine's own log") from error


class DockerEngine:
    """A container engine at a url, e.g. unix:///var/run/docker.sock."""

    def __init__(self, url: str) -> None:
        """Connect. Raises EngineUnavailable when nothing answers there."""
        try:
            self._url = url
            self._client = docker.DockerClient(base_url=url, version="auto", timeout=120)
            self._name = self._described()
        except (DockerException, requests.RequestException) as error:
            raise EngineUnavailable(
                f"no container engine answers at {url}: {error}",
                hint="start it, or name another one with FARM_ENGINE",
            ) from error

    def _described(self) -> str:
        version = self._client.version()
        name = next((part["Name"] for part in version.get("Components", ()) if "Engine" in part.get("Name", "")), "Engine")
        return f"{'Docker ' if name == 'Engine' else ''}{name} {version['Version']}"

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    @property
    def name(self) -> str:
        """What answers, e.g. 'Docker Engine 20.10.24'."""
        return self._name

    @classified()
    def layers(self, image: str) -> tuple[str, ...] | None:
        """Content digests of an image's layers; None when the engine has no such image."""
        try:
            return tuple(self._client.images.get(image).attrs["RootFS"]["Layers"])
        except ImageNotFound:
            return None

    @classified()
    def tags(self, repository: str) -> tuple[str, ...]:
        """The tags that the engine has of a repository (an image's name without its tag)."""
        names = (name.rpartition(":") for image in self._client.images.list(name=repository) for name in image.tags)
        return tuple(sorted(tag for name, _, tag in names if f"/{name}".endswith(f"/{repository}")))

    @classified()
    def tag(self, image: str, new: str) -> None:
        """Give an image another name."""
        repository, _, tag = new.rpartition(":")
        self._client.images.get(image).tag(repository, tag)

    @classified()
    def drop(self, image: str) -> None:
        """Take a name away, and the image with its last one. Nothing happens when it is in use or not there."""
        with suppress(APIError):  # in use: the next one who looks takes it away
            self._client.images.remove(image)

    @classified()
    def identity(self, image: str) -> str:
        """The engine's own id of an image, e.g. 'sha256:…'; '' when it has no such image."""
        try:
            return str(self._client.images.get(image).id)
        except ImageNotFound:
            return ""

    @classified()
    def load_base(self, rootfs: IO[bytes] | None, image: str, *, arch: str, bounds: Bounds = USUAL) -> None:
        """Make `image` exist: import a root file system, or pull by that name when `rootfs` is None.

        Raises Transient, and Cancelled.
        """
        if rootfs is not None:
            images.load(self._connect, rootfs, image, bounds)
            return
        images.pull(self._connect, image, arch, bounds)
        # Engines have taken what they had under that name for another architecture: https://github.com/docker/for-mac/issues/5625
        if (got := self._client.images.get(image).attrs["Architecture"]) != arch:
            raise Transient(f"{image} was asked for {arch}, and is for {got}", hint="does that registry have it for both?")

    @classified()
    def build(
        self, image: str, dockerfile: str, *, on_line: Callable[[str], None] | None = None, bounds: Bounds = USUAL
    ) -> None:
        """Build an image from a Dockerfile with no context. Raises BuildFailed, Transient or Cancelled."""
        images.build(self._connect, image, dockerfile, on_line, bounds)

    def _connect(self) -> docker.APIClient:
        """A connection of its own."""
        return docker.APIClient(base_url=self._url, version=self._client.api.api_version)

    @contextmanager
    def box(self, spec: BoxSpec) -> Iterator[Box]:
        """A box that lives while the context does, and ends by itself when this process dies."""
        self.sweep()
        try:
            container = self._create(spec)
        except FarmError:
            with suppress(FarmError):  # where the engine has failed on the way, there is a volume already
                self.sweep()
            if spec.cancelled():  # which has taken away the box that this one was to see
                raise Cancelled("the cell was cancelled") from None
            raise
        try:
            box = DockerBox(self._client, container, spec.limits, spec.cancelled)
            with classified(), box.started():
                yield box
        finally:
            _remove(lambda: container.remove(force=True, v=True))
            # An engine that was killed removes a box that had ended, and forgets its volume.
            for mount in () if spec.sees else container.attrs["Mounts"]:
                _remove(partial(self._client.api.remove_volume, mount["Name"], force=True), busy=True)

    @classified()
    def _create(self, spec: BoxSpec) -> Any:  # noqa: ANN401 - docker-py's container
        shut = isolation(spec.limits)
        info = self._client.info()
        labels = {MANAGED: "1", **owned(info["SystemTime"], shut.deadline_s), **spec.labels}
        volume = docker.types.Mount(target=WORK, source=None, type="volume", labels=labels)
        container = self._client.containers.create(
            spec.image,
            ["/bin/sh", f"{WORK}/.keeper.sh", str(shut.deadline_s), str(spec.limits.lease_s)],
            labels=labels,
            **words(shut, info["NCPU"]),
            tmpfs={"/tmp": "rw,exec,nosuid,nodev,size=4g,mode=1777"},  # noqa: S108 - inside the box; configure runs programs
            mounts=[] if spec.sees else [volume],
            volumes_from=[f"{spec.sees.name}:ro"] if spec.sees else None,
            ulimits=[docker.types.Ulimit(name="core", soft=0, hard=0)],
            environment={"HOME": WORK, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            hostname="farm",
            stdin_open=True,
            auto_remove=True,
            log_config=docker.types.LogConfig(type="none"),
        )
        if not spec.sees:  # the other box has brought it
            try:
                container.put_archive(WORK, _keeper())
            except BaseException:
                _remove(lambda: container.remove(force=True, v=True))
                raise
        return container

    @classified()
    def sweep(self) -> int:
        """Remove what nobody owns any more (see `workers.engine.owners`); gives how many containers that were."""
        now = self._client.info()["SystemTime"]
        left = [
            container
            for container in self._client.containers.list(all=True, filters={"label": OWNER}, ignore_removed=True)
            if orphaned(container.labels, now)
        ]
        for container in left:
            with suppress(NotFound, APIError):
                container.remove(force=True, v=True)
        for volume in self._client.volumes.list(filters={"dangling": True}):
            # One of ours that no box has is nobody's, whoever is alive: its box is gone, or never came to be. One whose box is
            # just being made may be listed too, but is in use when it is to be removed.
            if OWNER in (volume.attrs["Labels"] or {}) or half_made(volume.attrs):
                with suppress(NotFound, APIError):
                    volume.remove(force=True)
        return len(left)


def _remove(remove: Callable[[], object], *, busy: bool = False) -> None:
    """Remove a box, or its volume, also when the engine is just being restarted. `busy`: it may be in use for a moment yet.

    A box that was never started does not end by itself.
    """
    ends = time.monotonic() + _REMOVE_S
    while True:
        try:
            remove()
        except NotFound:
            return
        except APIError as error:  # it goes already: "removal of container … is already in progress"
            if error.status_code == HTTPStatus.CONFLICT and not busy:
                return
        except (DockerException, requests.RequestException):
            pass
        else:
            return
        if time.monotonic() > ends:  # then the next one that looks removes it, once we are dead
            return
        time.sleep(_REMOVE_PAUSE_S)


def _keeper() -> bytes:
    """A tar with the keeper in it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        text = files("workers.engine").joinpath("keeper.sh").read_bytes()
        script = tarfile.TarInfo(".keeper.sh")
        script.mode, script.size = 0o444, len(text)
        tar.addfile(script, io.BytesIO(text))
    return stream.getvalue()
