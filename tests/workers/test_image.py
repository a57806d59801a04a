"""Images: what their Dockerfiles say, and that a distro which moved on is noticed."""

import pytest

from farm.errors import BadInput, BuildFailed, Transient
from farm.plan.facts import load_facts
from farm.plan.recipe import BaseImage, Cross, Inputs
from farm.settings import Settings
from tests.fakes import BuildingShelf
from workers.build.image import ImageMaker, dockerfile, release_of
from workers.engine.protocol import Bounds

LAYERS = ("sha256:" + "a" * 64,)
QUERIED = "gcc 4:14.2.0-1\nlibc6 2.41-12\n"


def maker(shelf, distro="debian13"):
    return ImageMaker(load_facts().distros[distro], "amd64", shelf, Settings(base_image="bootstrap"), lambda _: None)


def test_a_dockerfile_installs_the_packages_and_makes_the_working_folder():
    text = dockerfile("base:1", "get {packages} && tidy", ("a", "b"))
    assert text == "FROM base:1\nRUN get a b && tidy\nRUN mkdir -p /work && chown 1000:1000 /work\n"
    prepared = dockerfile("base:1", "get {packages}", ("a",), "", "fetch lists")
    assert prepared.splitlines()[1] == "RUN fetch lists && get a"


def test_an_image_is_made_of_lists_that_all_arrived_and_users_are_told_no_more_than_before():
    shelf = BuildingShelf(LAYERS, QUERIED)
    image, _ = maker(shelf).resolve(("gcc",))
    assert "RUN apt-get update -q -o APT::Update::Error-Mode=any && apt-get update -q && DEBIAN" in shelf.built[image]
    assert "Error-Mode" not in load_facts().distros["debian13"].family.install


def test_inputs_are_the_layers_and_the_exact_packages():
    _, inputs = maker(BuildingShelf(LAYERS, QUERIED)).resolve(("gcc",))
    assert inputs.base.layers == LAYERS
    assert inputs.packages == (("gcc", "4:14.2.0-1"), ("libc6", "2.41-12"))


def test_an_image_is_built_within_the_operators_deadlines_and_until_somebody_cancels():
    shelf, cancelled = BuildingShelf(LAYERS, QUERIED), lambda: False
    limited = Settings(base_image="bootstrap", step_deadline_s=60, silent_deadline_s=5)
    ImageMaker(load_facts().distros["debian13"], "amd64", shelf, limited, print, cancelled).resolve(("gcc",))
    assert shelf.bounds == Bounds(60, 5, cancelled)


def test_an_image_is_reused_while_its_packages_are_the_same():
    shelf = BuildingShelf(LAYERS, QUERIED)
    maker(shelf).resolve(("gcc",))
    assert len(shelf.built) == 1
    maker(shelf).resolve(("gcc",))
    assert len(shelf.built) == 1
    maker(shelf).resolve(("gcc", "g++"))
    assert len(shelf.built) == 2


@pytest.mark.parametrize(
    ("distro", "said", "raised"),
    [
        ("debian13", "E: Unable to locate package gccc", BuildFailed),
        ("debian13", "E: Package 'gcc-9' has no installation candidate", BuildFailed),
        ("debian13", "E: Failed to fetch http://mirror/gcc.deb 503  Service Unavailable", Transient),
        ("debian13", "E: Failed to fetch http://mirror/InRelease Could not resolve 'mirror'", Transient),
        ("rocky9", "Error: Unable to find a match: gccc", BuildFailed),
        ("rocky9", "Error: Failed to download metadata for repo 'baseos'", Transient),
        (
            "rocky9",
            "Errors during downloading metadata for repository 'crb'\nError: Unable to find a match: gdbm-devel",
            Transient,
        ),
        ("debian13", "E: Unable to locate package gccc" + "\nand more" * 20, BuildFailed),
        ("fedora44", "No match for argument: gccc", BuildFailed),
        ("alpine3.22", "ERROR: unable to select packages:\n  gccc (no such package):", BuildFailed),
        ("alpine3.22", "WARNING: fetching x: temporary error (try again later)" + "\n  gcc (no such package):" * 20, Transient),
    ],
)
def test_a_package_that_is_not_there_fails_a_cell_and_a_mirror_in_trouble_does_not(distro, said, raised):
    shelf = BuildingShelf(LAYERS, QUERIED)
    shelf.refused = f"the image python-farm/builder could not be built: exit 100\n{said}\nand more"
    with pytest.raises(raised, match="it could not be built"):
        maker(shelf, distro).with_packages("builder", ("gcc",))


@pytest.mark.parametrize("strange", ["gcc; curl http://there | sh", "$(id)", "-o=Dir::Etc=/x", "a\nRUN id", "", "a b"])
def test_what_is_no_name_of_a_package_is_run_by_nobody(strange):
    with pytest.raises(BadInput, match="is no name of a package"):
        dockerfile("base:1", "get {packages}", ("gcc", strange))


def test_a_distro_that_moved_on_is_told_package_by_package():
    planned = Inputs(BaseImage("base", "bootstrap", LAYERS), (("gcc", "4:14.2.0-1"), ("libc6", "2.41-11")))
    with pytest.raises(Transient, match=r"debian13 has changed .*: libc6 2\.41-11 -> 2\.41-12") as caught:
        maker(BuildingShelf(LAYERS, QUERIED)).images(("gcc",), ("zlib1g",), planned)
    assert caught.value.failure().outdated


def test_another_base_is_told_as_such():
    planned = Inputs(BaseImage("base", "bootstrap", ("sha256:b",)), (("gcc", "4:14.2.0-1"), ("libc6", "2.41-12")))
    with pytest.raises(Transient, match="the base image has other contents"):
        maker(BuildingShelf(LAYERS, QUERIED)).images(("gcc",), (), planned)


def test_the_runtime_image_has_only_the_runtime_packages():
    shelf = BuildingShelf(LAYERS, QUERIED)
    images = maker(shelf).images(("gcc",), ("libssl3t64",), None)
    assert "libssl3t64" in shelf.built[images.runtime]
    assert "gcc" not in shelf.built[images.runtime]
    assert images.runtime != images.builder


def test_a_release_has_its_security_suite():
    assert release_of(load_facts().distros["debian13"]).suites[-1] == "trixie-security"


def test_a_run_goes_on_with_the_base_it_began_with():
    shelf = BuildingShelf(LAYERS, QUERIED)
    yesterday = Inputs(
        BaseImage("python-farm/base-debian13-amd64:20200101", "bootstrap", LAYERS),
        (("gcc", "4:14.2.0-1"), ("libc6", "2.41-12")),
    )
    images = maker(shelf).images(("gcc",), (), yesterday)
    assert images.base == yesterday.base
    assert shelf.built[images.builder].startswith("FROM python-farm/base-debian13-amd64:20200101\n")


@pytest.mark.parametrize(
    ("set_to", "had", "asked"),
    [("auto", "pull", "pull"), ("auto", "bootstrap", "bootstrap"), ("bootstrap", "pull", "bootstrap")],
)
def test_a_base_is_had_as_the_plans_own_was_where_that_is_left_open(set_to, had, asked, monkeypatch):
    """Else a registry that is gone for a minute gives another base, of which no cell of the plan can be built."""
    seen = []
    base = BaseImage("base-x:1", "pull", LAYERS)
    monkeypatch.setattr("workers.build.image.ensure_base", lambda *words: seen.append(words[3].base_image) or base)
    elsewhere = Inputs(BaseImage("debian:13-slim", had, ("sha256:gone",)), (("gcc", "4:14.2.0-1"), ("libc6", "2.41-12")))
    shelf, distro = BuildingShelf(LAYERS, QUERIED), load_facts().distros["debian13"]
    made = ImageMaker(distro, "amd64", shelf, Settings(base_image=set_to), lambda _: None)
    made.resolve(("gcc",), elsewhere)
    made.resolve(("gcc",))
    assert seen == [asked, set_to]


@pytest.mark.parametrize(("set_to", "raised"), [("auto", Transient), ("bootstrap", BadInput)])
def test_a_host_that_cannot_have_the_base_of_a_plan_fails_no_cell_for_good(set_to, raised, monkeypatch):
    def lacking(*_):
        raise BadInput("mmdebstrap is not installed", hint="apt-get install mmdebstrap")

    monkeypatch.setattr("workers.build.image.ensure_base", lacking)
    elsewhere = Inputs(BaseImage("python-farm/base:1", "bootstrap", ("sha256:gone",)), (("gcc", "1"),))
    shelf, distro = BuildingShelf(LAYERS, QUERIED), load_facts().distros["debian13"]
    with pytest.raises(raised, match="mmdebstrap is not installed"):
        ImageMaker(distro, "amd64", shelf, Settings(base_image=set_to), lambda _: None).resolve(("gcc",), elsewhere)


@pytest.fixture
def on(monkeypatch):
    """Moves the day."""

    def move(day):
        monkeypatch.setattr("workers.build.image.today", lambda: day)

    return move


def test_on_another_day_an_image_is_asked_whether_it_is_current_and_not_built_again(on):
    shelf = BuildingShelf(LAYERS, QUERIED)
    on("20991201")
    first, _ = maker(shelf).resolve(("gcc",))
    on("20991202")
    second, _ = maker(shelf).resolve(("gcc",))
    assert (len(shelf.built), shelf.asked) == (1, 1)
    assert first != second
    assert {first, second} <= set(shelf.images)
    assert not [image for image in shelf.images if "current" in image]
    maker(shelf).resolve(("gcc",))
    assert shelf.asked == 1


def test_an_image_whose_packages_have_newer_versions_is_built_anew(on):
    shelf = BuildingShelf(LAYERS, QUERIED)
    on("20991201")
    maker(shelf).resolve(("gcc",))
    on("20991202")
    shelf.outdated = True
    maker(shelf).resolve(("gcc",))
    assert (len(shelf.built), shelf.asked) == (2, 1)


def test_a_run_that_crosses_midnight_asks_nobody(on):
    shelf = BuildingShelf(LAYERS, QUERIED)
    on("20991201")
    _, inputs = maker(shelf).resolve(("gcc",))
    on("20991202")
    shelf.outdated = True
    _, again = maker(shelf).resolve(("gcc",), inputs)
    assert again == inputs
    assert (len(shelf.built), shelf.asked) == (1, 0)


def test_images_of_days_long_over_are_dropped_and_no_others(on):
    shelf = BuildingShelf(LAYERS, QUERIED)
    repository = "python-farm/builder-debian13-amd64"
    left = {f"{repository}:{'0' * 16}-20200101", f"{repository}:mine", "other:20200101", f"{repository}:1-20991201"}
    shelf.images = dict.fromkeys(left, LAYERS)
    maker(shelf).resolve(("gcc",))
    assert left - set(shelf.images) == {f"{repository}:{'0' * 16}-20200101"}


def test_a_workshop_for_another_arch_knows_its_packages():
    """What is compiled in it is tried in images of the cell's own arch."""
    shelf = BuildingShelf(LAYERS, QUERIED)
    cross = Cross("amd64", ("gcc", "libssl-dev:arm64"), (), (), (), ())
    here = ImageMaker(load_facts().distros["debian13"], "arm64", shelf, Settings(base_image="bootstrap"), lambda _: None)
    images = here.images_across(cross, ("gcc", "libssl-dev"), ("libssl3t64",), None)
    assert shelf.built[images.workshop].splitlines()[1].startswith("RUN dpkg --add-architecture arm64 && apt-get update")
    assert "libssl-dev:arm64" in shelf.built[images.workshop]
    assert "debian13-amd64" in shelf.built[images.workshop]
    assert images.inputs.how == "cross"
    assert "debian13-arm64" in shelf.built[images.builder]
    assert "add-architecture" not in shelf.built[images.builder]
    assert "debian13-arm64" in shelf.built[images.runtime]


def test_inputs_say_how_they_build():
    native = Inputs(BaseImage("base", "bootstrap", LAYERS), (("gcc", "1"),))
    assert native.digest != Inputs(native.base, native.packages, "cross").digest
