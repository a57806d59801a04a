"""What one look at a whole store is held against, and what it found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farm.index.model import Entry
from farm.sign.keys import Verifier
from farm.store.artifact import Artifact, Finding
from farm.store.keys import Published
from farm.store.protocol import Stat, Store

if TYPE_CHECKING:
    from farm.store.artifact import Severity

YOUNG_S = 3600.0  # what was written since may belong to a publisher that is still at work
Build = tuple[str, str]  # cell and build id
EntryOf = Callable[[Artifact], Entry]


@dataclass(frozen=True)
class Against:
    """What a store is held against.

    `trusted` are the keys that may have signed; `base_url` is what addresses in indexes begin with; `entry_of` says how a
    channel lists an artifact; without `deep` sizes are compared, and archives are not read.
    """

    trusted: Mapping[str, Verifier]
    base_url: str
    entry_of: EntryOf
    deep: bool = True


@dataclass
class Survey:
    """One look at a store, as it grows. `named` are keys that something names, `damaged` builds that nobody should install."""

    store: Store
    against: Against
    now: float
    stats: dict[str, Stat]
    findings: list[Finding] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    damaged: set[Build] = field(default_factory=set)
    entries: dict[Build, Entry] = field(default_factory=dict)
    builds: list[Published] = field(default_factory=list)
    yanked: dict[Build, str] = field(default_factory=dict)
    archives: int = 0

    def say(self, severity: Severity, check: str, key: str, message: str, hint: str = "") -> None:
        """Note one thing."""
        self.findings.append(Finding(check=check, severity=severity, file=key, message=message, hint=hint))

    def content(self, key: str) -> bytes | None:
        """A small object's bytes; None when there is none. It counts as named."""
        self.named.add(key)
        found = self.store.get(key)
        return found[0] if found else None

    def stat(self, key: str) -> Stat | None:
        """An object's size; also that of one which was written since the look began."""
        return self.stats.get(key) or next((stat for stat in self.store.list(key) if stat.key == key), None)

    def young(self, key: str) -> bool:
        """Whether an object may belong to a publisher that is at work: it is new, or newer than this look."""
        stat = self.stats.get(key)
        return stat is None or self.now - stat.modified < YOUNG_S

    def under(self, prefix: str) -> list[Stat]:
        """Every object whose key starts with `prefix`, as it was when the look began."""
        return [stat for key, stat in self.stats.items() if key.startswith(prefix)]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)


def sha256_of(data: bytes) -> str:
    """The name of a content."""
    return hashlib.sha256(data).hexdigest()
