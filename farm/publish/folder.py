"""The folder of one build in the store: what is written there is written once, and has to come back."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from farm.errors import Conflict, StoreUnavailable, VerificationFailed
from farm.store.protocol import Store
from farm.store.sink import Content


class Spoiled(StoreUnavailable):
    """What lies under a name is not what was written there. It stays, and the next try takes another build id."""


@dataclass
class Folder:
    """A build's folder at a key. `there` is what has to lie in it, by name."""

    store: Store
    key: str
    there: dict[str, Content] = field(default_factory=dict)

    def write(self, name: str, data: bytes | Path, content: Content) -> None:
        """Write an object, or find that an earlier try has written the same. Raises Spoiled."""
        try:
            self.create(name, data, content)
        except Conflict:
            # Ours, from a try that was cut off or whose answer was lost; anybody else's would have another build id.
            if not self._comes_back(name, content):
                raise Spoiled(
                    f"{self.key}/{name} is in the store {self.store.name} with other bytes:"
                    " the next try takes another build id",
                    hint="an upload that was damaged on its way, or somebody else writes there: see the store's log",
                ) from None

    def create(self, name: str, data: bytes | Path, content: Content) -> None:
        """Write an object that is not there. Raises Conflict."""
        self.store.put(f"{self.key}/{name}", data, if_absent=True)
        self.there[name] = content

    def check(self) -> None:
        """That all of it can be read back with its hash, before anything says that it is there. Raises Spoiled."""
        for name, content in self.there.items():
            if not self._comes_back(name, content):
                raise Spoiled(
                    f"{name} was written to the store {self.store.name}, and does not come back with its {content.size} bytes:"
                    " the next try takes another build id",
                    hint="the store loses what it is given: try `farm store check`, and look at its log",
                )

    def _comes_back(self, name: str, content: Content) -> bool:
        with tempfile.TemporaryDirectory(prefix="farm-publish-") as folder:
            try:
                return self.store.fetch(f"{self.key}/{name}", Path(folder) / "there", content)
            except VerificationFailed:
                return False
