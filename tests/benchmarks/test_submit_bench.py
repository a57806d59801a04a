"""`farm submit` at scale: the benchmark runs, at a size that takes seconds, and the page says whether goals are met."""

import json

from benchmarks import page
from benchmarks.submit import furnished, messages
from farm.store import locks


def test_every_message_reaches_the_broker():
    told = messages(30)
    assert told["sent"] == told["waiting"] == 30
    assert told["per_second"] > 0


def test_the_made_up_distros_are_resolved(tmp_path):
    store, made, inputs = furnished(tmp_path, 12)
    assert {planned.fate for planned in made} == {"build"}
    wanted = locks.packages_of(planned.recipe for planned in made)
    assert locks.missing(store, wanted, locks.today()) == {}
    assert len(inputs.packages) == 400


def test_the_page_tells_ratios_and_goals(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "RESULTS", tmp_path)
    plan, submit = ({"cpu_s": cpu, "wall_s": 1.0, "mib": 80.0} for cpu in (2.0, 3.0))
    fresh = {"plan_kept_s": 4.0, "again_s": 5.0, "again_published": 5000, "mib": 290.0, "plan_mb": 70.0}
    sent = {"sent": 10000, "waiting": 10000, "per_second": 900, "cpu_s": 8.0}
    told = {"cells": 10000, "window": 16, "messages": sent, "published": {"plan": plan, "submit": submit}, "fresh": fresh}
    (tmp_path / "submit.json").write_text(json.dumps(told))
    text = page.text()
    assert "| `farm submit` | 3.0 | 1.0 | 80.0 | 1.50 | 1.00 |" in text
    assert "| messages a second | 900 | 1000 | 0.90 | **not met** |" in text
    assert "| messages by CPU second of the sender | 1250 | 1000 | 1.25 | met |" in text
    assert "| most memory of `farm submit`, MiB | 290.0 | 300 | 0.97 | met |" in text
    assert "(1.25 times as long), with 5000 cells published already" in text
