"""From the file to the first start, and starts by bytecode: what is measured and what is told."""

import io
import json
import tarfile

import pytest

from benchmarks import page
from benchmarks.first import measured, once
from benchmarks.startup import without_bytecode
from tests.fakes import ScriptedBox, ScriptedEngine


def test_each_try_has_a_box_of_its_own_and_medians_are_told(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"12345")
    box = ScriptedBox({"date": "tar: warning\n1000000000 3000000000 3500000000"})
    engine = ScriptedEngine({"first:1": box})
    told = measured(engine, "first:1", {"tar.gz": tmp_path / "a.tar.gz", "tar.zst": tmp_path / "a.tar.gz"}, 3)
    assert told["tar.zst"] == {"unpack_s": 2.0, "start_s": 0.5, "both_s": 2.5, "bytes": 5}
    assert len(engine.specs) == 6
    box.script["date"] = (1, "no such library")
    with pytest.raises(SystemExit, match="does not start"):
        once(engine, "first:1", tmp_path / "a.tar.gz")


def test_without_bytecode_all_else_is_there(tmp_path):
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("python/lib/a.py", "python/lib/__pycache__/a.pyc"):
            tar.addfile(tarfile.TarInfo(name))
    with tarfile.open(fileobj=io.BytesIO(without_bytecode(archive))) as bare:
        assert bare.getnames() == ["python/lib/a.py"]


def test_starts_are_told_as_ratios_with_the_reason_of_the_default(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    of = {"cell": "3.13.15-debian13-amd64", "optimize": "pgo+lto", "rounds": 15}
    programs = {"pass": {"unchecked-hash": 0.01, "none": 0.013}}
    forms = {
        form: {"unpack_s": 1, "start_s": 0.1, "both_s": both, "bytes": 2e7}
        for form, both in (("tar.gz", 1.1), ("tar.zst", 0.55))
    }
    (tmp_path / "startup.json").write_text(json.dumps({**of, "programs": programs}))
    (tmp_path / "first.json").write_text(json.dumps({**of, "forms": forms}))
    text = page.text()
    assert "| `pass` | 10.0 | 13.0 | 1.30 |" in text
    assert "The default of this series is `unchecked-hash`: a root-owned tree is never cached" in text
    assert "| install_only.tar.zst | 20.0 | 1 | 0.1 | 0.55 | 0.50 |" in text
