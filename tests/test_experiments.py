"""Experiments are facts that lie over ours, each says what it is about, and is compared with the plain build."""

from __future__ import annotations

import contextlib
import io
import json
import math
import tarfile
from types import SimpleNamespace

import pytest

from benchmarks.experiments import __main__ as command_line
from benchmarks.experiments import measure
from benchmarks.experiments.__main__ import asked_for, chosen, figures, known, needs, pairs, recipes, rows
from benchmarks.experiments.relink import HERE, PARTS, Shelf
from benchmarks.ratios import key, summary
from benchmarks.sections.experiments import experiments
from farm.errors import BadInput
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from tests.fakes import ScriptedBox

CELL = Cell.parse("3.13.15-debian13-amd64")
CLANG = Cell.parse("3.14.7-debian13-amd64")


@pytest.mark.parametrize("name", known())
def test_an_experiment_changes_the_recipe_and_says_why(name):
    plain, changed = (
        compose(CLANG if name in OF_CLANG else CELL, Options(optimize="pgo+lto"), facts, "")
        for facts in (load_facts(), load_facts(HERE / name))
    )
    assert changed.digest != plain.digest
    assert known()[name].endswith(".")


def test_each_is_compared_with_the_plain_build():
    runs = {
        key(0, "nbody", who): {"nbody": [seconds]}
        for who, seconds in {"plain executable": 2.0, "x executable": 1.0, "plain libpython": 3.0, "x libpython": 6.0}.items()
    }
    found = summary(runs, 1, among=pairs(["x", "was not run"]))["pairs"]
    assert {name: pair["mean"] for name, pair in found.items()} == {"x: executable": 2.0, "x: libpython": 0.5}
    assert math.isclose(found["x: executable"]["each"]["nbody"]["mean"], 2.0)


def test_the_page_tells_what_was_changed():
    one = {"mean": 1.02, "low": 1.01, "high": 1.03, "each": {"float": {"mean": 1.2}, "go": {"mean": 0.9}}}
    row = {"about": "Something else.", "rounds": 3, "scripts": ["float", "go"], "executable": one, "libpython": one}
    more = {
        "instructions": {"go": {"executable": 0.97, "libpython": 0.98}},
        "second_link": 0.05,
        "profile": "its own",
        "mismatches": 2,
    }
    page = "\n".join(map(str, experiments({str(CELL): {"x": {**row, **more}}})))
    said = "1.02 | 1.01 to 1.03 | go 0.9 | 1.02 | 1.01 to 1.03 | go 0.97 and 0.98 | 0.050 | its own, 2 did not fit"
    assert f"| x: Something else. | {said} | 3 rounds of 2 |" in page
    assert f"### {CELL}, changed" in page


class KeptBox(ScriptedBox):
    """A box whose every folder has one file."""

    def get(self, path):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            tar.addfile(tarfile.TarInfo(f"{path.rpartition('/')[2]}/file"))
        yield stream.getvalue()


def trees(names, folder, image="id of an image", **script):
    """A box in which the trees of these experiments were made."""
    box = KeptBox(script)
    source = folder / "source"
    source.write_bytes(b"")
    Shelf(folder / "kept", recipes(CELL, names), image).trees(box, (source,), 2)
    return box


def made(box, *words):
    return [command for command in box.commands if command.startswith("make") and set(words) <= set(command.split())]


def test_all_are_built_from_the_profile_of_one_training(tmp_path):
    box = trees(["frame-pointers", "stack-protector-strong"], tmp_path)
    (trained,) = made(box, "profile-run-stamp")
    assert "-fno-omit-frame-pointer" not in trained
    assert len(made(box, "altbininstall")) == 3
    order = [command for command in box.commands if command.startswith(("make -j2 ", "cp -a", "mv"))]
    assert order[:4] == [trained, "cp -a /work/build /work/trained", "cp -a /work/trained /work/build", order[3]]
    assert order[4] == "mv /work/tree/install /work/trees/plain"
    assert [order[-1], order[-4]] == [
        f"mv /work/tree/install /work/trees/{name}" for name in ("stack-protector-strong", "frame-pointers")
    ]
    assert "/work/trees" not in box.files


def test_what_is_about_training_is_trained_anew_and_last(tmp_path):
    box = trees(["extended-training", "frame-pointers"], tmp_path)
    first, second = made(box, "profile-run-stamp")
    assert ("--pgo-extended" in first, "--pgo-extended" in second) == (False, True)
    moved = [command for command in box.commands if command.startswith("mv")]
    assert [command.rpartition("/")[2] for command in moved] == ["plain", "frame-pointers", "extended-training"]


def test_nothing_of_a_training_is_left_for_the_next_one(tmp_path):
    """The folder of patches is the builder's own: one that the engine makes for them cannot be removed."""
    box = trees(["extended-training"], tmp_path)
    removed = "rm -rf /work/src /work/patches /work/build /work/tree /work/trained"
    at = [at for at, command in enumerate(box.commands) if command == removed]
    assert [box.commands[one + 1] for one in at] == ["mkdir /work/patches"] * 2


def test_what_is_kept_is_not_made_again_and_what_is_missing_is_of_the_same_training(tmp_path):
    trees(["frame-pointers"], tmp_path)
    again = trees(["frame-pointers", "stack-protector-strong"], tmp_path)
    assert made(again, "profile-run-stamp") == []
    assert len(made(again, "altbininstall")) == 1
    assert again.files["/work/trees"] == ["plain/file", "frame-pointers/file"]
    assert "trained/file" in again.files["/work"]
    (training,) = (tmp_path / "kept").iterdir()
    assert sorted(path.suffix for path in training.iterdir()) == [*[".json"] * 3, *[".tar"] * 4]


def test_trees_of_a_training_that_is_lost_are_made_anew(tmp_path):
    trees(["frame-pointers"], tmp_path)
    (lost,) = (tmp_path / "kept").glob("*/trained.tar")
    lost.unlink()
    again = trees(["frame-pointers", "stack-protector-strong"], tmp_path)
    assert len(made(again, "profile-run-stamp")) == 1
    assert len(made(again, "altbininstall")) == 3
    assert "/work/trees" not in again.files


def test_another_image_or_plain_recipe_is_another_training(tmp_path):
    trees(["frame-pointers"], tmp_path)
    assert len(made(trees(["frame-pointers"], tmp_path, image="another"), "profile-run-stamp")) == 1
    mine = recipes(CELL, ["frame-pointers"])
    shelf = Shelf(tmp_path, mine, "")
    other = Shelf(tmp_path, {**mine, "plain": recipes(Cell.parse("3.13.5-debian13-amd64"), [])["plain"]}, "")
    assert shelf.file("frame-pointers") != other.file("frame-pointers")


def test_what_a_build_took_is_known_when_it_is_kept(tmp_path):
    trees(["frame-pointers"], tmp_path)
    told = Shelf(tmp_path / "kept", recipes(CELL, ["frame-pointers"]), "id of an image").told("frame-pointers")
    assert [step["step"] for step in told["steps"]][:3] == ["make shared", "install", "link static"]
    assert told["warnings"]["coverage-mismatch"]["lines"] == 0


def test_what_another_compiler_needs_is_named_and_is_not_what_it_is_about():
    assert needs() == ["bolt-19", "systemtap-sdt-dev"]
    assert not [name for name, about in known().items() if "needs:" in about]


@pytest.mark.parametrize("name", ["gcc", "debian-rules"])
def test_where_clang_is_the_recipe_gcc_can_be_had_back(name):
    made = recipes(CLANG, [name])
    words = {which: " ".join((*recipe.configure, *recipe.make)) for which, recipe in made.items()}
    assert [which for which, recipe in made.items() if ("CC", "clang-19") in recipe.environment] == ["plain"]
    assert [which for which, said in words.items() if "--with-tail-call-interp" in said] == ["plain"]
    assert not [which for which, said in words.items() if ("-fuse-ld=lld" in said) == ("-gno-as-loc-support" in said)]
    assert known()["gcc"].startswith("Compiled by the distro's own gcc")


COUNTS = {"plain": (1000, 2000), "frame-pointers": (500, 1500), "extended-training": (1, 2)}


def test_an_experiments_figures_are_of_it_and_the_plain_build(tmp_path):
    trees(["frame-pointers", "extended-training"], tmp_path)
    shelf = Shelf(tmp_path / "kept", recipes(CELL, ["frame-pointers", "extended-training"]), "id of an image")
    link = {"plain": 4.0, "frame-pointers": 2.0, "extended-training": 4.0}
    for name, seconds in link.items():
        file = shelf.file(name).with_suffix(".json")
        told = shelf.told(name)
        for step in told["steps"]:
            step["cpu_seconds"] = seconds if step["step"] == "link static" else 1.0
        file.write_text(json.dumps(told))
    runs = {
        key(0, "nbody", f"{who} {what}"): {"nbody": [seconds]}
        for what in ("executable", "libpython")
        for who, seconds in {"plain": 2.0, "frame-pointers": 1.0, "extended-training": 4.0}.items()
    }
    pairs_of = summary(runs, 1, among=pairs(["frame-pointers", "extended-training"]))["pairs"]
    counted = {name: {"go": dict(zip(PARTS, counts, strict=True))} for name, counts in COUNTS.items()}
    counted["plain"]["nbody"] = {"executable": 1, "libpython": 1}  # of which the others were not counted
    newer, trained = (figures(shelf, name, pairs_of, counted) for name in ("frame-pointers", "extended-training"))
    assert (newer["executable"]["mean"], newer["second_link"], newer["profile"]) == (2.0, 0.5, "the same")
    assert newer["instructions"] == {"go": {"executable": 0.5, "libpython": 0.75}}
    assert newer["plain"] == trained["plain"] == shelf.recipes["plain"].digest[:16]
    assert (trained["libpython"]["mean"], trained["second_link"], trained["profile"]) == (0.5, 1.0, "its own")


def test_a_tree_that_something_is_done_to_has_it_done_before_it_is_kept(tmp_path):
    box = trees(["bolt"], tmp_path)
    (after,) = [command for command in box.commands if "after.sh" in command]
    assert after == "sh /work/after.sh /work/tree/install python3.13 2"
    assert box.commands.index(after) < box.commands.index("mv /work/tree/install /work/trees/bolt")


def laboratory(tmp_path, monkeypatch, packages=()):
    said = {"metadata": {"name": "nbody", "loops": 1}, "benchmarks": [{"runs": [{"values": [1.0]}]}]}
    box = KeptBox({"cat": json.dumps(said)})
    asked = []
    monkeypatch.setattr(measure, "image_of", lambda *words: asked.append(words[3:]) or "an image")
    monkeypatch.setattr(measure, "tools", lambda *_: {})
    monkeypatch.setattr(measure, "fetch", lambda *_: tmp_path / "source")
    (tmp_path / "source").write_bytes(b"")
    engine = SimpleNamespace(identity=lambda image: f"id of {image}", box=lambda _spec: contextlib.nullcontext(box))
    settings = SimpleNamespace(cache=tmp_path, make_jobs=2)
    return measure.Laboratory(CELL, engine, settings, packages), box, asked


def test_what_was_counted_once_is_kept_beside_its_tree(tmp_path, monkeypatch):
    lab, _, asked = laboratory(tmp_path, monkeypatch, ("gcc",))
    shelf = lab.shelf(recipes(CELL, ["frame-pointers"]))
    turns = []

    def counting(_box, python, one, _further, *, simulated):
        assert not simulated
        turns.append((python, one))
        return {"instructions": 7}

    monkeypatch.setattr(measure, "loop_counted", counting)
    assert lab.counted(shelf, []) == {"plain": {}, "frame-pointers": {}}
    assert asked == [("gcc",)]  # whose image is not even made
    both = {"executable": 7, "libpython": 7}
    assert lab.counted(shelf, ["nbody"]) == {"plain": {"nbody": both}, "frame-pointers": {"nbody": both}}
    assert asked[-1] == ("gcc", "valgrind")
    assert turns[:2] == [("/work/trees/plain/bin/python3.13", "nbody"), ("/work/scratch/embeds-plain", "nbody")]
    assert lab.counted(shelf, ["nbody", "float"])["plain"] == {"nbody": both, "float": both}
    assert [turn[-1] for turn in turns] == ["nbody"] * 4 + ["float"] * 4
    assert lab.counted(shelf, [])["frame-pointers"] == {"nbody": both, "float": both}


def test_trees_take_turns_and_the_same_command_goes_on(tmp_path, monkeypatch):
    lab, box, _ = laboratory(tmp_path, monkeypatch)
    shelf = lab.shelf(recipes(CELL, ["frame-pointers"]))
    runs = lab.timed(shelf, 1, ["nbody"])
    assert sorted(runs) == sorted(f"0 nbody {name} {part}" for name in ("plain", "frame-pointers") for part in PARTS)
    built = len(made(box, "altbininstall"))
    assert lab.timed(shelf, 1, ["nbody"]) == runs
    assert len(made(box, "altbininstall")) == built == 2


def test_rows_of_another_build_or_method_or_of_no_experiment_are_dropped():
    older = {
        "bolt": {"plain": "1", "method": "turns"},
        "gcc": {"plain": "2", "method": "turns"},
        "lto": {"plain": "2"},
        "was renamed": {"plain": "2", "method": "turns"},
        "frame-pointers": {"plain": "2", "method": "turns", "old": 1},
    }
    found = rows(older, {"frame-pointers": {"plain": "2", "method": "turns"}})
    about = known()["frame-pointers"]
    alike = {"plain": "2", "method": "turns"}
    assert found == {"gcc": alike, "frame-pointers": {**alike, "about": about}}


OF_GCC = {"aligned", "bolt", "dispatch", "optimize-2", "partial-training", "partitioned-lto", "semantic-interposition"}
OF_CLANG = {"gcc", "ir-profile"}


@pytest.mark.parametrize("name", sorted(set(known()) - OF_GCC - {"ir-profile"}))
def test_no_flags_of_gcc_are_for_clang(name):
    made = recipes(CLANG, [name])[name]
    words = " ".join((*made.make, *made.make_static))
    of_gcc = ("-fprofile-generate", "-flto-partition", "-gno-as-loc-support", "-ffile-prefix-map=/work/src")
    assert (("CC", "clang-19") in made.environment) == (not any(flag in words for flag in of_gcc))


@pytest.mark.parametrize(
    ("cell", "name"), [*((CLANG, name) for name in sorted(OF_GCC)), *((CELL, name) for name in sorted(OF_CLANG))]
)
def test_what_changes_nothing_of_a_cell_is_refused(cell, name):
    with pytest.raises(BadInput, match=f"{name} changes nothing of {cell}"):
        recipes(cell, [name])


@pytest.mark.parametrize(("cell", "left"), [(CLANG, OF_GCC), (CELL, OF_CLANG)])
def test_without_names_all_are_built_that_change_something(cell, left):
    assert set(chosen(cell, [])) == set(known()) - left
    assert chosen(cell, ["bolt"]) == ["bolt"]


def test_the_command_line():
    said = asked_for(["3.13.15-debian13-amd64", "--only", "bolt", "--count", "nbody", "float"])
    assert (said.only, said.count, said.rounds) == (["bolt"], ["nbody", "float"], 5)
    for wrong in (["--only", "no such folder"], ["--rounds", "-1"], ["--count", "no such benchmark"]):
        with pytest.raises(SystemExit):
            asked_for(["x", *wrong])


def test_without_rounds_trees_are_built_and_counted_and_nothing_is_timed(tmp_path, monkeypatch, capsys):
    lab, box, _ = laboratory(tmp_path, monkeypatch)
    words = [
        "measured",
        str(CELL),
        "--only",
        "frame-pointers",
        "--rounds",
        "0",
        "--count",
        "nbody",
        "--out",
        str(tmp_path / "out.json"),
    ]
    monkeypatch.setattr(measure, "loop_counted", lambda *_, **__: {"instructions": 7})
    monkeypatch.setattr(command_line, "require", lambda _settings: SimpleNamespace(url=""))
    monkeypatch.setattr(command_line, "DockerEngine", lambda _url: None)
    monkeypatch.setattr(command_line, "Laboratory", lambda *_: lab)
    monkeypatch.setattr("sys.argv", words)
    assert command_line.main() == 0
    assert capsys.readouterr().out.endswith(
        "built and kept: plain, frame-pointers; counted and kept: nbody; nothing was timed\n"
    )
    assert len(made(box, "altbininstall")) == 2
    assert lab.shelf(recipes(CELL, ["frame-pointers"])).counts("frame-pointers") == {"nbody": dict.fromkeys(PARTS, 7)}
    assert not (tmp_path / "out.json").exists()


def test_a_cell_with_libraries_of_our_own_is_refused():
    with pytest.raises(BadInput, match=r"has openssl of our own, which experiments do not build") as caught:
        recipes(Cell.parse("2.7.18-debian12-amd64"), [])
    assert caught.value.hint == "take another cell"


def row(low, high, name="frame-pointers"):
    pair = {"mean": (low + high) / 2, "low": low, "high": high, "each": {"nbody": {"mean": low}}}
    return {
        "about": known()[name],
        "executable": pair,
        "libpython": pair,
        "instructions": {},
        "second_link": 1.0,
        "profile": "its own",
        "mismatches": 0,
        "rounds": 5,
        "scripts": ["nbody"],
    }


@pytest.mark.parametrize(
    ("cell", "high", "said"),
    [
        ("3.14.7-debian13-amd64", 0.9, "1.1|met (1.111 at"),
        ("3.14.7-debian13-amd64", 0.92, "1.1|**not met** (1.087"),
        ("3.13.15-debian13-amd64", 0.92, "1.05|met (1.087 at"),
        (
            "3.15.0rc2-debian13-amd64",
            1.0,
            "1.1|**not met** (1.000",
        ),
    ],
)
def test_what_debians_rules_make_of_the_same_source_decides_a_goal(cell, high, said):
    text = "\n".join(map(str, experiments({cell: {"debian-rules": row(0.85, high, "debian-rules")}})))
    assert said.replace("|", " times as fast as what Debian's rules make of the same source: ") in text
    assert "Goal" not in "\n".join(map(str, experiments({cell: {"frame-pointers": row(0.85, high)}})))


def test_what_changes_macros_or_what_is_inlined_is_trained_by_itself_because_no_other_profile_fits_its_functions():
    names = ["frame-pointers", "no-hardening", "partitioned-lto", "random-address", "semantic-interposition", "x86-64-v3"]
    shelf = Shelf(HERE, recipes(CELL, names), "")
    assert [name for name in names if shelf.trained_as(name) == name] == ["no-hardening", "semantic-interposition", "x86-64-v3"]
