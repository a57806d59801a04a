"""The memory of embedders: which build is measured, and what is told of it."""

import json

from benchmarks import memory
from benchmarks.sections.memory import memory as section
from tests.benchmarks.test_measured_cells import packed, store_with

CELL = "3.13.5-debian13-amd64"
SIZES = {"shared": {"sum_kib": 1024, "median_kib": 128.0}, "static": {"sum_kib": 2048, "median_kib": 256.0}}


def measured(folder, monkeypatch, *words):
    out = folder / "memory.json"
    monkeypatch.setattr("sys.argv", ["memory", CELL, "--store", str(folder / "store"), "--out", str(out), *words])
    assert memory.main() == 0
    return json.loads(out.read_text("utf-8"))


def test_the_optimised_build_is_measured_also_where_a_newer_one_is_not_optimised(tmp_path, monkeypatch):
    weighed = []
    monkeypatch.setattr(memory, "weighed", lambda _, one: weighed.append(one.build_id) or SIZES)
    store_with(tmp_path / "store", packed(CELL, "2026112201", "pgo+lto"), packed(CELL, "2026112202"))
    told = measured(tmp_path, monkeypatch)
    assert (told["cell"], told["optimize"], told["static_by_shared"]) == (CELL, "pgo+lto", 2.0)
    assert measured(tmp_path, monkeypatch, "--optimize", "none")["optimize"] == "none"
    assert weighed == ["2026112201", "2026112202"]


def test_the_optimisation_is_told_where_the_result_has_it():
    found = {"cell": CELL, "optimize": "pgo+lto", "processes": 8, **SIZES}
    assert f"8 mod_wsgi processes with {CELL}, pgo+lto: proportional" in "\n".join(map(str, section(found)))
    del found["optimize"]
    assert f"8 mod_wsgi processes with {CELL}: proportional" in "\n".join(map(str, section(found)))
