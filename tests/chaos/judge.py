"""What came of a run: from what the witness saw, from the bytes in the store, and from what lies about on the host."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.errors import EXIT_CELLS_FAILED
from tests.chaos.cells import PROOF, SmallCells

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from subprocess import CompletedProcess

    from tests.chaos.witness import Seen

SILENT = "no sign of life"
_CATALOG = re.compile(r"catalog/(?P<cell>[^/]+)/(?P<build>\d{10})\.[^/]+\.json")
Began = tuple[str, str, str]  # run, cell, number
_SAYS = re.compile(r"(?P<cell>\S+): attempt (?P<number>\d+) of run (?P<run>\S+) (?P<what>begins|cannot tell its end)")
_NUMBER = re.compile(r"runs/(?P<run>[^/]+)/(?P<what>attempts|outcomes)/(?P<cell>[^/]+)/(?P<number>\d+)\.")


@dataclass(frozen=True)
class Verdict:
    """All are empty when the farm kept its promise. `blamed`: attempts given up for a silence that was not their builder's."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    blamed: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.wrong or self.left or self.blamed)


def judge(
    cells: SmallCells,
    prefix: str,
    seen: Iterable[Seen],
    objects: Mapping[str, bytes],
    left: Iterable[str],
    errors: Iterable[str] = (),
    *,
    spared: Collection[Began] | None = None,
) -> Verdict:
    """The verdict on a run. `seen` has keys with the prefix, `objects` without; `errors` are those of verify-store.

    `spared`: no builder was hurt in it, and these attempts were begun.
    """
    entries = [(one, one.key.removeprefix(f"{prefix}/")) for one in seen if one.key.startswith(f"{prefix}/")]
    builds: dict[str, set[str]] = {name: set() for name in cells.names}
    for one, key in entries:
        if one.wrote and (found := _CATALOG.fullmatch(key)):
            builds.setdefault(found["cell"], set()).add(found["build"])
    lost = [name for name in cells.names if not builds[name]]
    doubled = [f"{name}: builds {', '.join(sorted(ids))}" for name, ids in builds.items() if len(ids) > 1]
    writes = Counter(key for one, key in entries if one.wrote and key.startswith(("artifacts/", "catalog/")))
    doubled += [f"{key}: written {times} times" for key, times in writes.items() if times > 1]
    doubled += [f"{key}: deleted" for one, key in entries if one.deleted and key.startswith(("artifacts/", "catalog/"))]
    wrong = [problem for name in cells.names if builds[name] for problem in _wrong(name, cells.proof(name), objects)]
    return Verdict(tuple(lost), tuple(doubled), (*wrong, *errors), tuple(left), blamed(objects, spared or ()))


def blamed(objects: Mapping[str, bytes], spared: Collection[Began]) -> tuple[str, ...]:
    """Attempts that were begun, and given up because nothing was heard of their builder.

    One whose grant was lost with Redis is given up, too: nobody has begun it. So is one whose end the store did not take.
    """
    found = []
    for key, data in sorted(objects.items()):
        match = _NUMBER.match(key)
        if match and match.group("run", "cell", "number") in spared and match["what"] == "outcomes":
            message = (json.loads(data).get("failure") or {}).get("message", "")
            found += [f"{key}: {message}"] if SILENT in message else []
    return tuple(found)


def begun(logs: Iterable[str]) -> set[Began]:
    """Run, cell and number of every attempt that a worker says it begins, and could tell the end of."""
    said: dict[str, set[Began]] = {"begins": set(), "cannot tell its end": set()}
    for found in (found for log in logs for found in _SAYS.finditer(log)):
        said[found["what"]].add(found.group("run", "cell", "number"))
    return said["begins"] - said["cannot tell its end"]


def audited(done: CompletedProcess[str]) -> list[str]:
    """The errors that `farm verify-store --json` found, or why it found nothing out."""
    if done.returncode not in (0, EXIT_CELLS_FAILED):
        return [f"verify-store: {done.stderr.strip() or f'exit code {done.returncode}'}"]
    findings = json.loads(done.stdout)["findings"]
    errors = [one for one in findings if one["severity"] == "error"]
    return [f"verify-store: {one['check']}: {one['file']}: {one['message']}" for one in errors]


def _wrong(cell: str, proof: bytes, objects: Mapping[str, bytes]) -> list[str]:
    """What is not right with a published cell's bytes."""
    catalog = next((data for key, data in objects.items() if key.startswith(f"catalog/{cell}/")), None)
    if catalog is None:
        return [f"{cell}: its catalog entry was written and is not there"]
    build = json.loads(catalog)
    version, distro, arch = cell.split("-")
    folder = f"artifacts/{distro}/{version}/{arch}/{build['build_id']}"
    problems = []
    for archive in build["archives"]:
        data = objects.get(f"{folder}/{archive['name']}", b"")
        if hashlib.sha256(data).hexdigest() != archive["sha256"]:
            problems.append(f"{cell}: {archive['name']} has other bytes than its metadata says")
        elif archive["name"].endswith("install_only.tar.gz") and _member(data) != proof:
            problems.append(f"{cell}: {archive['name']} is not what this cell's source makes")
    if not any(archive["name"].endswith("install_only.tar.gz") for archive in build["archives"]):
        problems.append(f"{cell}: it has no archive that a client can install")
    return problems


def _member(data: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        try:
            file = tar.extractfile(f"python/{PROOF}")
        except KeyError:
            return b""
        return file.read() if file else b""


def left_in_store(keys: Iterable[str]) -> list[str]:
    """Staging objects, open runs, and grants whose end nobody wrote down."""
    names = list(keys)
    ends = {(found["cell"], found["number"]) for key in names if (found := _NUMBER.match(key)) and found["what"] == "outcomes"}
    granted = [key for key in names if (found := _NUMBER.match(key)) and found["what"] == "attempts"]
    grants = [f"grant {key}" for key in granted if (match := _NUMBER.match(key)) and match.group("cell", "number") not in ends]
    return [f"object {key}" for key in names if key.startswith(("staging/", "open/"))] + grants
