"""What the pipeline gives to its steps: the parts that need no compiler."""

from __future__ import annotations

from pathlib import Path

from farm import __version__
from farm.plan.facts import load_facts
from farm.plan.recipe import BaseImage, Inputs
from farm.settings import Settings
from farm.store.artifact import Finding, VerifiedIn
from farm.wire.messages import Grant
from farm.wire.verification import Checked, Verification
from tests.dispatch.making import cell, recipe
from tests.fakes import FakeReporter, ScriptedBox, ScriptedEngine
from tests.verify.crafted import Crafted, build_info
from workers import pipeline
from workers.build.image import ImageMaker, Images
from workers.engine.isolation import isolation
from workers.verify.table import TABLE

INPUTS = Inputs(BaseImage("base:1", "bootstrap", ("sha256:1",)), ())
IMAGES = Images(INPUTS.base, workshop="builder:1", builder="builder:1", runtime="runtime:1", inputs=INPUTS)


def maker(engine: ScriptedEngine) -> ImageMaker:
    return ImageMaker(load_facts().distros["debian13"], "amd64", engine, Settings(), print)


def test_boxes_of_the_verification_are_labelled_and_end_when_the_cell_is_cancelled(tmp_path):
    engine, reporter = ScriptedEngine({"runtime:1": ScriptedBox(), "builder:1": ScriptedBox()}), FakeReporter()
    effects = pipeline.Effects(engine, reporter, Settings())
    grant = Grant(attempt=3, recipe=recipe(cell()), inputs=None, deadline_s=60, uploads={})
    archive = Path(tmp_path) / "install_only.tar.gz"
    archive.write_bytes(Crafted().packed())
    request = pipeline.BuildRequest("20261122-010203-abcdef", grant, "w1")
    pipeline._verify(request, effects, maker(engine), pipeline.Made(build_info(), (), IMAGES), archive)
    labels = {"farm.run": "20261122-010203-abcdef", "farm.cell": str(cell()), "farm.attempt": "3"}
    assert engine.specs
    assert all(dict(spec.labels) == labels for spec in engine.specs)
    reporter.wanted = True
    assert all(spec.cancelled() for spec in engine.specs)


def outcome():
    """Four checks: one passed with a warning, one saw an error, one had nothing to look at, one could not run."""
    rows = {"a.passed": {}, "b.failed": {}, "c.without": {"without": "no debug symbols"}, "d.skipped": {"skipped": "no engine"}}
    checks = tuple(Checked(check=name, proves="something", where="archive", **more) for name, more in rows.items())
    findings = (
        Finding(check="a.passed", severity="warning", message="hm"),
        Finding(check="b.failed", severity="error", message="no"),
    )
    return Verification(cell=str(cell()), archive="a", checks=checks, findings=findings)


def test_what_was_verified_in_is_told_by_the_images_themselves():
    engine = ScriptedEngine({"runtime:1": ScriptedBox({"dpkg-query": "libc6 2.41-12\n"}), "builder:1": ScriptedBox()})
    verified = pipeline._verified_in(maker(engine), IMAGES, outcome())
    assert (verified.runtime_image, verified.builder_image) == ("id of runtime:1", "id of builder:1")
    assert (verified.version("libc6"), verified.version("tk8.6")) == ("2.41-12", "")
    assert (verified.passed, verified.without) == (("a.passed",), ("c.without",))


def test_every_check_has_an_id_that_metadata_may_name():
    names = tuple(check.id for check in TABLE)
    assert VerifiedIn(runtime_image="a", builder_image="b", packages=(), passed=names).passed == names


def test_the_result_says_how_the_box_of_the_build_was_shut_in(monkeypatch):
    given = []
    monkeypatch.setattr(
        pipeline, "make", lambda *_, limits, **__: given.append(limits) or pipeline.Made(build_info(), (), IMAGES)
    )
    monkeypatch.setattr(pipeline, "_verify", lambda *_: Verification(cell=str(cell()), archive="a", checks=(), findings=()))
    engine = ScriptedEngine({"runtime:1": ScriptedBox({"dpkg-query": "libc6 2.41-12\n"})})
    grant = Grant(attempt=1, recipe=recipe(cell()), inputs=None, deadline_s=77, uploads={})
    effects = pipeline.Effects(engine, FakeReporter(), Settings(memory_gb=3))
    result = pipeline.build_cell(pipeline.BuildRequest("20261122-010203-abcdef", grant, "w1"), effects)
    assert (result.isolation, result.farm) == (isolation(given[0]), __version__)
    assert (result.isolation.memory_bytes, result.isolation.deadline_s) == (3 << 30, 77)
