"""How commands grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import synthetic
from benchmarks.markdown import Plot, met, table
from farm.index.growth import KEPT, PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.markdown import Section

PLAN_CELLS, PLAN_S, PLAN_MIB = "10000", 2.0, 200.0
RENDER_ARTIFACTS, RENDER_S = "5000", 10.0
Sizes = dict[str, dict[str, Any]]


def scale(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Planning, publishing, rendering; what was not measured yet has no table."""
    yield from _plan(found["plan"])
    if requests := found.get("requests"):
        yield from _requests(requests)
    yield from _publish(found["publish"])
    if publishers := found.get("publishers"):
        yield from _publishers(publishers)
    yield from _render(found["render"])


def _plan(plan: Sizes) -> Section:
    yield "## Planning"
    yield (
        "`farm plan` of a made-up matrix against a folder store in which as many artifacts are published. Goals: 10,000 cells"
        " in 2 s and 200 MB, and cost that is linear in cells. What a cell takes is told against what it takes where there are"
        " a hundred, of which the command's own start is most; and against a tenth of the cells, where that no longer counts."
    )
    per_cell = {size: one["cpu_s"] / int(size) for size, one in plan.items()}
    first, before = next(iter(per_cell.values())), dict(zip([*plan][1:], per_cell.values(), strict=False))
    yield table(
        ("cells", "CPU seconds", "wall seconds", "MiB", "CPU of a cell / at 100", "CPU of a cell / at a tenth"),
        [
            (
                size,
                one["cpu_s"],
                one["wall_s"],
                one["mib"],
                f"{per_cell[size] / first:.3f}",
                f"{per_cell[size] / before[size]:.2f}" if size in before else "",
            )
            for size, one in plan.items()
        ],
    )
    if goal := plan.get(PLAN_CELLS):
        yield table(
            ("goal at 10,000 cells", "measured / goal", "met"),
            [
                (f"{limit:g} {unit}", f"{goal[name] / limit:.2f}", met(goal[name] <= limit))
                for name, limit, unit in (("wall_s", PLAN_S, "s"), ("mib", PLAN_MIB, "MiB"))
            ],
        )
    yield Plot("plan", {"farm plan": _line(plan, "cpu_s")}, "cells", "CPU seconds")


def _requests(requests: Sizes) -> Section:
    kinds = sorted({kind for one in requests.values() for kind in one})
    first = sum(next(iter(requests.values())).values())
    yield (
        "What that asks of the store, counted: nothing is fetched for a cell. A listing goes on page by page, of which a bucket"
        " gives a thousand names each."
    )
    yield table(
        ("cells", *kinds, "all / at the fewest cells"),
        [(size, *(one.get(kind, 0) for kind in kinds), f"{sum(one.values()) / first:.2f}") for size, one in requests.items()],
    )


def _publish(publish: Sizes) -> Section:
    cells = sum(1 for _ in synthetic.cells())
    yield "## Publishing"
    yield (
        "Listing one more build in a channel that has so many, by five rebuilds: CPU seconds are their median, KiB and requests"
        " their mean."
    )
    first = next(iter(publish.values()))
    yield table(
        (
            "artifacts",
            "CPU seconds",
            "CPU / at the fewest",
            "KiB read",
            "KiB written",
            "written / at the fewest",
            "requests",
            "cells of the distro",
        ),
        [
            (
                size,
                one["cpu_s"],
                f"{one['cpu_s'] / first['cpu_s']:.2f}",
                one["read_kib"],
                one["written_kib"],
                f"{one['written_kib'] / first['written_kib']:.2f}",
                one.get("requests", "not counted"),
                one.get("cells_of_distro", "not counted"),
            )
            for size, one in publish.items()
        ],
    )
    yield (
        f"The cost is that of what one distro offers, not of what was ever published: a distro's part of the index has the"
        f" {KEPT} newest builds of each of its cells, and what was before lies in pages of {PAGE} that are left alone. The"
        f" made-up matrix has {cells} cells, {cells // len(synthetic.DISTROS)} for each distro. While there are fewer artifacts"
        " than cells, each artifact is another cell, and the part grows with them; from the second build of each cell on it has"
        " all it will ever have, and what comes then changes nothing: ten times as many artifacts cost the same."
    )
    lines = {name: _line(publish, f"{name}_kib") for name in ("read", "written")}
    yield Plot("publish", lines, "artifacts in the channel", "KiB")


def _publishers(publishers: Sizes) -> Section:
    first = next(iter(publishers.values()))
    yield (
        "Several publishers at once, each a process that lists builds of other cells in one channel of 10,000 artifacts. Who"
        " finds the channel moved begins that part anew, which is what more publishers cost; all builds are listed in the end."
        " CPU seconds are the median of builds, requests their mean. The wall seconds are of one build, all publishers"
        " together."
    )
    yield table(
        ("publishers", "CPU seconds a build", "CPU / of one", "requests a build", "requests / of one", "wall seconds a build"),
        [
            (
                count,
                one["cpu_s"],
                f"{one['cpu_s'] / first['cpu_s']:.2f}",
                one["requests"],
                f"{one['requests'] / first['requests']:.2f}",
                one["wall_s"],
            )
            for count, one in publishers.items()
        ],
    )


def _render(render: Sizes) -> Section:
    yield "## Rendering"
    yield (
        "All files of a channel, as `farm index` writes them: indexes, clients' files, the registry, the catalog and"
        " the page of each artifact. Goals: 5,000 artifacts in 10 s once their images are there, with an index of less than"
        " 1 MB compressed. The catalog's data is its index, which a browser reads; the other one is every part that a channel"
        " names, pages of older builds among them, most of it hashes, which do not compress; a client reads one part."
        " Archives, metadata of 48 KB each and images are there before. At first every page and every file of clients is new to"
        " a folder, and is on its disk before it gets its name: that is the kernel's part. Eight are written at once while what"
        " comes next is made."
    )
    per = {size: one["again_cpu_s"] / int(size) for size, one in render.items()}
    first = next(iter(per.values()))
    yield table(
        (
            "artifacts",
            "seconds, first",
            "again",
            "CPU seconds, first",
            "of these in the kernel",
            "again",
            "again / first",
            "an artifact again / at the fewest",
            "catalog's data, KiB (gzip)",
            "all parts, KiB (gzip)",
        ),
        [
            (
                size,
                one["first_s"],
                one["again_s"],
                one["first_cpu_s"],
                one["first_kernel_s"],
                one["again_cpu_s"],
                f"{one['again_cpu_s'] / one['first_cpu_s']:.2f}",
                f"{per[size] / first:.2f}",
                one["catalog_kib"],
                one["index_kib"],
            )
            for size, one in render.items()
        ],
    )
    if goal := render.get(RENDER_ARTIFACTS):
        for when, seconds in (("At first", goal["first_s"]), ("Again", goal["again_s"])):
            share = seconds / RENDER_S
            yield f"{when}, {RENDER_ARTIFACTS} artifacts take {share:.2f} of their {RENDER_S:g} s: {met(seconds <= RENDER_S)}."


def _line(sizes: Mapping[str, Mapping[str, float]], name: str) -> tuple[list[float], list[float]]:
    return [float(size) for size in sizes], [one[name] for one in sizes.values()]
