"""Pythons that are not of this farm: which are meant, how they are laid out, and what is not held against them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from farm.cli.compare import compare
from farm.errors import BadInput
from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.show import report_markdown
from farm.store.artifact import Finding
from farm.wire.verification import Checked, Verification
from tests.fakes import ScriptedBox, ScriptedEngine
from tests.verify.crafted import Crafted, build_info
from workers.verify import strangers
from workers.verify.run import matching, verify

FACTS = load_facts()
GATHER = Path(strangers.__file__).parent / "probes" / "gather.sh"


def gathered(folder: Path, files: dict[str, str], links: dict[str, str]) -> Path:
    """What gather.sh makes of files and links of a folder that stands for /usr; all of them are listed."""
    usr, tree = folder / "usr", folder / "tree"
    for name, text in files.items():
        (usr / name).parent.mkdir(parents=True, exist_ok=True)
        (usr / name).write_text(text)
    for name, target in links.items():
        (usr / name).parent.mkdir(parents=True, exist_ok=True)
        (usr / name).symlink_to(target)
    listed = "".join(f"{path}\n" for path in sorted(usr.rglob("*")))
    subprocess.run(["sh", GATHER, usr, "x86_64-linux-gnu", tree], input=listed, text=True, check=True)
    return tree


def test_files_lie_where_ours_do(tmp_path):
    files = {
        "bin/python3.13": "elf",
        "lib/x86_64-linux-gnu/libpython3.13.so.1.0": "so",
        "src/python3.13/x": "no",
        "lib/python3.13/os.py": "os",
    }
    tree = gathered(tmp_path, files, {})
    assert sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()) == [
        "bin/python3.13",
        "lib/libpython3.13.so.1.0",
        "lib/python3.13/os.py",
    ]


def test_links_lead_to_where_files_lie_now_and_never_out(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "site.py").write_text("site")
    tree = gathered(
        tmp_path,
        {"lib/x86_64-linux-gnu/libpython3.13.so.1.0": "so"},
        {
            "lib/python3.13/config/libpython3.13.so": "../../x86_64-linux-gnu/libpython3.13.so.1.0",
            "lib/x86_64-linux-gnu/libpython3.13.so": "libpython3.13.so.1.0",
            "lib/python3.13/sitecustomize.py": str(tmp_path / "etc" / "site.py"),
            "bin/dangling": "nowhere",
        },
    )
    assert str((tree / "lib/python3.13/config/libpython3.13.so").readlink()) == "../../libpython3.13.so.1.0"
    assert str((tree / "lib/libpython3.13.so").readlink()) == "libpython3.13.so.1.0"
    assert not (tree / "lib/python3.13/sitecustomize.py").is_symlink()
    assert (tree / "lib/python3.13/sitecustomize.py").read_text() == "site"
    assert not (tree / "bin/dangling").exists()


def test_which_python_is_meant():
    assert str(strangers.find("debian12", FACTS).cell).startswith("3.11.2-debian12-")
    plain = strangers.find("plain:3.13.5-debian13-amd64", FACTS)
    assert (str(plain.cell), plain.row, plain.name) == (
        "3.13.5-debian13-amd64",
        None,
        "a plain build of 3.13.5-debian13-amd64",
    )
    for words, says in (
        ("debian99", "no facts for distro 'debian99'"),
        ("plain:3.13.5-mars1-amd64", "no facts for distro 'mars1'"),
    ):
        with pytest.raises(BadInput, match=says):
            strangers.find(words, FACTS)
    with pytest.raises(BadInput, match="own Python of rocky9"):
        strangers.find("rocky9", FACTS)


def test_what_a_distro_keeps_in_other_packages_is_not_missing():
    """pip, venv and IDLE of Debian's own are looked at with it, and its audit goes on without them."""
    row = FACTS.distros["debian13"].facts.yardsticks["3.13"]
    box = ScriptedBox({"itself.py": '@@facts {"openssl": "", "sqlite": "", "builtin": []}'})
    packer = strangers.Packer(FACTS, ScriptedEngine({}), Settings(), print)
    packer._distros(box, Cell.parse("3.13.5-debian13-amd64"), row)
    assert {"python3-venv", "python3-pip", "idle-python3.13"} <= set(row.besides)
    assert box.commands[0].endswith(" python3.13 python3-defaults python3-stdlib-extensions python-pip what-is-python")
    assert not {*row.besides} & {*row.packages}


def test_metadata_that_we_wrote_ourselves_is_not_held_for_theirs(tmp_path):
    tested = replace(Crafted().subject(tmp_path), stranger=True)
    told = {check.check: check.without for check in verify(tested, rows=matching(["archive.*"])).checks}
    assert told["archive.metadata"] == "it is not of this farm, which wrote no metadata into it"
    assert told["archive.layout"] == ""


def test_an_archive_of_somebody_else_is_compared_with_a_cell_of_ours():
    found = strangers.peer(Path("/x/cpython-3.13.5.tar.gz"), "3.13.5-debian13-amd64", FACTS)
    assert (found.name, str(found.cell), found.archive) == (
        "cpython-3.13.5.tar.gz",
        "3.13.5-debian13-amd64",
        Path("/x/cpython-3.13.5.tar.gz"),
    )
    with pytest.raises(BadInput, match=r"no facts for source for Python '3\.13\.99'"):
        strangers.peer(Path("x"), "3.13.99-debian13-amd64", FACTS)


def test_a_module_that_is_linked_in_is_not_missing_and_one_that_is_nowhere_is():
    ours = build_info()
    theirs = strangers.alike(ours, frozenset({"sys", "math", "_ssl", "unheard_of"}))
    assert theirs.modules.builtin == ("_io", "_ssl", "math", "sys")
    assert theirs.modules.shared == ("_tkinter",)
    assert [package.modules for package in theirs.runtime if package.name == "libssl3t64"] == [("_ssl", "")]


def test_a_library_that_nothing_needs_is_in_the_tree_itself():
    ours = build_info()
    names = {package.name for package in ours.runtime}
    assert names - {package.name for package in strangers.alike(ours, frozenset()).runtime} == {"libtk8.6"}


def test_a_python_says_itself_what_is_linked_in():
    probe = GATHER.with_name("itself.py")
    said = subprocess.run([sys.executable, probe], capture_output=True, text=True, check=True).stdout
    told = json.loads(said.removeprefix("@@facts "))
    assert set(told["builtin"]) == set(sys.builtin_module_names)
    assert told["openssl"].startswith("OpenSSL")


def outcome(archive: str, *findings: Finding, without: str = "") -> Verification:
    checks = (
        Checked(check="linkage.glibc", proves="no newer | glibc", where="archive", seconds=0.25),
        Checked(check="moved.venv", proves="venv works", where="runtime", seconds=2, without=without),
    )
    return Verification(cell="3.13.5-debian13-amd64", archive=archive, checks=checks, findings=findings)


BAD = Finding(check="moved.venv", severity="error", message="`venv` fails | here", file="bin/x_y", hint="see *this*")


def test_a_report_in_markdown_has_every_check_and_no_markup_of_what_was_seen():
    page = report_markdown.page(outcome("a_b.tar.gz", BAD))
    assert "| `linkage.glibc` | no newer \\| glibc | ok | 0.2 |" in page
    assert "| **1 error** <br> error: bin/x\\_y: \\`venv\\` fails \\| here (see \\*this\\*) | 2.0 |" in page
    assert "\n`farm verify` of 3.13.5-debian13-amd64: 1 error(s)" in page


def test_pythons_side_by_side(tmp_path):
    for name, one in {"ours": outcome("ours", without="no venv"), "theirs": outcome("theirs", BAD)}.items():
        (tmp_path / f"{name}.json").write_text(one.model_dump_json())
    words = [f"ours={tmp_path}/ours.json", f"Debian's own={tmp_path}/theirs.json"]
    done = CliRunner().invoke(compare, words)
    assert done.exit_code == 0, done.output
    assert "| check | proves | ours | Debian's own |\n|---|---|---|---|\n" in done.output
    assert "| `moved.venv` | venv works | - no venv | **1 error** |" in done.output
    assert "## What ours lacks\n\nNothing that a check looks at.\n" in done.output
    assert "## What Debian's own lacks\n\n- `moved.venv`: bin/x\\_y: " in done.output
    assert CliRunner().invoke(compare, [*words, "--output", f"{tmp_path}/page.md"]).exit_code == 0
    assert (tmp_path / "page.md").read_text() == done.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("ours.json", "is no NAME=FILE"),
        ("ours=/nowhere.json", "cannot be read"),
        ("ours={}/bad.json", "is no outcome of farm verify"),
    ],
)
def test_what_is_no_outcome_is_named(words, says, tmp_path):
    (tmp_path / "bad.json").write_text("{}")
    done = CliRunner().invoke(compare, [words.format(tmp_path)])
    assert isinstance(done.exception, BadInput)
    assert says in str(done.exception)
    assert done.exception.hint
