"""Values that the tests of dispatching need: recipes, wishes, artifacts."""

from datetime import UTC, datetime

from farm.dispatch.submit import Wish
from farm.plan.cell import Cell
from farm.plan.recipe import BaseImage, Inputs, Layout, Recipe, Source
from farm.store import catalog
from farm.store.artifact import ArchiveInfo, Artifact, BaseImageInfo, BuildInfo, ConfigureInfo, ElfInfo, ModulesInfo, SourceInfo
from farm.wire.queue import host_arch

ARCH = host_arch()
INPUTS = Inputs(BaseImage("debian13", "pull", ("sha256:1",)), (("gcc", "1.0"),))


def cell(text="3.13.5-debian13"):
    return Cell.parse(f"{text}-{ARCH}")


def recipe(of, **changes):
    values = {
        "cell": of,
        "source": Source("Python.tar.xz", "0" * 64, "x", "", 1),
        "patches": (),
        "layout": Layout("3.13", "", "python3.13", "python3.13", "libpython3.13.so.1.0"),
        "optimize": "none",
        "bytecode": "none",
        "strip": "split",
        "configure": (),
        "make": (),
        "make_static": (),
        "environment": (),
        "build_packages": ("gcc",),
        "runtime": (),
        "trims": (),
        "modules": (),
        "scrub": (),
        "code": "1",
    }
    return Recipe(**(values | changes))


def wish(text="3.13.5-debian13", channel="dev"):
    return Wish(cell(text), recipe(cell(text)), channel, "x86_64-unknown-linux-gnu")


def artifact(planned, staged, build_id="2026010101"):
    build = BuildInfo(
        cell=planned.cell,
        python="3.13.5",
        series="3.13",
        distro="debian13",
        arch=ARCH,
        variant="default",
        abiflags="",
        lib="python3.13",
        executable="python3.13",
        soname="libpython3.13.so.1.0",
        optimize="none",
        bytecode="none",
        recipe=planned.recipe.digest,
        inputs=planned.inputs.digest,
        source=SourceInfo(url="x", sha256="0" * 64, epoch=1),
        patches=(),
        base_image=BaseImageInfo(name="debian:trixie", how="pull", layers=()),
        builder_packages=(),
        compiler="gcc",
        configure=ConfigureInfo(shared=(), static=(), make=()),
        runtime=(),
        modules=ModulesInfo(builtin=(), shared=(), tests=(), stdlib=()),
        elf=ElfInfo(sonames=(), glibc="2.38"),
        openssl="",
        sqlite="",
    )
    archive = ArchiveInfo(  # no tar that is known, so the registry gets no image of it
        kind="install_only", format="tar.gz", name="python.tar.gz", size=20 << 20, sha256="ab" * 32, tar_sha256=""
    )
    return Artifact(
        build_id=build_id,
        channel=planned.channel,
        created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        worker=staged.worker,
        engine="fake",
        run=staged.run,
        attempt=staged.attempt,
        build=build,
        archives=(archive,),
        findings=(),
        steps=staged.steps,
    )


def publisher(store, then=lambda: None):
    """Publishes nothing but the catalog's entry; like the real one, it offers again what an attempt has published before.

    `then` is called before the attempt's outcome is written.
    """

    def publish(planned, staged):
        made = artifact(planned, staged)
        key = catalog.name_of(made).key
        there = catalog.load(store, key, Artifact)
        if there is None or (there[0].run, there[0].attempt) != (made.run, made.attempt):
            store.put(key, made.model_dump_json().encode(), if_absent=True)
        then()
        return key

    return publish
