"""A shared libpython beside one that is linked in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.markdown import table

if TYPE_CHECKING:
    from benchmarks.markdown import Section


def memory(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Sizes of the processes; with which optimisation, where the result says it."""
    yield "## Memory of embedders"
    build = ", ".join(found[name] for name in ("cell", "optimize") if name in found)
    yield (
        f"{found['processes']} mod_wsgi processes with {build}: proportional set sizes, with the module linked to libpython"
        " and with libpython in it. [verification.md](verification.md) says what that means."
    )
    sizes = {name: found[name]["sum_kib"] for name in ("shared", "static")}
    yield table(
        ("module", "all, MiB", "one, MiB", "all / shared"),
        [
            (name, f"{size / 1024:.1f}", f"{found[name]['median_kib'] / 1024:.1f}", f"{size / sizes['shared']:.3f}")
            for name, size in sizes.items()
        ],
    )
