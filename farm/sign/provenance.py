"""How an artifact was made, as an in-toto statement with SLSA provenance. Pure.

https://slsa.dev/spec/v1.0/provenance. It is the farm's own word: SLSA level 1.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from farm import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.store.artifact import Artifact, BuildInfo

_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://slsa.dev/provenance/v1"
_BUILD = "urn:python-farm:build:1"
_BUILDER = "urn:python-farm:builder"
_PURL_TYPES = {"debian": "deb", "ubuntu": "deb", "rocky": "rpm", "almalinux": "rpm", "alpine": "apk"}


def statement(artifact: Artifact, beside: Mapping[str, bytes]) -> bytes:
    """The statement of a published build: every archive a subject, everything that went into it a dependency.

    `beside` are files that were made of the same build, such as its SBOM: by-products, named with their hashes.
    """
    build = artifact.build
    subjects = [{"name": archive.name, "digest": {"sha256": archive.sha256}} for archive in artifact.archives]
    definition = {
        "buildType": _BUILD,
        "externalParameters": {
            "cell": build.cell,
            "optimize": build.optimize,
            "bytecode": build.bytecode,
            "configure": build.configure.model_dump(mode="json"),
        },
        "internalParameters": {"recipe": build.recipe, "inputs": build.inputs, "compiler": build.compiler},
        "resolvedDependencies": _dependencies(build),
    }
    details = {
        "builder": {"id": _BUILDER, "version": {"python-farm": __version__, "engine": artifact.engine}},
        "metadata": {
            "invocationId": f"{artifact.run}/{build.cell}/{artifact.attempt}",
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


def package_url(build: BuildInfo, name: str, version: str) -> str:
    """The purl of a distro package, e.g. pkg:deb/debian/gcc@14?arch=amd64&distro=debian13."""
    vendor = build.distro.rstrip("0123456789.")
    kind = _PURL_TYPES.get(vendor, "generic")
    exact = f"@{quote(version, safe='')}" if version else ""
    return f"pkg:{kind}/{vendor}/{quote(name, safe='')}{exact}?arch={build.arch}&distro={build.distro}"


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
