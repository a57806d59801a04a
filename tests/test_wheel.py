"""The wheel carries both packages and their data: it plans a matrix far from the clone."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[1]
CELL = "3.13.5-debian13-amd64"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with what the wheel installs, and nothing else of ours."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("farm", "workers", "tests", "deploy", "benchmarks"):
        shutil.copytree(CLONE / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(CLONE / name, source / name)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(folder),
        str(source),
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def farm(installed, folder, *words):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import farm, workers;"
        "assert farm.__file__.startswith(sys.path[0]) and workers.__file__.startswith(sys.path[0]);"
        "from farm.cli.main import main; main()"
    )
    command = [sys.executable, "-P", "-c", code, str(installed), *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_matrix_is_planned_outside_the_clone(installed, tmp_path):
    (tmp_path / "matrix.yaml").write_text('pythons: ["3.13.5"]\ndistros: [debian13]\narches: [amd64]\n')
    done = farm(installed, tmp_path, "plan", "matrix.yaml")
    assert done.returncode == 0, done.stderr
    assert CELL in done.stdout
    assert "1 to build" in done.stdout


def test_a_recipe_has_its_patches_and_scripts(installed, tmp_path):
    done = farm(installed, tmp_path, "show", CELL)
    assert done.returncode == 0, done.stderr
    assert "embed-prefix" in done.stdout
    for data in ("workers/build/scripts/finish.sh", "workers/engine/keeper.sh", "farm/data/patches/embed-prefix-3.12.patch"):
        assert (installed / data).is_file()


def test_init_writes_a_matrix_that_can_be_planned(installed, tmp_path):
    assert farm(installed, tmp_path, "init").returncode == 0
    assert farm(installed, tmp_path, "plan", "matrix.yaml").returncode == 0


def test_nothing_of_the_tests_is_installed(installed):
    assert {path.name for path in installed.iterdir() if path.is_dir() and not path.name.endswith(".dist-info")} == {
        "farm",
        "workers",
    }
