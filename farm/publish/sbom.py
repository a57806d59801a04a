"""What is in a build, as an SPDX 2.3 document: for people who must know which libraries run where. Pure.

From the metadata, and from three things inside the archive: CPython's own SBOM, the wheels of ensurepip, and our records of
libraries in lib/private. https://spdx.github.io/spdx-spec/v2.3/
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from farm import __version__
from farm.errors import VerificationFailed
from farm.plan.cell import Cell
from farm.plan.scope import Scope
from farm.plan.tables import Files
from farm.publish.tarball import Contents, Wheel
from farm.sign.provenance import package_url, purl_distro
from farm.store.artifact import UPSTREAM_SBOM_PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farm.store.artifact import Artifact, BuildInfo

_DOCUMENT = "SPDXRef-DOCUMENT"
_PYTHON = "SPDXRef-Python"
_SOURCE = "SPDXRef-Source"
_ID_RE = re.compile(r"[^A-Za-z0-9.-]+")
_UNKNOWN = "NOASSERTION"

Package = dict[str, Any]


class VendoredRow(Scope):
    """A library of others whose source lies in CPython's own; `replaced_by` begins the SONAME of the distro's."""

    replaced_by: str = ""
    why: str
    link: str


class _Spdx(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class _Sum(_Spdx):
    algorithm: str = Field(pattern=r"^[A-Z0-9-]+$")
    checksum_value: str = Field(pattern=r"^[0-9a-f]+$")


class _Ref(_Spdx):
    reference_category: str = Field(pattern=r"^[A-Z_-]+$")  # CPython writes both PACKAGE-MANAGER and PACKAGE_MANAGER
    reference_type: str = Field(pattern=r"^[A-Za-z0-9.-]+$")
    reference_locator: str = Field(pattern=r"^\S+$", max_length=300)


class Upstream(_Spdx):
    """A package of CPython's own SBOM: what we take over of it. A builder hands it to us, so its forms are held to."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=100)
    version_info: str = Field(pattern=r"^[A-Za-z0-9_.+-]+$", max_length=100)
    download_location: str = Field(pattern=r"^https?://\S+$", max_length=300)
    checksums: tuple[_Sum, ...] = ()
    external_refs: tuple[_Ref, ...] = ()


class _UpstreamDocument(_Spdx):
    packages: tuple[Upstream, ...] = Field(max_length=100)


@dataclass(frozen=True)
class Inside:
    """What was read off the archive: packages of CPython's own SBOM (None before 3.12.2), and the wheels of ensurepip."""

    upstream: tuple[Upstream, ...] | None = None
    wheels: tuple[Wheel, ...] = ()


def inside(contents: Contents) -> Inside:
    """What an SBOM says of an archive's contents. Raises VerificationFailed when CPython's own SBOM in it is none."""
    if contents.upstream_sbom is None:
        return Inside(None, contents.wheels)
    try:
        return Inside(_UpstreamDocument.model_validate_json(contents.upstream_sbom).packages, contents.wheels)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise VerificationFailed(f"{UPSTREAM_SBOM_PATH} is no SBOM of CPython's: {first['msg']} (at {where})") from None


def document(artifact: Artifact, found: Inside) -> bytes:
    """The SBOM of a published build. The same for the same artifact."""
    build = artifact.build
    made = _Made()
    made.add(_python(artifact), _DOCUMENT, "DESCRIBES", to=_PYTHON)
    for archive in artifact.archives:
        made.add(_archive(build, archive.name, archive.sha256), f"SPDXRef-{_id(archive.name)}", "CONTAINS", to=_PYTHON)
    source = {"name": "cpython-source", "versionInfo": build.python, "downloadLocation": build.source.url}
    made.add(_package(_SOURCE, **source, checksums=_sha256(build.source.sha256)), _PYTHON, "GENERATED_FROM")
    for patch in build.patches:
        package = _package(
            f"SPDXRef-Patch-{_id(patch.file)}", name=patch.file, checksums=_sha256(patch.sha256), comment=patch.why
        )
        made.add(package, package["SPDXID"], "PATCH_APPLIED", to=_SOURCE)
    for package in (*_vendored(build, found), *_wheels(found.wheels), *_private(build)):
        made.add(package, _PYTHON, "CONTAINS")
    for package, optional in _distro(artifact):
        if optional:
            made.add(package, package["SPDXID"], "OPTIONAL_DEPENDENCY_OF", to=_PYTHON)
        else:
            made.add(package, _PYTHON, "DEPENDS_ON")
    return _rendered(artifact, made)


class _Made:
    """Packages, and how they belong together."""

    def __init__(self) -> None:
        self.packages: list[Package] = []
        self.relationships: list[dict[str, str]] = []

    def add(self, package: Package, subject: str, relation: str, *, to: str = "") -> None:
        """A package, and one relationship: from `subject` to it, or to another element."""
        self.packages.append(package)
        self.relationships.append(
            {"spdxElementId": subject, "relationshipType": relation, "relatedSpdxElement": to or package["SPDXID"]}
        )


def _rendered(artifact: Artifact, made: _Made) -> bytes:
    name = f"{artifact.build.cell}.{artifact.build_id}"
    digest = max((archive.sha256 for archive in artifact.archives), default="")
    return (
        json.dumps(
            {
                "spdxVersion": "SPDX-2.3",
                "dataLicense": "CC0-1.0",
                "SPDXID": _DOCUMENT,
                "name": name,
                "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{digest}",
                "creationInfo": {"created": artifact.created, "creators": [f"Tool: python-farm-{__version__}"]},
                "packages": made.packages,
                "relationships": made.relationships,
            },
            indent=1,
        )
        + "\n"
    ).encode()


def _python(artifact: Artifact) -> Package:
    build = artifact.build
    purl = f"pkg:generic/python@{build.python}?distro={purl_distro(build.distro)}&arch={build.arch}&build={artifact.build_id}"
    refs = [_ref("PACKAGE-MANAGER", "purl", purl), _ref("SECURITY", "cpe23Type", _cpe("python:python", build.python))]
    return _package(
        _PYTHON,
        name="python",
        versionInfo=build.python,
        licenseDeclared="PSF-2.0",
        supplier="Organization: Python Software Foundation",
        externalRefs=refs,
        primaryPackagePurpose="APPLICATION",
        builtDate=artifact.created,
    )


def _archive(build: BuildInfo, name: str, sha256: str) -> Package:
    return _package(
        f"SPDXRef-{_id(name)}",
        name=name,
        versionInfo=build.python,
        packageFileName=name,
        checksums=_sha256(sha256),
        primaryPackagePurpose="ARCHIVE",
    )


def _vendored(build: BuildInfo, inside: Inside) -> Iterator[Package]:
    """Libraries in CPython's own source whose code is in the build: those that the distro's don't replace."""
    version = Cell.parse(build.cell).python.key[:3]
    rows = _rows()
    used = {name for name, row in rows.items() if row.spans(version) and not _replaced(row, build.elf.sonames)}
    if inside.upstream is None:
        for name in sorted(used):
            yield _package(f"SPDXRef-Vendored-{_id(name)}", name=name, comment=f"{rows[name].why}; {rows[name].link}")
        return
    wheels = {wheel.name.partition("-")[0] for wheel in inside.wheels}  # 3.12 has these in its SBOM, too
    for package in inside.upstream:
        if package.name in used or package.name not in rows.keys() | wheels:  # one that we know nothing of may well be in it
            yield _package(f"SPDXRef-Vendored-{_id(package.name)}", **package.model_dump(mode="json", by_alias=True))


def _replaced(row: VendoredRow, sonames: Iterable[str]) -> bool:
    return bool(row.replaced_by) and any(soname.startswith(row.replaced_by) for soname in sonames)


@cache
def _rows() -> dict[str, VendoredRow]:
    return Files().rows("vendored.toml", VendoredRow)


def _wheels(wheels: Iterable[Wheel]) -> Iterator[Package]:
    for wheel in wheels:
        name, version = wheel.name.split("-")[:2]
        refs = [_ref("PACKAGE-MANAGER", "purl", f"pkg:pypi/{quote(name.lower())}@{quote(version)}")]
        yield _package(
            f"SPDXRef-Wheel-{_id(name)}",
            name=name,
            versionInfo=version,
            packageFileName=wheel.name,
            checksums=_sha256(wheel.sha256),
            externalRefs=refs,
            comment="bundled by ensurepip, and installed in site-packages",
        )


def _private(build: BuildInfo) -> Iterator[Package]:
    for library in build.libraries:
        refs = [
            _ref("PACKAGE-MANAGER", "purl", f"pkg:generic/{quote(library.name)}@{quote(library.version)}"),
            _ref("SECURITY", "cpe23Type", _cpe(f"{library.name}:{library.name}", library.version)),
        ]
        yield _package(
            f"SPDXRef-Private-{_id(library.name)}",
            name=library.name,
            versionInfo=library.version,
            downloadLocation=library.url,
            checksums=_sha256(library.sha256),
            externalRefs=refs,
            validUntilDate=f"{library.eol}T00:00:00Z",
            comment=library.notice,
        )


def _distro(artifact: Artifact) -> Iterator[tuple[Package, bool]]:
    """The distro's packages that are needed at run time, in the versions that the build was linked with or verified in."""
    build = artifact.build
    for package in build.runtime:
        version = package.version or (artifact.verified.version(package.name) if artifact.verified else "")
        purl = package_url(build, package.name, version)
        yield (
            _package(
                f"SPDXRef-Distro-{_id(package.name)}",
                name=package.name,
                **({"versionInfo": version} if version else {}),
                externalRefs=[_ref("PACKAGE-MANAGER", "purl", purl)],
                comment=f"not in the archive; {', '.join(package.sonames)}",
            ),
            package.optional,
        )


def _package(identity: str, **fields: object) -> Package:
    fixed = {"SPDXID": identity, "downloadLocation": _UNKNOWN, "filesAnalyzed": False}
    legal = {"licenseConcluded": _UNKNOWN, "licenseDeclared": _UNKNOWN, "copyrightText": _UNKNOWN}
    return fixed | legal | fields


def _ref(category: str, kind: str, locator: str) -> dict[str, str]:
    return {"referenceCategory": category, "referenceType": kind, "referenceLocator": locator}


def _cpe(product: str, version: str) -> str:
    return f"cpe:2.3:a:{product}:{version}:*:*:*:*:*:*:*"


def _sha256(value: str) -> list[dict[str, str]]:
    return [{"algorithm": "SHA256", "checksumValue": value}]


def _id(text: str) -> str:
    return _ID_RE.sub("-", text)
