"""What docs/performance.md says of the builds in a store."""

import json

import pytest

from benchmarks import cells, page
from benchmarks.cells import chosen, newest
from benchmarks.sections.cells import light, second
from farm.plan.cell import Cell
from farm.store import catalog, keys
from farm.store.folder import FolderStore
from tests.show.test_built import GZIP, artifact

STEPS = {"unpack": 2.0, "make openssl": 8.0, "configure": 10.0, "make shared": 60.0, "install": 8.0, "link static": 3.9}
STEPS |= {"pack": 4.0, "verify": 4.1}


def build(series="3.13", cores=None, **steps):
    took = [
        {"step": step, "seconds": seconds, "cpu_seconds": cores and seconds * cores}
        for step, seconds in (STEPS | steps).items()
    ]
    cell = f"{series}.1-debian13-amd64"
    return {"cell": cell, "series": series, "optimize": "pgo+lto", "steps": took, "sizes": {"tar.gz": 1, "tar.zst": 14_000_000}}


def test_libraries_of_our_own_are_compiling_and_configure_is_told_both_ways():
    assert light(build()) == pytest.approx(0.02)
    assert light(build(), configure=True) == pytest.approx(0.12)
    assert second(build()) == pytest.approx(0.05)


def test_the_page_tells_shares_cores_and_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    file = tmp_path / "cells.json"
    file.write_text(json.dumps({"cells": [build(), build("3.14", unpack=5.0)]}))
    text = page.text()
    assert "| 3.13.1-debian13-amd64 | 2.0% | 12.0% | met | 0.050 |" in text
    assert "| 3.14.1-debian13-amd64 | 4.9% | 14.6% | **not met** | 0.050 |" in text
    assert "No build of this store has CPU seconds" in text
    assert "| 3.13.1-debian13-amd64 | 14.0 | 35 | 0.40 | met | [3.13, May 2026" in text
    assert "| of 3.14 there is no figure that can be cited |" in text
    file.write_text(json.dumps({"cells": [build(cores=1.5), build(cores=2.0), build()]}))
    assert "| pgo+lto | make shared | 2 | 1.75 |" in page.text()


def test_of_a_cell_the_newest_build_is_told():
    found = newest([artifact("3.13.5-debian13-amd64", "2026112202"), artifact("3.13.5-debian13-amd64", "2026112201")])
    assert [one.build_id for one in found] == ["2026112202"]


def store_with(folder, *artifacts):
    store = FolderStore(folder)
    for one in artifacts:
        store.put(catalog.name_of(one).key, one.model_dump_json().encode())
    return store


def packed(cell, build_id, optimize="none"):
    one = artifact(cell, build_id)
    archives = (GZIP, GZIP.model_copy(update={"format": "tar.zst"}))
    return one.model_copy(update={"archives": archives, "build": one.build.model_copy(update={"optimize": optimize})})


def test_another_store_takes_no_rows_away_but_those_it_has_newer_builds_of(tmp_path, monkeypatch, capsys):
    out, a, b = tmp_path / "cells.json", "3.13.5-debian13-amd64", "3.14.7-debian12-amd64"
    store_with(tmp_path / "all", packed(a, "2026112202"), packed(a, "2026112201", "pgo+lto"), packed(b, "2026112205"))
    store_with(tmp_path / "one", packed(a, "2026112203", "pgo+lto"), packed(b, "2026112204"))
    for store in ("all", "one"):
        monkeypatch.setattr("sys.argv", ["cells", "--store", str(tmp_path / store), "--out", str(out)])
        assert cells.main() == 0
    rows = [(one["cell"], one["optimize"], one["build_id"]) for one in json.loads(out.read_text())["cells"]]
    assert rows == [(b, "none", "2026112205"), (a, "none", "2026112202"), (a, "pgo+lto", "2026112203")]
    assert capsys.readouterr().out.startswith("3 builds in ")


def test_of_a_cell_with_an_optimisation_the_newest_build_is_chosen_that_was_not_yanked(tmp_path):
    a = "3.13.5-debian13-amd64"
    store = store_with(tmp_path, *(packed(a, f"202611220{number}", "pgo+lto") for number in (1, 2)), packed(a, "2026112203"))
    assert chosen(store, Cell.parse(a), "pgo+lto").build_id == "2026112202"
    store.put(keys.yank(Cell.parse(a), "2026112202"), b"{}")
    assert chosen(store, Cell.parse(a), "pgo+lto").build_id == "2026112201"
    with pytest.raises(SystemExit, match=r"is not published in .* with pgo$"):
        chosen(store, Cell.parse(a), "pgo")
