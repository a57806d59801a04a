"""What is published, as an operator reads it. Pure: values in, text out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.plan.cell import Cell
from farm.store import keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from farm.plan.facts import Facts
    from farm.store.artifact import Artifact, RuntimePackageInfo
    from farm.store.keys import Published

_UNITS = ("B", "KiB", "MiB", "GiB")
_STEP = 1024
_DIGEST = 12
EMPTY = "nothing is published in {store} yet; `farm submit matrix.yaml` builds and publishes"
NONE_MATCH = "nothing of {count} published builds in {store} matches"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def listing(builds: Sequence[Published], yanked: Collection[tuple[str, str]] = ()) -> str:
    """One line per build; of each cell and channel the newest is marked, and each that was yanked."""
    latest = {(b.cell, b.channel): b.build_id for b in builds if (str(b.cell), b.build_id) not in yanked}
    rows = [("CELL", "BUILD", "CHANNEL", "RECIPE", "INPUTS", "")]
    for build in builds:
        note = "newest" if latest.get((build.cell, build.channel)) == build.build_id else ""
        note = "yanked" if (str(build.cell), build.build_id) in yanked else note
        rows.append((str(build.cell), build.build_id, build.channel, build.recipe[:_DIGEST], build.inputs[:_DIGEST], note))
    return table(rows)


def listing_json(builds: Iterable[Published], yanked: Collection[tuple[str, str]] = ()) -> list[dict[str, str | bool]]:
    """The same as data."""
    return [
        {
            "cell": str(build.cell),
            "build_id": build.build_id,
            "channel": build.channel,
            "recipe": build.recipe,
            "inputs": build.inputs,
            "key": build.key,
            "yanked": (str(build.cell), build.build_id) in yanked,
        }
        for build in builds
    ]


def size(count: int) -> str:
    """Bytes as people read them, e.g. '21.8 MiB'."""
    number, unit = float(count), 0
    while number >= _STEP and unit < len(_UNITS) - 1:
        number, unit = number / _STEP, unit + 1
    return f"{number:.1f} {_UNITS[unit]}" if unit else f"{count} B"


def info(artifact: Artifact, base_url: str, facts: Facts) -> str:
    """Everything about a build: what it is, its archives, what it needs, what was found, and how to use it."""
    return "\n\n".join(
        [
            _facts(artifact),
            _archives(artifact),
            _needs(artifact),
            _findings(artifact),
            _steps(artifact),
            _snippets(artifact, base_url, facts),
        ]
    )


def _facts(artifact: Artifact) -> str:
    build = artifact.build
    rows = [
        ("cell", build.cell),
        ("build", f"{artifact.build_id}, published {artifact.created} in channel {artifact.channel}"),
        ("optimize", f"{build.optimize}, bytecode {build.bytecode}"),
        ("base image", f"{build.base_image.name} ({build.base_image.how})"),
        ("compiler", build.compiler),
        ("links", ", ".join(part for part in (build.openssl, f"SQLite {build.sqlite}", f"glibc {build.elf.glibc}") if part)),
        *([("verified in", artifact.verified.runtime_image)] if artifact.verified else []),
        *([("passed", f"{len(artifact.verified.passed)} checks")] if artifact.verified and artifact.verified.passed else []),
        *(
            ("brings", f"{own.name} {own.version}, past its end of life since {own.eol}: {own.notice}")
            for own in build.libraries
        ),
        *([("untested", f"the facts of {build.distro}: {build.untested}")] if build.untested else []),
        ("recipe", build.recipe),
        ("inputs", build.inputs),
    ]
    return table(rows)


def _archives(artifact: Artifact) -> str:
    rows = [("ARCHIVE", "SIZE", "SHA256"), *((a.name, size(a.size), a.sha256) for a in artifact.archives)]
    return table(rows)


def _steps(artifact: Artifact) -> str:
    """How long each step took, and how many cores were busy in it, where that is known."""
    rows = [("STEP", "SECONDS", "CORES")]
    rows += [(step.step, f"{step.seconds:.1f}", "" if step.cores is None else f"{step.cores:.1f}") for step in artifact.steps]
    return table(rows)


def _needs(artifact: Artifact) -> str:
    rows = [("RUN-TIME PACKAGE", "VERIFIED WITH", "FOR")]
    rows += [(package.name, _verified_with(artifact, package.name), _purpose(package)) for package in artifact.build.runtime]
    return table(rows)


def _verified_with(artifact: Artifact, package: str) -> str:
    return (artifact.verified.version(package) if artifact.verified else "") or "-"


def _purpose(package: RuntimePackageInfo) -> str:
    users = ", ".join(module or "the interpreter" for module in package.modules)
    return f"{users} (optional)" if package.optional else users


def _findings(artifact: Artifact) -> str:
    if not artifact.findings:
        return "no findings: every check passed"
    lines = (f"  {f.severity}: {f.check}: {f.message}{f' ({f.file})' if f.file else ''}" for f in artifact.findings)
    return "\n".join(["findings", *lines])


def dockerfile(artifact: Artifact, facts: Facts) -> list[str]:
    """The lines of a Dockerfile that has the archive beside it; packages are installed as the distro's family does that."""
    build = artifact.build
    packages = " ".join(package.name for package in build.runtime if not package.optional)
    known = facts.distros.get(build.distro)
    install = f"RUN {known.family.install.format(packages=packages)}" if known else f"# it needs {packages}"
    return [
        f"FROM {build.base_image.name}",
        *([install] if packages else []),
        f"ADD {artifact.archive('install_only', 'tar.gz').name} /opt/",
        "ENV PATH=/opt/python/bin:$PATH",
    ]


def _snippets(artifact: Artifact, base_url: str, facts: Facts) -> str:
    build = artifact.build
    cell = Cell.parse(build.cell)
    gzip = artifact.archive("install_only", "tar.gz")
    index = f"{base_url}/{keys.uv_index(artifact.channel, cell.distro)}"
    address = f"{base_url}/{keys.artifact_folder(cell, artifact.build_id)}/{gzip.name}"
    return "\n".join(
        [
            "Dockerfile, with the archive beside it:",
            *(f"  {line}" for line in dockerfile(artifact, facts)),
            "",
            "shell:",
            f"  curl -fsSLO {address}",
            f'  echo "{gzip.sha256}  {gzip.name}" | sha256sum -c - && tar -xzf {gzip.name} -C /opt',
            "",
            "uv (if it is the newest of its cell):",
            f"  uv python install --python-downloads-json-url {index} {build.python}",
        ]
    )
