"""A folder as a store: the embedded default. Safe for many threads and processes on one machine, and over NFS.

Every write goes to a sibling whose name no key can have (`~`), is synced, and then takes its name in one step: by a hard
link where it must not exist yet, else by a rename under the store's one lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import stat as modes
import threading
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from farm.errors import BadInput, Conflict, StoreUnavailable
from farm.store import keys, layout
from farm.store.protocol import Stat
from farm.store.sink import arriving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.store.sink import AtMost, Content

_CHUNK = 1 << 20
_LOCK = "~lock"
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)
_HINTS = {
    errno.ENOSPC: "free some space there, then run it again",
    errno.EDQUOT: "the quota is used up; free some space there, then run it again",
    errno.EACCES: "this user may not write there: check the owner of the folder, or set FARM_STORE",
    errno.EPERM: "this user may not write there: check the owner of the folder, or set FARM_STORE",
    errno.EROFS: "it is mounted read-only: set FARM_STORE to a folder that can be written",
}
_NOT_OURS_TO_JUDGE = ("lost+found",)


class FolderStore:
    """A store in a folder, which is made at the first write."""

    def __init__(self, root: Path) -> None:
        """Open the store at `root`. Raises BadInput when another layout, or something that is no store, lies there."""
        self._root = root.absolute()
        self._ready = threading.Event()
        if not layout.check(self) and self._foreign() and not layout.check(self):
            raise BadInput(f"{self._root} is not empty, and is no store", hint="set FARM_STORE to an empty or new folder")

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self._root)

    @property
    def root(self) -> Path:
        """The folder."""
        return self._root

    def get(self, key: str) -> tuple[bytes, str] | None:
        """The object's bytes and etag, or None."""
        path = self._path(key)
        with self._failing(path), _reading(path) as file:
            return (file.read(), _etag(os.fstat(file.fileno()))) if file else None

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False, if_match: str = "") -> str:
        """Write an object whole; gives its etag. Raises Conflict."""
        path = self._path(key)
        self._prepare(key)
        with self._failing(path):
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
            with _written(path, data) as fresh:
                etag = _etag(fresh.stat())
                if if_absent:
                    self._create(key, fresh, path)
                else:
                    self._replace(key, fresh, path, if_match)
        return etag

    def list(self, prefix: str) -> Iterator[Stat]:
        """Every object whose key starts with `prefix`, in key order."""
        if prefix and not keys.valid(prefix.removesuffix("/")):
            raise BadInput(f"'{prefix}' cannot begin a key")
        with self._failing():
            found = sorted(self._walk(prefix), key=lambda stat: stat.key)
        yield from found

    def fetch(self, key: str, target: Path, content: Content | AtMost | None = None) -> bool:
        """Copy an object into a file that appears whole or not at all; False when there is no such object."""
        with self._failing(), _reading(self._path(key)) as file:
            if file is None:
                return False
            with arriving(key, target, content) as sink:
                shutil.copyfileobj(file, sink, _CHUNK)
            return True

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when there is none."""
        with self._failing(), suppress(NotADirectoryError):
            self._path(key).unlink(missing_ok=True)

    def upload_url(self, key: str, *, expires_s: int) -> str:
        """The file:// url that `farm.store.upload` writes to."""
        path = self._path(key)
        self._prepare(key)
        return path.as_uri()

    def stat(self, key: str) -> Stat | None:
        """Size and etag of an object; None when there is none."""
        with self._failing(), _reading(self._path(key)) as file:
            return _stat(key, os.fstat(file.fileno())) if file else None

    def read(self, stat: Stat, start: int, stop: int) -> Iterator[bytes]:
        """The bytes [start, stop) of the object that `stat` saw. Raises Conflict when it has changed since."""
        with self._failing():
            file = _opened(self._path(stat.key))
            if file is None or _etag(os.fstat(file.fileno())) != stat.etag:
                if file:
                    file.close()
                raise Conflict(f"{stat.key} changed while it was read")
            file.seek(start)
        return _chunks(file, stop - start)

    def _path(self, key: str) -> Path:
        if not keys.valid(key):
            raise BadInput(f"'{key}' is no key", hint="keys are relative paths of letters, digits, '.', '_' and '-'")
        return self._root / key

    def _prepare(self, key: str) -> None:
        if key == keys.LAYOUT_KEY or self._ready.is_set():
            return
        layout.prepare(self)
        self._ready.set()

    def _foreign(self) -> bool:
        with self._failing():
            names = {entry.name for entry in os.scandir(self._root)} if self._root.exists() else set()
        return any(not name.startswith(".") and "~" not in name and name not in _NOT_OURS_TO_JUDGE for name in names)

    def _create(self, key: str, fresh: Path, path: Path) -> None:
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            raise Conflict(f"{key} is already in the store {self.name}") from None

    def _replace(self, key: str, fresh: Path, path: Path, if_match: str) -> None:
        with self._locked():
            if if_match and (not path.exists() or _etag(path.stat()) != if_match):
                raise Conflict(f"{key} has changed in the store {self.name} since it was read")
            fresh.replace(path)

    def _walk(self, prefix: str) -> Iterator[Stat]:
        below = len(os.fspath(self._root)) + 1
        folders = [os.fspath(self._root / prefix.rpartition("/")[0])]
        while folders:
            try:
                entries = list(os.scandir(folders.pop()))
            except (FileNotFoundError, NotADirectoryError):
                continue
            for entry in entries:
                key = entry.path[below:]
                if entry.is_dir():
                    if f"{key}/".startswith(prefix) or prefix.startswith(f"{key}/"):
                        folders.append(entry.path)
                elif key.startswith(prefix) and keys.valid(key) and entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):  # deleted meanwhile
                        yield _stat(key, entry.stat(follow_symlinks=False))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # A file and not the folder itself: NFS cannot lock a folder.
        handle = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def _failing(self, at: Path | None = None) -> Iterator[None]:
        """Tells an OSError as the store's, with the file that it names; a write names none, so it is `at`."""
        try:
            yield
        except OSError as error:
            raise StoreUnavailable(
                f"the store {self.name} failed: {error.strerror or error} ({error.filename or at or self._root})",
                hint=_HINTS.get(error.errno or 0, "look at the disk it lies on, then run it again"),
            ) from error


def _etag(found: os.stat_result) -> str:
    # A write always makes a new inode, and stamps it with the clock's nanoseconds: inode numbers are used again at once.
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"


def _stat(key: str, found: os.stat_result) -> Stat:
    return Stat(key, found.st_size, _etag(found), found.st_mtime)


def _opened(path: Path) -> IO[bytes] | None:
    # A link is no object: whoever can stage a file could point it at any file of this host.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise
    if not modes.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    return os.fdopen(handle, "rb")


@contextmanager
def _reading(path: Path) -> Iterator[IO[bytes] | None]:
    file = _opened(path)
    try:
        yield file
    finally:
        if file:
            file.close()


@contextmanager
def _written(path: Path, data: bytes | Path) -> Iterator[Path]:
    """A new file beside `path` with this content, on disk; gone afterwards unless it was renamed."""
    fresh = path.with_name(f"{path.name}~{secrets.token_hex(8)}")
    try:
        with fresh.open("xb") as file:
            if isinstance(data, bytes):
                file.write(data)
            else:
                with data.open("rb") as source:
                    shutil.copyfileobj(source, file, _CHUNK)
            file.flush()
            os.fsync(file.fileno())
        now = time.time_ns()
        os.utime(fresh, ns=(now, now))
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def _chunks(file: IO[bytes], left: int) -> Iterator[bytes]:
    with file:
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk
