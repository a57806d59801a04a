"""`make demo`: builds one Python for real, publishes it, puts it on the pristine base image with a Dockerfile, and runs it."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import docker

from farm.errors import EXIT_OK, FarmError
from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.settings import Settings
from farm.store import catalog, keys
from farm.store.keys import artifact_folder
from farm.store.open import base_url, open_store
from workers.build.base import ensure_base
from workers.build.image import release_of
from workers.engine.docker import DockerEngine
from workers.engine.host import require

if TYPE_CHECKING:
    from farm.store.protocol import Store

PYTHON, DISTRO, CHANNEL = "3.13.5", "debian13", "dev"
IMAGE = "python-farm/demo:latest"
PROGRAM = 'import sys, sysconfig; print(sys.version); print("it lives in", sys.prefix); print(sysconfig.get_path("stdlib"))'
TOP_FOLDER = "python"


def main() -> int:
    """Gives the exit code of `farm submit` when that failed, and 0 when the image printed what it should."""
    began = time.monotonic()
    facts = load_facts()
    arch = next(name for name, row in facts.arches.items() if row.cpu == platform.machine())
    cell = Cell.parse(f"{PYTHON}-{DISTRO}-{arch}")
    if code := _submit(cell):
        return code
    settings = Settings()
    found = require(settings)
    base = ensure_base(release_of(facts.distros[DISTRO]), arch, DockerEngine(found.url), settings, click.echo)
    store = open_store(settings)
    _docker_build(store, cell, base.name, docker.DockerClient(base_url=found.url, timeout=300))
    click.secho(f"\nmake demo took {time.monotonic() - began:.0f} s", bold=True)
    _say_where(settings, cell)
    return EXIT_OK


def _submit(cell: Cell) -> int:
    options = ["--only", str(cell), "--optimize", "none", "--channel", CHANNEL]
    _shown("farm", "submit", "matrix.yaml", *options)
    farm = Path(sys.executable).with_name("farm")
    return subprocess.run([str(farm), "submit", "matrix.yaml", *options], check=False).returncode  # noqa: S603 - ours


def _docker_build(store: Store, cell: Cell, base: str, client: docker.DockerClient) -> None:
    """Builds an image from a Dockerfile that ADDs the published archive, and runs Python in it."""
    build = catalog.newest(store, cell, CHANNEL)
    if build is None:
        raise FarmError(f"{cell} is not in {store.name}, although it was submitted", hint="farm ls")
    archive = catalog.artifact(store, build).archive("install_only", "tar.gz").name
    dockerfile = f'FROM {base}\nADD {archive} /opt/\nENV PATH="/opt/{TOP_FOLDER}/bin:$PATH"\n'
    _shown("docker", "build", "-t", IMAGE, ".")
    click.echo(dockerfile)
    with tempfile.TemporaryDirectory(prefix="farm-demo-") as folder:
        store.fetch(f"{artifact_folder(cell, build.build_id)}/{archive}", Path(folder, archive))
        Path(folder, "Dockerfile").write_text(dockerfile)
        context = Path(folder, "context.tar")
        with tarfile.open(context, "w") as tar:
            for name in ("Dockerfile", archive):
                tar.add(Path(folder, name), arcname=name)
        with context.open("rb") as stream:
            for part in client.api.build(fileobj=stream, custom_context=True, tag=IMAGE, rm=True, forcerm=True, decode=True):
                if "error" in part:
                    raise FarmError(f"docker build failed: {part['error']}")
                click.echo(part.get("stream", ""), nl=False)
    _shown("docker", "run", "--rm", "--network", "none", IMAGE, "python3", "-c", PROGRAM)
    output = client.containers.run(IMAGE, ["python3", "-c", PROGRAM], remove=True, network_mode="none", user="1000:1000")
    click.secho(output.decode(), fg="green", nl=False)
    if f"/opt/{TOP_FOLDER}" not in output.decode():
        raise FarmError("the image's Python is not the one that was added")


def _say_where(settings: Settings, cell: Cell) -> None:
    """Ends with what to look at and what to type: the catalog, and uv installing what was built where that runs."""
    where = base_url(settings)
    click.echo(f"\nThe catalog: {where}/{keys.site(CHANNEL, 'index.html')}")
    index = f"{where}/{keys.uv_index(CHANNEL, cell.distro)}"
    click.echo(f"With uv, on {DISTRO}: uv python install --python-downloads-json-url {index} {cell.python}")


def _shown(*command: str) -> None:
    click.secho(f"\n$ {shlex.join(command)}", bold=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FarmError as error:
        click.secho(error.told, err=True, fg="red", nl=False)
        sys.exit(error.exit_code)
    except docker.errors.DockerException as error:
        click.secho(f"error: the container engine refused: {error}", err=True, fg="red")
        sys.exit(4)
