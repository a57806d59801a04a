"""The README tells the truth where a machine can check it."""

import re
from pathlib import Path

from farm.cli.main import VERBS
from farm.plan.facts import load_facts
from farm.settings import S3Settings, Settings

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def rows():
    """Name to description of every setting, as the table should have them."""
    for prefix, model in (("FARM_", Settings), ("FARM_S3_", S3Settings)):
        for name, field in model.model_fields.items():
            if name != "s3":
                yield f"{prefix}{name.upper()}", field.description or ""


def test_the_table_has_every_setting_and_no_other():
    listed = re.findall(r"^\| `(FARM_\w+)` \|", README, re.MULTILINE)
    assert listed == [name for name, _ in rows()]


def test_every_setting_is_described_as_in_the_code():
    for name, description in rows():
        line = next(line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
        assert description in line


def test_every_verb_that_the_readme_names_exists():
    named = set(re.findall(r"(?:^\$|`)\s*farm ([a-z]+)", README, re.MULTILINE))
    assert named - {"init"} <= set(VERBS)
    assert named


def test_what_is_built_and_what_is_only_described_is_as_in_the_facts():
    facts = load_facts()
    cells = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:] for line in README.splitlines() if line.startswith("| ")}
    built, described = (set(re.findall(r"`([a-z0-9.]+)`", part)) for part in cells["distros"])
    untested = {name for name, distro in facts.distros.items() if distro.facts.untested}
    assert (built, described) == (set(facts.distros) - untested, untested)
    assert set(re.findall(r"`([0-9.]+)`", cells["Pythons"][0])) == set(facts.series)


def test_nothing_is_left_to_fill_in():
    assert not re.findall(r"@[A-Z]+@", README)
