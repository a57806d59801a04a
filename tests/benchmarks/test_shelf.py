"""One training run for a build and all experiments; trees, counts and runs are made once and kept."""

from __future__ import annotations

from types import SimpleNamespace

from benchmarks.experiments import __main__ as command_line
from benchmarks.experiments import measure
from benchmarks.experiments.__main__ import recipes
from benchmarks.experiments.relink import HERE, PARTS, Shelf
from farm.plan.cell import Cell
from tests.benchmarks.shelf import CELL, laboratory, made, trees


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


def test_a_tree_that_something_is_done_to_has_it_done_before_it_is_kept(tmp_path):
    box = trees(["bolt"], tmp_path)
    (after,) = [command for command in box.commands if "after.sh" in command]
    assert after == "sh /work/after.sh /work/tree/install python3.13 2"
    assert box.commands.index(after) < box.commands.index("mv /work/tree/install /work/trees/bolt")


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


def test_what_changes_macros_or_what_is_inlined_is_trained_by_itself_because_no_other_profile_fits_its_functions():
    names = ["frame-pointers", "no-hardening", "partitioned-lto", "random-address", "semantic-interposition", "x86-64-v3"]
    shelf = Shelf(HERE, recipes(CELL, names), "")
    assert [name for name in names if shelf.trained_as(name) == name] == ["no-hardening", "semantic-interposition", "x86-64-v3"]
