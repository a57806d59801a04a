"""A real container engine and a small image with a working folder, for tests that need boxes."""

import platform

import pytest

from farm.plan.facts import load_facts
from farm.settings import Settings
from workers.build.base import ensure_base
from workers.build.image import dockerfile, release_of
from workers.engine.docker import DockerEngine
from workers.engine.host import require

ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}


@pytest.fixture(scope="session")
def host_arch():
    """This host's arch, as cells name it."""
    return ARCHES[platform.machine()]


@pytest.fixture(scope="session")
def engine_url():
    """Where the engine is. A test that needs one fails without it: `make test` sees to it that there is one."""
    return require(Settings()).url


@pytest.fixture(scope="session")
def engine(engine_url):
    """The engine."""
    connected = DockerEngine(engine_url)
    yield connected
    connected.close()


@pytest.fixture(scope="session")
def box_image(engine, host_arch):
    """Debian 13 with the folder that boxes work in; made once a day."""
    base = ensure_base(release_of(load_facts().distros["debian13"]), host_arch, engine, Settings(), print)
    image = f"python-farm/test-box-{host_arch}:{base.layers[0][7:23]}"
    if engine.layers(image) is None:
        engine.build(image, dockerfile(base.name, "true", ()))
    return image
