"""How long it takes from the downloaded file to the first `python3 -c pass`, in a fresh container, for each form of archive.

Usage: python -m benchmarks.first CELL [--optimize pgo+lto] [--store ./store] [--rounds 5] [--out FILE]

Each try is in a box of its own, made from an image with what the archive needs, `tar` and `zstd`; forms take turns. The file is
there when the clock starts, and so in the page cache, as after a download.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cells import chosen, fetched, parser, written
from benchmarks.command import end
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.settings import Settings
from farm.store.folder import FolderStore
from workers.build.image import ImageMaker
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import BoxSpec
from workers.verify.probe import parcel

if TYPE_CHECKING:
    from workers.engine.protocol import Engine

FORMS = ("tar.gz", "tar.zst")
TOOLS = ("tar", "zstd")
# prints nanoseconds: before, after unpacking, after the first start
TIMED = (
    'cd /work/to && a=$(date +%s%N) && tar -xf "$1" && b=$(date +%s%N) && python/bin/python3 -c pass && c=$(date +%s%N)'
    ' && echo "$a $b $c"'
)


def once(engine: Engine, image: str, archive: Path) -> tuple[float, float]:
    """Seconds that unpacking and the first start took. Ends the benchmark when either fails."""
    with engine.box(BoxSpec(image)) as box:
        box.put("/work", parcel({archive.name: archive.read_bytes()}, ["to"]))
        done = box.run(["sh", "-c", TIMED, "first", f"/work/{archive.name}"])
    if not done.ok:
        raise SystemExit(f"{archive.name} does not start:\n{done.output[-2000:]}")
    before, unpacked, started = (int(word) for word in done.output.split()[-3:])
    return (unpacked - before) / 1e9, (started - unpacked) / 1e9


def measured(engine: Engine, image: str, archives: dict[str, Path], rounds: int) -> dict[str, dict[str, float]]:
    """Medians for each form, in seconds."""
    times: dict[str, list[tuple[float, float]]] = {form: [] for form in archives}
    for at in range(rounds):
        for form in list(archives)[:: -1 if at % 2 else 1]:
            times[form].append(once(engine, image, archives[form]))
    return {
        form: {
            "unpack_s": round(statistics.median(unpack for unpack, _ in all_of), 4),
            "start_s": round(statistics.median(start for _, start in all_of), 4),
            "both_s": round(statistics.median(unpack + start for unpack, start in all_of), 4),
            "bytes": archives[form].stat().st_size,
        }
        for form, all_of in times.items()
    }


def main() -> int:
    """Measure, print, and write the JSON."""
    options = parser("first", rounds=5).parse_args()
    cell, settings, facts, store = Cell.parse(options.cell), Settings(), load_facts(), FolderStore(options.store)
    artifact, engine = chosen(store, cell, options.optimize), DockerEngine(require(settings).url)
    needs = compose(cell, Options(optimize="none"), facts, "").required_packages
    maker = ImageMaker(facts.distros[cell.distro], cell.arch, engine, settings, print)
    image = maker.with_packages("first", tuple(sorted({*needs, *TOOLS})))
    with tempfile.TemporaryDirectory(prefix="farm-first-") as folder:
        archives = {form: fetched(store, artifact, form, Path(folder)) for form in FORMS}
        forms = measured(engine, image, archives, options.rounds)
    result = {"cell": options.cell, "optimize": options.optimize, "rounds": options.rounds, "forms": forms}
    written(options.out, result)
    return 0


if __name__ == "__main__":
    end(main)
