"""How an artifact was made, as an in-toto statement with SLSA provenance. Pure.

https://slsa.dev/spec/v1.0/provenance. It is the farm's own word: SLSA level 1.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from farm import __version__
from farm.plan.recipe import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.plan.recipe import Recipe
    from farm.store.artifact import Artifact, BuildInfo

_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://slsa.dev/provenance/v1"
_BUILD = "urn:python-farm:build:2"
_BUILDER = "urn:python-farm:builder"
_PURL_TYPES = {"debian": "deb", "ubuntu": "deb", "rocky": "rpm", "almalinux": "rpm", "fedora": "rpm", "alpine": "apk"}


def statement(artifact: Artifact, recipe: Recipe, beside: Mapping[str, bytes]) -> bytes:
    """The statement of a published build: every archive a subject, the recipe its parameters, what went into it a dependency.

    `beside` are files that were made of the same build, such as its SBOM: by-products, named with their hashes.
    """
    build = artifact.build
    subjects = [{"name": archive.name, "digest": {"sha256": archive.sha256}} for archive in artifact.archives]
    definition = {
        "buildType": _BUILD,
        "externalParameters": {"cell": build.cell, "recipe": plain(recipe)},
        "internalParameters": {"recipe": build.recipe, "inputs": build.inputs, "compiler": build.compiler},
        "resolvedDependencies": _dependencies(build),
    }
    details = {
        "builder": _builder(artifact),
        "metadata": {
            "invocationId": f"{artifact.run}/{build.cell}/{artifact.attempt}",
            **({"startedOn": artifact.started} if artifact.started else {}),
            "finishedOn": artifact.created,
        },
        "byproducts": [
            {"name": name, "digest": {"sha256": hashlib.sha256(data).hexdigest()}} for name, data in sorted(beside.items())
        ],
    }
    document = {
        "_type": _TYPE,
        "subject": subjects,
        "predicateType": _PREDICATE,
        "predicate": {"buildDefinition": definition, "runDetails": details},
    }
    return json.dumps(document, indent=1).encode()


def _builder(artifact: Artifact) -> dict[str, object]:
    """Who built it and how that was shut in, as the worker tells it; what it does not tell is left out.

    Our own fields have the prefix that SLSA wants of them (https://slsa.dev/spec/v1.0/provenance#extension-fields).
    """
    version = {"publisher": __version__, "engine": artifact.engine, "python-farm": artifact.farm}
    said: dict[str, object] = {
        "id": _BUILDER,
        "version": {name: number for name, number in version.items() if number},
        "pythonfarm_worker": artifact.worker,
    }
    if artifact.isolation:
        said["pythonfarm_isolation"] = artifact.isolation.model_dump(mode="json")
    return said


def purl_distro(distro: str) -> str:
    """A distro as the `distro` of a purl names it, e.g. debian-13: scanners read vendor and version apart."""
    vendor = distro.rstrip("0123456789.")
    return f"{vendor}-{distro.removeprefix(vendor)}"


def package_url(build: BuildInfo, name: str, version: str) -> str:
    """The purl of a distro package, e.g. pkg:deb/debian/gcc@14?arch=amd64&distro=debian-13.

    https://github.com/package-url/purl-spec: of an rpm the epoch is no part of the version.
    """
    vendor = build.distro.rstrip("0123456789.")
    kind = _PURL_TYPES.get(vendor, "generic")
    before, _, after = version.rpartition(":")
    epoch, version = (before, after) if kind == "rpm" else ("", version)
    exact = f"@{quote(version, safe='')}" if version else ""
    qualifiers = {"arch": build.arch, "distro": purl_distro(build.distro), **({"epoch": epoch} if epoch.strip("0") else {})}
    return f"pkg:{kind}/{vendor}/{quote(name, safe='')}{exact}?" + "&".join(f"{key}={qualifiers[key]}" for key in qualifiers)


def _dependencies(build: BuildInfo) -> list[dict[str, object]]:
    image: dict[str, object] = {
        "name": build.base_image.name,
        "digest": {"sha256": build.base_image.layers[-1].removeprefix("sha256:")},
        "annotations": {"layers": list(build.base_image.layers), "how": build.base_image.how},
    }
    patches: list[dict[str, object]] = [{"name": patch.file, "digest": {"sha256": patch.sha256}} for patch in build.patches]
    packages: list[dict[str, object]] = [
        {"uri": package_url(build, package.name, package.version)} for package in build.builder_packages
    ]
    return [
        {"name": "source", "uri": build.source.url, "digest": {"sha256": build.source.sha256}},
        *patches,
        image,
        *packages,
    ]
