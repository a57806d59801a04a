"""Tk works where its package is installed; where it is not, the error names the library that the metadata has a package for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Tcl
from workers.verify.findings import error, quoted
from workers.verify.probe import ask, run, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """The builder image has Tk, the run-time image only when the facts require it. Without a display Tk says so."""
    if "_tkinter" not in subject.build.modules.shared:
        yield error("there is no _tkinter in it", hint="see tk in capabilities.toml, and what the distro provides")
        return
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    told = ask(subject.in_builder, [python, script("tk.py")], Tcl, env={"DISPLAY": ""})
    if not told.patchlevel.startswith("8.") and not told.patchlevel.startswith("9."):
        yield error(f"Tcl calls itself '{told.patchlevel}'")
    if "display" not in told.without:
        yield error(f"without a display Tk says '{told.without}'")
    optional = [soname for soname in subject.optional_sonames if soname.startswith("libtk")]
    missing = run(subject.in_runtime, [subject.python, "-c", "import _tkinter"])
    if optional and not missing.ok and not any(soname in missing.output for soname in optional):
        yield error(f"without its package importing it says: {quoted(missing.output)}", hint=f"it should name {optional[0]}")
