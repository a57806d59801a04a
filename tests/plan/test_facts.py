"""Facts files: ours are sound, an operator's are laid over them, and every mistake is named by file, row and key."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import pytest

from farm.errors import BadInput
from farm.plan.cell import Cell
from farm.plan.distro_rows import FamilyRow
from farm.plan.facts import load_facts

SHA = "0" * 64


def overlay(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return folder


def test_a_series_means_its_newest_release(facts):
    assert str(facts.newest("3.13")) == "3.13.15"
    assert facts.newest("3.12") is None


def test_a_prerelease_counts_only_if_the_series_has_nothing_else(facts, tmp_path):
    assert str(facts.newest("3.15")) == "3.15.0rc2"
    row = f'["3.14.8rc1"]\nfile = "a.tgz"\nsha256 = "{SHA}"\npath = "3.14.8/a.tgz"\nepoch = 1785925789\n'
    assert str(load_facts(overlay(tmp_path, "sources.toml", row)).newest("3.14")) == "3.14.7"


def test_an_operators_row_replaces_ours_and_the_rest_stays(tmp_path, facts):
    row = '[fortify]\nflag = "-D_FORTIFY_SOURCE=3"\ngoes_to = "compile"\nwhy = "our compilers can do it"\n'
    theirs = load_facts(overlay(tmp_path, "flags.toml", row))
    assert theirs.flags["fortify"].flag == "-D_FORTIFY_SOURCE=3"
    assert list(theirs.flags) == list(facts.flags)


def test_an_operators_distro_states_only_its_differences(tmp_path):
    text = 'inherits = "debian12"\nversion_id = "22.04"\n[provides.clang]\ntools = ["clang-19"]\n'
    theirs = load_facts(overlay(tmp_path, "distros/ubuntu22.04.toml", text))
    distro = theirs.distros["ubuntu22.04"]
    assert distro.facts.version_id == "22.04"
    assert distro.facts.provides["ssl"] == theirs.distros["debian12"].facts.provides["ssl"]
    cells = [Cell.parse(f"3.14.7-{name}-amd64") for name in ("ubuntu22.04", "debian12")]
    assert ["clang" in theirs.place(cell, "pgo+lto").capabilities for cell in cells] == [True, False]
    # and whatever the distro says, the capability's own row has the last word
    assert "clang" not in theirs.place(cells[0], "none").capabilities
    assert "clang" not in theirs.place(Cell.parse("3.13.15-ubuntu22.04-amd64"), "pgo+lto").capabilities


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("sources.toml", '["3.13.6"]\nfile = "a.tgz"\npath = "3.13.6/a.tgz"\nepoch = 1785925789\n',
         ["sources.toml", "row '3.13.6'", "key 'sha256' is missing"]),
        ("sources.toml", f'["3.13.6"]\nfile = "a.tgz"\nsha256 = "{SHA}ab"\npath = "3.13.6/a.tgz"\nepoch = 1785925789\n',
         ["row '3.13.6'", "key 'sha256'"]),
        ("sources.toml", f'["3.12.1"]\nfile = "a.tgz"\nsha256 = "{SHA}"\npath = "3.12.1/a.tgz"\nepoch = 1785925789\n',
         ["row '3.12.1'", "pythons.toml has no row '3.12'"]),
        ("sources.toml", f'["3.13"]\nfile = "a.tgz"\nsha256 = "{SHA}"\npath = "3.12.1/a.tgz"\nepoch = 1785925789\n',
         ["row '3.13'", "not an exact Python version"]),
        ("configure.toml", '[x]\narg = "--x"\nwhy = "because we can"\nsinc = "3.9"\n',
         ["configure.toml", "row 'x'", "key 'sinc' is unknown (did you mean 'since'?)"]),
        ("configure.toml", '[x]\narg = "--x"\n', ["row 'x'", "key 'why' is missing"]),
        ("configure.toml", '[x]\narg = "--x"\nwhy = "because we can"\nsince = 3.10\n',
         ["row 'x'", "key 'since'", 'a version in quotes such as "3.10"']),
        ("configure.toml", '[x]\narg = "--x"\nwhy = "because we can"\ndistros = ["debain13"]\n',
         ["configure.toml", "row 'x'", "key 'distros'", "'debain13' (did you mean 'debian13'?)"]),
        ("configure.toml", '[x]\narg = "--x"\nwhy = "because we can"\ngiven = ["sssl"]\n',
         ["key 'given'", "did you mean 'ssl'"]),
        ("configure.toml", "[x\n", ["configure.toml", "is not TOML"]),
        ("distros/debian13.toml", "colour = 1\n", ["distros/debian13.toml", "key 'colour' is unknown"]),
        ("distros/mint1.toml", 'inherits = "debian31"\n', ["distros/mint1.toml", "no distro 'debian31'", "debian13"]),
        ("distros/mint1.toml", 'inherits = "mint1"\n', ["inherits from itself"]),
        ("distros/debian13.toml", '[provides.sssl]\nbuild = ["x1"]\n', ["provides 'sssl'", "did you mean 'ssl'"]),
        ("distros/debian13.toml", 'family = "debain"\n', ["key 'family'", "did you mean 'debian'"]),
    ],
)  # fmt: skip
def test_mistakes_are_named(tmp_path, name, text, parts):
    with pytest.raises(BadInput) as caught:
        load_facts(overlay(tmp_path, name, text))
    for part in parts:
        assert part in caught.value.message
    assert caught.value.hint


def test_all_mistakes_of_a_file_are_named_at_once(tmp_path):
    text = '[x]\narg = "x"\nwhy = "because we can"\n[y]\narg = "--y"\n'
    with pytest.raises(BadInput) as caught:
        load_facts(overlay(tmp_path, "configure.toml", text))
    assert len(caught.value.message.splitlines()) == 2


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "flags.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"flags\.toml: cannot be read"):
        load_facts(tmp_path)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        load_facts(tmp_path / "nowhere")


def test_no_distro_names_a_registry_or_a_mirror():
    """Images and packages come from where the machine is set up to get them; what one reads about a package is no mirror."""
    for entry in resources.files("farm.data").joinpath("distros").iterdir():
        text = re.sub(r"(?m)^(package_page|link) = .*$", "", entry.read_text("utf-8"))
        assert not re.search(r"https?:|\w+\.(org|io|com)\b", text), entry.name


# Names that were read nowhere: they are like Debian's, or follow how the distro names such things.
UNREAD = {"ubuntu24.04": {"libnsl2"}}


def packages_of(distro):
    provided = [name for row in distro.provides.values() for name in (*row.build, *(one.name for one in row.runtime))]
    return {*distro.toolchain, *distro.embedders, *provided}


def test_the_name_of_a_package_was_installed_or_read_on_a_day_or_nobody_looked(facts):
    for name, distro in facts.distros.items():
        used, read = packages_of(distro.facts), [one for row in distro.facts.names.values() for one in row.packages]
        assert len(read) == len(set(read)), f"{name}: a name stands in two tables"
        assert used >= set(read), f"{name}: a name was read that is not used"
        unread = {one for one in used if distro.named(one).said == "nobody has looked its name up"}
        assert unread == UNREAD.get(name, set()), name
        assert all(distro.named(one).link.startswith("https://") for one in used), name


def test_what_was_read_of_a_distro_is_not_inherited(tmp_path):
    row = '[names.page]\nlink = "https://example.org/zlib1g"\nread = 2026-11-29\npackages = ["zlib1g"]\n'
    overlay(tmp_path, "distros/one.toml", f'inherits = "ubuntu24.04"\n{row}')
    overlay(tmp_path, "distros/two.toml", 'inherits = "one"\n')
    known = load_facts(tmp_path).distros
    assert (known["one"].named("zlib1g").link, known["one"].named("zlib1g").said) == (
        "https://example.org/zlib1g",
        "its name was read there on 2026-11-29",
    )
    assert known["one"].named("gcc").said == known["two"].named("zlib1g").said == "nobody has looked its name up"


def test_every_trim_pattern_and_scrub_is_usable(facts):
    for row in facts.scrub.values():
        re.compile(row.pattern)
    for row in facts.trims.values():
        assert all(glob.format(lib="python3.13") for glob in (*row.globs, *row.keep))


def test_a_pattern_of_a_family_is_a_regular_expression():
    debian = tomllib.loads(resources.files("farm").joinpath("data", "families.toml").read_text())["debian"]
    assert FamilyRow(**debian)
    with pytest.raises(ValueError, match="no regular expression"):
        FamilyRow(**{**debian, "missing": "("})
