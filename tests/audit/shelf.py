"""A small store as publishers leave it: two builds of one cell, another cell, signed; and the keys of what is in it."""

from __future__ import annotations

from farm.audit.repair import Means
from farm.audit.survey import Against
from farm.audit.verify import verify
from farm.index.model import entry_of
from farm.plan.cell import Cell
from farm.publish.publisher import publish
from farm.sign.keys import Signer
from farm.store import keys
from tests.fakes import MemoryStore
from tests.publish.staging import BASE, CELL, TRIPLE, inputs, now, order, recipe, stage

SIGNER = Signer.new()
OLD, NEW = "2026112201", "2026112202"
OTHER = Cell.parse("3.14.0-debian13-amd64")
FOLDER = keys.artifact_folder(CELL, NEW)
METADATA = f"{FOLDER}/{keys.metadata_name(CELL, TRIPLE, NEW)}"
PROVENANCE = f"{FOLDER}/{keys.provenance_name(CELL, TRIPLE, NEW)}"
NOW_S = now().timestamp()


def gz(build_id=NEW, cell=CELL):
    return f"{keys.artifact_folder(cell, build_id)}/{keys.archive_name(cell, TRIPLE, build_id, 'install_only', 'tar.gz')}"


def entry(artifact):
    return entry_of(artifact, TRIPLE, uv=True)


def put(store, cell, gcc, run, mark, *, channel="testing", signer=SIGNER):
    made = recipe(cell, optimize="pgo")
    of = order(cell, channel=channel, recipe=made, inputs=inputs(gcc), run=run, signer=signer)
    return publish(store, stage(store, of, mark=mark), of, clock=now)


def filled(store=None, signer=SIGNER):
    store = store or MemoryStore()
    put(store, CELL, "1", "20261122-153001-a1b2c3", b"1", signer=signer)
    put(store, CELL, "2", "20261122-153002-a1b2c3", b"2", signer=signer)
    put(store, OTHER, "1", "20261122-153003-a1b2c3", b"3", signer=signer)
    return store


def against(trusted=(SIGNER,), **changes):
    fields = {"trusted": {each.verifier.id: each.verifier for each in trusted}, "base_url": BASE, "entry_of": entry}
    return Against(**(fields | changes))


def seen(store, now_s=NOW_S, **changes):
    return verify(store, against(**changes), now_s)


def means(signer=SIGNER):
    return Means(entry, BASE, now, signer)


def errors(survey):
    return sorted({finding.check for finding in survey.findings if finding.severity == "error"})
