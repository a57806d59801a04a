"""The page of what was built is made from metadata: the newest build of each cell, its times and findings."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from farm.cli import published
from farm.errors import BadInput
from farm.plan.facts import load_facts
from farm.show.built import page
from farm.show.published import dockerfile
from farm.store.artifact import ArchiveInfo, Artifact, Finding, StepTime
from tests.verify.crafted import build_info

GZIP = ArchiveInfo(kind="install_only", format="tar.gz", name="x.tar.gz", size=3 << 20, sha256="1" * 64, tar_sha256="2" * 64)


def artifact(cell: str, build_id: str = "2026112201", findings: tuple[str, ...] = ()) -> Artifact:
    return Artifact(
        build_id=build_id,
        channel="dev",
        created="2026-11-22T20:01:22Z",
        worker="w",
        engine="docker",
        run="r",
        attempt=1,
        build=build_info(cell=cell),
        archives=(GZIP,),
        findings=tuple(Finding(check="c", severity=severity, message="m") for severity in findings),
        steps=(StepTime(step="make shared", seconds=100.4), StepTime(step="verify", seconds=61)),
    )


def rows(*artifacts: Artifact) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in page(artifacts).splitlines() if line.startswith("| ")][2:]


def test_a_row_a_cell_in_the_order_of_versions():
    found = rows(artifact("3.13.5-debian13-amd64"), artifact("3.9.2-debian13-amd64"), artifact("3.14.7-debian12-amd64"))
    assert [row[0] for row in found] == ["3.14.7-debian12-amd64", "3.9.2-debian13-amd64", "3.13.5-debian13-amd64"]
    assert found[0][1:] == ["2026-11-22", "2026112201", "none", "3.5.0", "3.0 MiB", "1:40", "1:01", "none"]


def test_the_newest_build_counts():
    cell = "3.13.5-debian13-amd64"
    builds = (artifact(cell, "2026112202", ("warning", "warning", "note")), artifact(cell, "2026112201"))
    assert [(row[2], row[-1]) for row in rows(*builds)] == [("2026112202", "1 note, 2 warnings")]


def test_a_page_keeps_the_rows_of_other_stores_and_writes_itself_again():
    one, two = artifact("3.13.5-debian13-amd64"), artifact("3.14.7-debian12-amd64")
    both = page([one, two])
    newer = page([artifact("3.13.5-debian13-amd64", "2026112209")], both)
    assert newer == both.replace(
        "| 3.13.5-debian13-amd64 | 2026-11-22 | 2026112201", "| 3.13.5-debian13-amd64 | 2026-11-22 | 2026112209"
    )
    assert page([], newer) == newer


def test_an_optimised_build_has_a_row_of_its_own():
    plain = artifact("3.13.5-debian13-amd64", "2026112202")
    fast = plain.model_copy(update={"build_id": "2026112201", "build": plain.build.model_copy(update={"optimize": "pgo+lto"})})
    assert [row[3] for row in rows(plain, fast)] == ["none", "pgo+lto"]
    assert page([plain], page([fast])) == page([plain, fast])


def test_a_dockerfile_installs_packages_as_the_distro_does():
    facts = load_facts()
    debian, rocky = artifact("3.13.5-debian13-amd64"), artifact("3.13.5-rocky9-amd64")
    rocky = rocky.model_copy(update={"build": rocky.build.model_copy(update={"distro": "rocky9"})})
    assert dockerfile(debian, facts)[1].startswith("RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y")
    assert dockerfile(rocky, facts)[1].startswith("RUN dnf install -y")
    strange = debian.model_copy(update={"build": debian.build.model_copy(update={"distro": "beos5"})})
    assert dockerfile(strange, facts)[1].startswith("# it needs libssl3t64")


def test_a_page_that_cannot_be_written_stays_as_it_was(tmp_path, monkeypatch):
    page_of = tmp_path / "matrix.md"
    page_of.write_text("before")
    monkeypatch.setattr(Path, "replace", mock.Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(BadInput, match=r"matrix\.md cannot be written: No space left"):
        published._written(page_of, "after")
    assert page_of.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["matrix.md"]
