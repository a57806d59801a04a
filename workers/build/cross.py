"""The dual build, cross-compiled: in a box of another arch, where a Python for that arch, built first, runs what make runs.

What came out is run only once here, to say what it was linked with; the box's host can do that by emulation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from farm.errors import BuildFailed
from farm.plan.recipe import PREFIX
from workers.build.compile import TREE, Passes
from workers.build.native import TOOLS, edits

if TYPE_CHECKING:
    from pathlib import Path

    from farm.plan.recipe import Cross
    from workers.build.compile import Compiled

_NATIVE = "/work/native"
_PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# It only has to run: made quickly, not fast.
_QUICK = ("--disable-test-modules", "--with-ensurepip=no", "OPT=-O1")


class CrossPasses(Passes):
    """`Passes` on a machine of another arch. The cross tools go by the names of native ones, so that sysconfig names those."""

    def _prepare(self) -> None:
        self.on_step("make python for this machine")
        # the libraries that the box has are of the other arch: this Python is to look for none of them
        environment = {**dict(self.recipe.environment), "PATH": _PLACES, "PKG_CONFIG_LIBDIR": _NATIVE}
        self._do("mkdir", "-p", _NATIVE, TOOLS)
        for name, tool in self._cross.tools:
            self._do("ln", "-s", f"/usr/bin/{tool}", f"{TOOLS}/{name}")
        prefix = [argument for argument in self.recipe.configure if argument.startswith("--prefix=")]
        self._do("../src/configure", *prefix, *_QUICK, cwd=_NATIVE, environment=environment)
        self._do("make", f"-j{self.jobs}", cwd=_NATIVE, environment=environment)

    def _shared(self) -> None:
        """Scripts that ensurepip writes name the Python that runs it: of this machine, but with the prefix of the other."""
        super()._shared()
        built = f"{PREFIX}/bin/{self.recipe.layout.executable}"
        rename = f"sed -i '1s|^#!{self._interpreter}|#!{built}|' {TREE}/bin/pip*"
        self._do("sh", "-c", rename)

    def _export(self, spool: Path) -> Compiled:
        compiled = super()._export(spool)
        return replace(compiled, tree=compiled.tree.with_entries(edits(compiled.tree, self.recipe.layout, self._cross)))

    @property
    def _configure(self) -> tuple[str, ...]:
        return (*super()._configure, *self._cross.configure)

    @property
    def _cross(self) -> Cross:
        if self.recipe.cross is None:
            raise BuildFailed(f"{self.recipe.cell} has no rows that say how to cross-compile it")
        return self.recipe.cross

    @property
    def _interpreter(self) -> str:
        return f"{_NATIVE}/python"

    @property
    def _environment(self) -> dict[str, str]:
        return {**super()._environment, **dict(self._cross.environment), "PATH": f"{TOOLS}:{_PLACES}"}
