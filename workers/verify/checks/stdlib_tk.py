"""Tk works where its packages are installed; where they are not, importing it says which to install."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from farm.plan.facts import load_facts
from workers.verify.facts import Tcl
from workers.verify.findings import error, quoted
from workers.verify.probe import ProbeFailed, ask, run, script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        yield error(f"Tcl calls itself '{told.patchlevel}'", hint="see tk in capabilities.toml: 8.x and 9.x are known")
    if "display" not in told.without:
        yield error(
            f"without a display Tk says '{told.without}'",
            hint="it should speak of a display: see `python -m tkinter` in the builder image",
        )
    optional = [soname for soname in subject.optional_sonames if soname.startswith("libtk")]
    if optional:
        yield from _without(subject, optional)


def _without(subject: Subject, sonames: Sequence[str]) -> Iterator[Finding]:
    """The extension module names the library, and what stands for it in the standard library the packages besides."""
    missing = run(subject.in_runtime, [subject.python, "-c", "import _tkinter"])
    if missing.ok:
        return
    if not any(soname in missing.output for soname in sonames):
        yield error(f"without its package importing it says: {quoted(missing.output)}", hint=f"it should name {sonames[0]}")
    names = sorted(package.name for package in subject.build.runtime if package.optional and "_tkinter" in package.modules)
    if subject.family is None:
        raise ProbeFailed("nobody knows how packages are installed there")
    advice = subject.family.advise.format(packages=" ".join(names))
    for front in load_facts(subject.overlay).capabilities["tk"].fronts:
        if front.spans(subject.version):
            module = PurePosixPath(front.file.removesuffix("/__init__.py")).stem
            said = run(subject.in_runtime, [subject.python, "-c", f"import {module}"])
            if advice not in said.output:
                hint = f"it should say '{advice}': see fronts in capabilities.toml"
                yield error(f"without its packages importing {module} says: {quoted(said.output)}", hint=hint)
