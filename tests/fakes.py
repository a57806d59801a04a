"""Fakes of what the code takes as an argument: stores, engines, clocks. Append yours; one section each."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import socket
import tarfile
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import requests

from farm.errors import BuildFailed, Conflict, Failure, StoreUnavailable, Transient, from_failure
from farm.plan.recipe import BaseImage, How, Inputs
from farm.store import keys
from farm.store.headers import headers, told_by_content
from farm.store.protocol import Stat
from farm.store.sink import arriving
from farm.wire.messages import Result
from workers.engine.protocol import USUAL, Bounds, Box, BoxSpec, Completed
from workers.pins.signature import BundleRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from farm.plan.rows import SignerRow
    from farm.store.sink import AtMost, Content
    from farm.wire.messages import Grant

# --- stores ---------------------------------------------------------------------------------------------------------


class MemoryStore:
    """A store in memory that keeps its promises."""

    name = "memory"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.times: dict[str, float] = {}  # when an object was written; 0 where this says nothing
        self._lock = threading.Lock()

    def get(self, key: str) -> tuple[bytes, str] | None:
        assert keys.valid(key), key
        data = self.objects.get(key)
        return None if data is None else (data, _etag(data))

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False, if_match: str = "") -> str:
        assert keys.valid(key), key
        content = data if isinstance(data, bytes) else data.read_bytes()
        with self._lock:
            held = self.objects.get(key)
            if self._refuses(held, if_absent, if_match):
                raise Conflict(f"{key} is already there, or has changed")
            self.objects[key] = content
        return _etag(content)

    def _refuses(self, held: bytes | None, if_absent: bool, if_match: str) -> bool:
        return (if_absent and held is not None) or bool(if_match and (held is None or _etag(held) != if_match))

    def list(self, prefix: str) -> Iterator[Stat]:
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield Stat(key, len(self.objects[key]), _etag(self.objects[key]), self.times.get(key, 0.0))

    def fetch(self, key: str, target: Path, content: Content | AtMost | None = None) -> bool:
        if (data := self.objects.get(key)) is None:
            return False
        with arriving(key, target, content) as sink:
            sink.write(data)
        return True

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def upload_url(self, key: str, *, expires_s: int) -> str:
        return f"memory://{key}?{expires_s}"

    def stat(self, key: str) -> Stat | None:
        return None if (data := self.objects.get(key)) is None else Stat(key, len(data), _etag(data), self.times.get(key, 0.0))

    def read(self, stat: Stat, start: int, stop: int) -> Iterator[bytes]:
        data = self.objects.get(stat.key)
        if data is None or _etag(data) != stat.etag:
            raise Conflict(f"{stat.key} changed")
        return iter([data[start:stop]])


class HostileStore(MemoryStore):
    """A store that answers 200 to every conditional write, and ignores the condition (old Ceph, `rclone serve s3`)."""

    name = "hostile"

    def __init__(self, *ignores: str) -> None:
        super().__init__()
        self._ignores = ignores

    def _refuses(self, held: bytes | None, if_absent: bool, if_match: str) -> bool:
        return super()._refuses(
            held, if_absent and "if_absent" not in self._ignores, "" if "if_match" in self._ignores else if_match
        )


class FailingStore(MemoryStore):
    """Fails once, at its Nth operation, and goes on failing until `healed`: before doing it, or after (a lost answer)."""

    name = "failing"

    def __init__(self, objects: dict[str, bytes], *, at: int, after: bool = False) -> None:
        super().__init__()
        self.objects = dict(objects)
        self.operations = 0
        self.healed = False
        self._at = at
        self._after = after

    def _step(self, *, effect: bool) -> None:
        """Count one operation; called again with `effect` when it was done."""
        if not effect:
            self.operations += 1
        if self.healed or self.operations < self._at:
            return
        if effect == (self._after and self.operations == self._at):
            raise StoreUnavailable(f"the store failed at operation {self.operations}")

    def get(self, key: str) -> tuple[bytes, str] | None:
        self._step(effect=False)
        found = super().get(key)
        self._step(effect=True)
        return found

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False, if_match: str = "") -> str:
        self._step(effect=False)
        etag = super().put(key, data, if_absent=if_absent, if_match=if_match)
        self._step(effect=True)
        return etag

    def list(self, prefix: str) -> Iterator[Stat]:
        self._step(effect=False)
        found = list(super().list(prefix))
        self._step(effect=True)
        yield from found

    def fetch(self, key: str, target: Path, content: Content | AtMost | None = None) -> bool:
        self._step(effect=False)
        found = super().fetch(key, target, content)
        self._step(effect=True)
        return found


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


# --- boxes ----------------------------------------------------------------------------------------------------------


class ScriptedBox:
    """A box that answers a command with what the script says for the first key that the command has in it.

    An answer is output (exit code 0), (exit code, output), or an exception to raise. What was run and put is kept. The first
    `lost` answers are lost on their way.
    """

    def __init__(self, script: Mapping[str, str | tuple[int, str] | Exception] | None = None, *, lost: int = 0) -> None:
        self.script = dict(script or {})
        self.lost = lost
        self.commands: list[str] = []
        self.environments: list[Mapping[str, str]] = []
        self.files: dict[str, list[str]] = {}

    name = "scripted"

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str = "/work",
        user: str = "1000:1000",
        on_line: Callable[[str], None] | None = None,
        timeout_s: float | None = None,
    ) -> Completed:
        command = " ".join(argv)
        self.commands.append(command)
        self.environments.append(env or {})
        answer = next((answer for key, answer in self.script.items() if key in command), "")
        if isinstance(answer, Exception):
            raise answer
        code, output = (0, answer) if isinstance(answer, str) else answer
        for line in output.splitlines() if on_line else ():
            on_line(line)
        if self.lost:
            self.lost -= 1
            return Completed(code, "", whole=False)
        return Completed(code, output)

    def put(self, path: str, tar: IO[bytes] | bytes) -> None:
        stream = io.BytesIO(tar) if isinstance(tar, bytes) else tar
        with tarfile.open(fileobj=stream, mode="r|*") as members:
            self.files.setdefault(path, []).extend(member.name for member in members)

    def get(self, path: str) -> Iterator[bytes]:
        raise NotImplementedError(path)


class ScriptedEngine:
    """An engine whose boxes are given beforehand, by image."""

    name = "Scripted Engine 1.0"

    def __init__(self, boxes: Mapping[str, ScriptedBox]) -> None:
        self.boxes = dict(boxes)
        self.specs: list[BoxSpec] = []
        self.open = 0

    def layers(self, image: str) -> tuple[str, ...] | None:
        return ("layer",) if image in self.boxes else None

    def identity(self, image: str) -> str:
        return f"id of {image}" if image in self.boxes else ""

    def load_base(self, rootfs: IO[bytes] | None, image: str, *, arch: str, bounds: Bounds = USUAL) -> None:
        raise NotImplementedError(image)

    def tags(self, repository: str) -> tuple[str, ...]:
        return tuple(sorted(tag for name, _, tag in (image.rpartition(":") for image in self.images) if name == repository))

    def tag(self, image: str, new: str) -> None:
        self.images[new] = self.images[image]

    def drop(self, image: str) -> None:
        self.images.pop(image, None)

    def build(
        self, image: str, dockerfile: str, *, on_line: Callable[[str], None] | None = None, bounds: Bounds = USUAL
    ) -> None:
        raise NotImplementedError(image)

    @contextmanager
    def box(self, spec: BoxSpec) -> Iterator[ScriptedBox]:
        self.specs.append(spec)
        self.open += 1
        try:
            yield self.boxes[spec.image]
        finally:
            self.open -= 1


# --- the pipeline, as a builder's task calls it ------------------------------------------------------------------------


class FakePipeline:
    """Stands in for `workers.pipeline` in a real Celery worker. A folder says what each attempt at a cell does.

    `CELL.script` holds a word for each attempt (the last one goes on): ok, or a failure's kind, or 'die'. While `CELL.hold` is
    there an attempt goes on and on. `unfit` says why the host cannot build. Each attempt adds 'cell attempt pid' to `started`.
    `resolve.script` is for resolving.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    class BuildRequest:
        def __init__(self, run: str, grant: Grant, worker: str) -> None:
            self.run, self.grant, self.worker = run, grant, worker

    def effects(self, reporter: object, settings: object) -> FakeEffects:
        return FakeEffects(reporter)

    def unfit(self, settings: object) -> str:
        unfit = self.folder / "unfit"
        return unfit.read_text() if unfit.exists() else ""

    def resolve(self, distro: str, arch: str, packages: tuple[str, ...], effects: FakeEffects, how: How = "native") -> Inputs:
        self._note(f"resolve.{distro}.{arch}", 0)
        self._say(self._word("resolve", 1), effects)
        return Inputs(BaseImage(distro, "pull", ("sha256:1",)), tuple((name, "1.0") for name in packages), how)

    def build_cell(self, request: FakePipeline.BuildRequest, effects: FakeEffects) -> Result:
        grant, cell = request.grant, str(request.grant.recipe.cell)
        self._note(cell, grant.attempt)
        effects.reporter.step("compile")
        effects.reporter.line(f"compiling {cell}")
        while (self.folder / f"{cell}.hold").exists():
            time.sleep(0.02)
            effects.reporter.line("still compiling")
        self._say(self._word(cell, grant.attempt), effects)
        effects.reporter.step("stage")
        return Result(
            run=request.run,
            cell=cell,
            attempt=grant.attempt,
            worker=request.worker,
            engine="fake",
            recipe=grant.recipe.digest,
            inputs=grant.inputs.digest if grant.inputs else "",
            steps=effects.reporter.steps,
        )

    def _note(self, cell: str, attempt: int) -> None:
        with (self.folder / "started").open("a") as started:
            started.write(f"{cell} {attempt} {os.getpid()}\n")

    def _word(self, cell: str, attempt: int) -> str:
        script = self.folder / f"{cell}.script"
        words = script.read_text().split() if script.exists() else ["ok"]
        return words[min(attempt, len(words)) - 1]

    def _say(self, word: str, effects: FakeEffects) -> None:
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "bug":
            raise ZeroDivisionError("division by zero")
        if word != "ok":
            effects.reporter.line(f"error: this one is {word}")
            raise from_failure(Failure(word, f"it was scripted to be {word}", hint="change the script"))


class FakeEffects:
    """What `FakePipeline` acts with."""

    class engine:  # noqa: N801 - an attribute with a name, nothing more
        name = "fake"

    def __init__(self, reporter: Any) -> None:
        self.reporter = reporter


class FakeReporter:
    """A reporter that keeps what it is told; set `wanted` to cancel."""

    steps = ()

    def __init__(self) -> None:
        self.told: list[str] = []
        self.wanted = False

    def step(self, name: str) -> None:
        self.told.append(name)

    def line(self, text: str) -> None:
        self.told.append(text)

    def cancelled(self) -> bool:
        return self.wanted


# --- an engine's images, and a registry it may pull from ----------------------------------------------------------------


class ImageShelf:
    """An engine that only has images. `registry` holds what it can pull: name -> layers."""

    name = "Image Shelf 1.0"

    def __init__(self, registry: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.registry = dict(registry or {})
        self.images: dict[str, tuple[str, ...]] = {}
        self.pulls: list[str] = []

    def layers(self, image: str) -> tuple[str, ...] | None:
        return self.images.get(image)

    def identity(self, image: str) -> str:
        return "".join(self.images.get(image, ()))

    def load_base(self, rootfs: IO[bytes] | None, image: str, *, arch: str, bounds: Bounds = USUAL) -> None:
        if rootfs is not None:
            self.images[image] = (f"sha256:{hashlib.sha256(rootfs.read()).hexdigest()}",)
            return
        self.pulls.append(image)
        if image not in self.registry:
            raise Transient(f"no registry has {image} for {arch}")
        self.images[image] = self.registry[image]

    def tags(self, repository: str) -> tuple[str, ...]:
        return tuple(sorted(tag for name, _, tag in (image.rpartition(":") for image in self.images) if name == repository))

    def tag(self, image: str, new: str) -> None:
        self.images[new] = self.images[image]

    def drop(self, image: str) -> None:
        self.images.pop(image, None)

    def build(
        self, image: str, dockerfile: str, *, on_line: Callable[[str], None] | None = None, bounds: Bounds = USUAL
    ) -> None:
        raise NotImplementedError(image)

    def box(self, spec: BoxSpec) -> AbstractContextManager[Box]:
        raise NotImplementedError(spec)


class BuildingShelf(ImageShelf):
    """An engine that has every base image, keeps what it is told to build, and whose boxes answer every command alike.

    `outdated`: what asks whether an image is still current is told that it isn't.
    """

    def __init__(self, layers, answer):
        super().__init__()
        self._layers = layers
        self._answer = answer
        self.built = {}
        self.asked = 0
        self.outdated = False

    def layers(self, image):
        return self._layers if "base-" in image else self.images.get(image)

    def build(self, image, text, *, on_line=None, bounds=USUAL):
        self.bounds = bounds
        if "--simulate" in text:
            self.asked += 1
            if self.outdated:
                raise BuildFailed("it is not current")
        else:
            self.built[image] = text
        self.images[image] = self._layers

    def box(self, spec):
        return nullcontext(self)

    def run(self, argv, **_):
        return Completed(0, self._answer)


class EngineSocket:
    """A container engine's Unix socket that answers from a table: what a request's first line has in it -> the parts said.

    A list is a stream of JSON parts; it goes on in silence behind a last part `...`, which alone is an engine that says
    nothing. Anything else is one JSON answer.
    `hung_up` is set when who asked for a stream is gone before its end.
    """

    def __init__(self, path: Path, answers: Mapping[str, object]) -> None:
        self.url = f"unix://{path}"
        self.asked: list[str] = []
        self.hung_up = threading.Event()
        self._answers = {"/version": {"ApiVersion": "1.41", "Version": "20.10", "Components": []}, **answers}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as request, suppress(OSError):
            while first := request.readline().decode():
                self._swallow(request)
                self.asked.append(first.rpartition(" ")[0])
                answer = next((answer for key, answer in self._answers.items() if key in first), {"message": "no such thing"})
                if answer is ...:
                    connection.recv(1)
                elif isinstance(answer, list):
                    self._stream(connection, answer)
                else:
                    connection.sendall(self._head(f"Content-Length: {len(json.dumps(answer))}") + json.dumps(answer).encode())

    @staticmethod
    def _swallow(request: IO[bytes]) -> None:
        """The rest of a request."""
        fields = dict(line.decode().lower().split(": ", 1) for line in iter(request.readline, b"\r\n"))
        if "chunked" in fields.get("transfer-encoding", ""):
            while size := int(request.readline(), 16):
                request.read(size + 2)
            request.readline()
        request.read(int(fields.get("content-length", "0")))

    def _stream(self, connection: socket.socket, parts: list[object]) -> None:
        connection.sendall(self._head("Transfer-Encoding: chunked"))
        for part in parts:
            if part is ...:
                connection.recv(1)
                self.hung_up.set()
                return
            said = json.dumps(part).encode() + b"\n"
            connection.sendall(f"{len(said):x}\r\n".encode() + said + b"\r\n")
        connection.sendall(b"0\r\n\r\n")

    @staticmethod
    def _head(how: str) -> bytes:
        return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{how}\r\n\r\n".encode()


# --- signatures -----------------------------------------------------------------------------------------------------


def plain_words(bundle: bytes, sha256: str, signer: SignerRow) -> None:
    """A verifier of bundles that say in plain words who signed what: 'IDENTITY SHA256'."""
    if bundle.decode() != f"{signer.identity} {sha256}":
        raise BundleRefused("it says something else")


# --- hosts ----------------------------------------------------------------------------------------------------------


class Host(SimpleHTTPRequestHandler):
    """A web server over a folder that keeps the type each object was stored with, as a bucket does, or has the usual ones.

    No object answers for a folder's name; `registry` is the status that whatever stands before it gives to `GET /v2/`.
    """

    types_kept = True
    registry = 200

    def do_GET(self) -> None:
        if not self.path.endswith("/"):
            return super().do_GET()
        self.send_response(self.registry if self.path == "/v2/" else 404)
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def guess_type(self, path: str) -> str:
        if not self.types_kept:
            return super().guess_type(path)
        key = Path(path).relative_to(self.directory).as_posix()
        return headers(key, Path(path).read_bytes() if told_by_content(key) else b"").content_type

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class HostOfBucket(BaseHTTPRequestHandler):
    """A bucket under a host name of its own: the bucket's name is put before each path, all else is the server's answer."""

    bucket = ""  # its address

    def do_GET(self) -> None:
        kept = {name: self.headers[name] for name in ("Accept", "Range") if name in self.headers}
        said = requests.request(self.command, f"{self.bucket}{self.path}", headers=kept, timeout=60)
        self.send_response(said.status_code)
        for name in ("Content-Type", "Content-Length", "ETag"):
            if name in said.headers:
                self.send_header(name, said.headers[name])
        self.end_headers()
        self.wfile.write(said.content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
