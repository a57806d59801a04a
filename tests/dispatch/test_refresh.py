"""`farm refresh` as a process: it says what is stale, and with --submit builds that and nothing else."""

from farm.store import catalog, keys, locks
from tests.dispatch.making import ARCH
from tests.dispatch.test_command import CELL, Command


def test_a_stale_cell_is_named_and_built_again_and_a_new_one_is_left_alone(tmp_path):
    command = Command(tmp_path)
    assert command.run("submit")[0] == 0
    (command.folder / "matrix.yaml").write_text(
        (command.folder / "matrix.yaml").read_text().replace("[debian13]", "[debian13, debian12]")
    )
    assert "0 of 1 published cells are stale" in command.run("refresh")[1]
    built = catalog.published(command.store)[0]
    of_then = keys.published(built.cell, built.build_id, built.recipe, "0" * 64, "dev")  # as if the distro had moved on
    command.store.put(of_then.key, command.store.get(built.key)[0].replace(built.inputs.encode(), b"0" * 16))
    command.store.delete(built.key)
    code, out, err = command.run("refresh")
    assert code == 0, err
    assert f"{CELL}  stale: the distro's packages have changed since {built.build_id}" in out
    assert "1 of 1 published cells are stale" in out
    code, out, err = command.run("refresh", "--submit")
    assert code == 0, err
    assert f"{CELL}  published" in out
    assert {str(build.cell) for build in catalog.published(command.store)} == {CELL}
    assert locks.newest_inputs(command.store, "debian12", ARCH) is None, "what was never published was looked at"
