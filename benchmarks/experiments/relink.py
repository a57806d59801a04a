"""One training run for a build and all experiments: each is compiled and linked anew from the same profile, in one box.

Two training runs of one recipe give builds that differ by more than most flags do. So what is compared is of one run, unless an
experiment is about training itself. A folder may have an `after.sh`, which is run in the box when its tree is installed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.dual import Watch
from farm.plan.patches import patch_texts
from farm.plan.recipe import Recipe, digest_of, words_said
from workers.build.compile import BUILD, TREE, Passes
from workers.verify.probe import parcel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workers.engine.protocol import Box

HERE = Path(__file__).parent
PLAIN = "plain"
PARTS = ("executable", "libpython")
TREES = "/work/trees"
AFTER = "after.sh"
TRAINED = "trained.tar"
_TRAINED = "/work/trained"
_PATCHES = "/work/patches"
_TRAINING = ("PROFILE_TASK=", "PGO_PROF_GEN_FLAG=")  # words for make that say what is trained, and how
# with another macro, e.g. __BMI__, a function may be another one, which no profile fits; what may be replaced is not inlined
_DECIDING = ("-D", "-U", "-march=", "-fsemantic-interposition", "-fno-semantic-interposition")


@dataclass(frozen=True)
class Relinked(Passes):
    """Steps of a dual build in a box where another recipe was trained, or is to be."""

    def train(self, sources: tuple[Path, ...], kept: Path) -> None:
        """Unpack and train, or take the file of a training that was kept; what it left stays in the box for every `build`."""
        self._do("rm", "-rf", "/work/src", _PATCHES, BUILD, "/work/tree", _TRAINED)
        self._do("mkdir", _PATCHES)  # the builder's own, so that the next training can remove what is put there
        self._unpack(sources, patch_texts(self.recipe.patches, None))
        if kept.exists():
            with kept.open("rb") as stream:
                self.box.put("/work", stream)
            return
        self._configured()
        self.on_step("train")
        self._make(f"-j{self.jobs}", "profile-run-stamp")
        self._do("cp", "-a", BUILD, _TRAINED)
        keep(kept, self.box.get(_TRAINED))

    def build(self, name: str) -> None:
        """Compile, link twice and install from the profile that is there; the tree comes to lie in TREES by its name."""
        self._do("rm", "-rf", BUILD, "/work/tree", f"{TREES}/{name}")
        self._do("cp", "-a", _TRAINED, BUILD)
        self._do("mkdir", "-p", "/work/tree", TREES)
        self._shared()
        self._static()
        self._finish()
        after = HERE / name / AFTER
        if after.exists():
            self.on_step("after")
            self.box.put("/work", parcel({AFTER: after.read_bytes()}))
            self._do("sh", f"/work/{AFTER}", TREE, self.recipe.layout.executable, str(self.jobs))
        self._do("mv", TREE, f"{TREES}/{name}")


def training_of(recipe: Recipe) -> str:
    """A digest of all that decides what a training run leaves, but for flags that change nothing of what is counted."""
    words = [word for word in recipe.make if word.startswith(_TRAINING)]
    words += sorted(word for word in words_said(recipe.make) if word.startswith(_DECIDING))
    source = [recipe.source.sha256, *(patch.sha256 for patch in recipe.patches), recipe.linked, recipe.missing_stdlib]
    return digest_of([source, recipe.configure, recipe.environment, words, [vars(advice) for advice in recipe.advice]])


def keep(file: Path, parts: Iterable[bytes]) -> None:
    """Write a file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    with beside.open("wb") as stream:
        stream.writelines(parts)
    beside.replace(file)


@dataclass(frozen=True)
class Shelf:
    """Trainings and trees as tars, a folder for each training: what was made of the same is not made again.

    `image` says what it is made in, and changes with it.
    """

    folder: Path
    recipes: Mapping[str, Recipe]
    image: str

    def trained_as(self, name: str) -> str:
        """Whose training it is compiled from: the plain one's, unless it is about training."""
        return PLAIN if training_of(self.recipes[name]) == training_of(self.recipes[PLAIN]) else name

    def training(self, name: str) -> Path:
        """The folder of the training that an experiment is compiled from."""
        code = Path(__file__).read_text(encoding="utf-8")
        return self.folder / f"training-{digest_of([self.recipes[self.trained_as(name)].digest, self.image, code])[:16]}"

    def file(self, name: str) -> Path:
        """Where the tree of an experiment is kept."""
        after = HERE / name / AFTER
        parts = [self.recipes[name].digest, after.read_text(encoding="utf-8") if after.exists() else ""]
        return self.training(name) / f"{name}-{digest_of(parts)[:16]}.tar"

    def told(self, name: str) -> dict[str, Any]:
        """What the steps of its build took, and what the compiler said of profiles: see `benchmarks.dual.Watch`."""
        found: dict[str, Any] = json.loads(self.file(name).with_suffix(".json").read_text(encoding="utf-8"))
        return found

    def counts_file(self, name: str) -> Path:
        """Where it is kept what was counted of it."""
        return self.file(name).with_suffix(".counts.json")

    def counts(self, name: str) -> dict[str, dict[str, int]]:
        """Instructions of a loop, by benchmark and part, as far as they were counted."""
        file = self.counts_file(name)
        found: dict[str, dict[str, int]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        return found

    def has(self, name: str) -> bool:
        """Whether its tree is kept; one of a training that is lost is none, for others would be of a new one."""
        return self.file(name).exists() and (self.training(name) / TRAINED).exists()

    def trees(self, box: Box, sources: tuple[Path, ...], jobs: int) -> None:
        """Put the tree of every recipe into the box; those that are not kept are built there."""
        box.put("/work", parcel({}, [TREES.removeprefix("/work/")]))
        trained = ""
        for name in sorted(self.recipes, key=lambda name: (self.trained_as(name) != PLAIN, name != PLAIN, name)):
            if not self.has(name):
                print(f"### {name}", flush=True)
                if trained != self.trained_as(name):
                    trained = self.trained_as(name)
                    self._train(box, trained, sources, jobs)
                self._build(box, name, jobs)
            else:
                with self.file(name).open("rb") as stream:
                    box.put(TREES, stream)

    def _train(self, box: Box, name: str, sources: tuple[Path, ...], jobs: int) -> None:
        kept = self.training(name) / TRAINED
        if not kept.exists():
            shutil.rmtree(kept.parent, ignore_errors=True)
        watch = Watch(box)
        Relinked(box, self.recipes[name], jobs, watch.step, watch.line).train(sources, kept)

    def _build(self, box: Box, name: str, jobs: int) -> None:
        watch = Watch(box)
        Relinked(box, self.recipes[name], jobs, watch.step, watch.line).build(name)
        watch.step("over")
        keep(self.file(name).with_suffix(".json"), [json.dumps(watch.told()).encode()])
        keep(self.file(name), box.get(f"{TREES}/{name}"))
