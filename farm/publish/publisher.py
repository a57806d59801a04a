"""Publishes what an attempt staged: checked, written once, in an order in which no reader ever sees a promise without bytes.

Safe to repeat after a crash at any point: every step finds what an earlier try wrote, and goes on from there.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import BadInput, Conflict
from farm.index import update
from farm.index.model import entry_of
from farm.plan.recipe import digest_of, staged_name
from farm.publish import budget, identity, sbom
from farm.publish.folder import Folder, Spoiled
from farm.publish.order import check, check_channel
from farm.publish.staged import check_fence, fetch_checked
from farm.sign import envelope, provenance
from farm.store import catalog, keys
from farm.store.artifact import Artifact
from farm.store.sink import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from farm.publish.order import Order
    from farm.publish.staged import Checked
    from farm.store.artifact import ArchiveInfo, BuildInfo
    from farm.store.protocol import Measured, Store
    from farm.wire.messages import Result


def publish(store: Measured, staged: Result, order: Order, *, clock: Callable[[], datetime]) -> Artifact:
    """The artifact of a granted attempt; the one that is there if its recipe and inputs were published before.

    `clock` gives the time in UTC. Raises VerificationFailed when what was staged is not what it says or not safe, Conflict
    when a newer attempt was granted, BadInput when the order is against our rules, StoreUnavailable.
    """
    build = check(order, staged)
    if artifact := offer_again(store, order, clock=clock):
        return artifact
    artifact = _first(store, staged, build, order, clock())
    _list(store, artifact, order, clock)
    return artifact


def offer_again(store: Store, order: Order, *, clock: Callable[[], datetime]) -> Artifact | None:
    """Have the order's channel list what is published of its recipe and inputs; None when nothing is.

    That is needed when it was published in another channel, or when its publisher died before the indexes were written.
    """
    check_channel(order)
    artifact = _published(store, order)
    if artifact is not None:
        _list(store, artifact, order, clock)
    return artifact


def _list(store: Store, artifact: Artifact, order: Order, clock: Callable[[], datetime]) -> None:
    entry = entry_of(artifact, order.triple, uv=order.uv)
    update.add(store, order.channel, entry, base_url=order.base_url, clock=clock, signer=order.signer)


def _published(store: Store, order: Order) -> Artifact | None:
    """What is published of this recipe and inputs; from another channel it is offered in this one too."""
    same = [build for build in catalog.published(store, order.cell) if build.same(order.recipe.digest, order.inputs)]
    if not same:
        return None
    here = [build for build in same if build.channel == order.channel]
    artifact = catalog.artifact(store, (here or same)[-1])
    if not here:
        artifact = artifact.model_copy(update={"channel": order.channel})
        _mark(store, artifact)
    return artifact


def _first(store: Measured, staged: Result, build: BuildInfo, order: Order, now: datetime) -> Artifact:
    check_fence(store, order)
    recipe = order.recipe.digest
    with tempfile.TemporaryDirectory(prefix="farm-publish-") as folder:
        checked = fetch_checked(store, order, staged, Path(folder))
        if order.second:
            order.second(Path(folder) / staged_name("install_only", "tar.gz"))
        inside = sbom.inside(next(archive.contents for archive in checked if archive.info.kind == "install_only"))
        content = digest_of(sorted((archive.info.kind, archive.info.format, archive.info.sha256) for archive in checked))
        build_id = identity.settle(store, order.cell, recipe, order.inputs, content, now.date())
        place = Folder(store, keys.artifact_folder(order.cell, build_id))
        try:
            archives = _write_archives(place, order, build_id, checked)
            artifact = budget.compared(store, _artifact(staged, build, order, build_id, archives, now), checked)
            artifact = _write_metadata(place, order, artifact)
            _write_beside(place, order, artifact, inside)
            place.check()
        except Spoiled:
            identity.give_up(store, order.cell, recipe, order.inputs, build_id)
            raise
    if not identity.holds(store, order.cell, recipe, order.inputs, build_id):
        raise Conflict(f"{order} is not published: another publisher took over", hint="nothing to do")
    _mark(store, artifact)
    return artifact


def _artifact(
    staged: Result, build: BuildInfo, order: Order, build_id: str, archives: tuple[ArchiveInfo, ...], now: datetime
) -> Artifact:
    """What is published, as builder and order tell it."""
    return Artifact(
        build_id=build_id,
        channel=order.channel,
        created=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        worker=staged.worker,
        engine=staged.engine,
        run=order.run,
        attempt=order.attempt,
        build=build,
        archives=archives,
        findings=staged.findings,
        steps=staged.steps,
        verified=staged.verified,
        started=f"{order.granted:%Y-%m-%dT%H:%M:%SZ}" if order.granted else "",
        farm=staged.farm,
        isolation=staged.isolation,
        beside=("sbom", "provenance") if order.signer else ("sbom",),
    )


def _write_archives(place: Folder, order: Order, build_id: str, checked: Sequence[Checked]) -> tuple[ArchiveInfo, ...]:
    """Every archive under its published name, then their `.sha256`."""
    written: list[ArchiveInfo] = []
    for archive in sorted(checked, key=lambda archive: (archive.info.kind, archive.info.format)):
        info = archive.info
        name = keys.archive_name(order.cell, order.triple, build_id, info.kind, info.format)
        place.write(name, archive.path, Content(info.size, info.sha256))
        written.append(info.model_copy(update={"name": name}))
    for info in written:
        line = f"{info.sha256}  {info.name}\n".encode()
        place.write(f"{info.name}.sha256", line, Content.of(line))
    return tuple(written)


def _write_metadata(place: Folder, order: Order, artifact: Artifact) -> Artifact:
    """The metadata beside the archives. What an earlier try wrote stands: its time and worker are as good as ours."""
    name, data = keys.metadata_name(order.cell, order.triple, artifact.build_id), _rendered(artifact)
    try:
        place.create(name, data, Content.of(data))
    except Conflict:
        if found := catalog.load(place.store, f"{place.key}/{name}", Artifact):
            return found[0].model_copy(update={"channel": order.channel})
        raise
    return artifact


def _write_beside(place: Folder, order: Order, artifact: Artifact, inside: sbom.Inside) -> None:
    """Its bill of materials, and the signed statement of how it was made."""
    name, bill = keys.sbom_name(order.cell, order.triple, artifact.build_id), sbom.document(artifact, inside)
    place.write(name, bill, Content.of(bill))
    _write_provenance(place, order, artifact, {name: bill})


def _write_provenance(place: Folder, order: Order, artifact: Artifact, beside: Mapping[str, bytes]) -> None:
    """The signed statement of how it was made. What an earlier try wrote stands, as its metadata does."""
    if order.signer is None:
        if "provenance" in (artifact.beside or ()):
            raise BadInput(f"{order} was to be signed by an earlier try, and there is no key here", hint="set FARM_SIGNING_KEY")
        return
    sealed = envelope.seal(envelope.STATEMENT, provenance.statement(artifact, order.recipe, beside), order.signer)
    with suppress(Conflict):
        place.create(keys.provenance_name(order.cell, order.triple, artifact.build_id), sealed, Content.of(sealed))


def _mark(store: Store, artifact: Artifact) -> None:
    """The catalog's entry, from which on the build is published."""
    try:
        store.put(catalog.name_of(artifact).key, _rendered(artifact), if_absent=True)
    except Conflict:
        return


def _rendered(artifact: Artifact) -> bytes:
    return (artifact.model_dump_json(indent=1) + "\n").encode()
