"""What `farm watch` says of a run that others drive."""

from types import SimpleNamespace

import pytest

from farm.dispatch import watch as looking
from farm.settings import Settings
from tests.dispatch.making import cell

A = cell()


@pytest.mark.parametrize(("publisher", "told"), [("service", {A: looking.UNSETTLED}), ("inside", {})])
def test_what_no_publisher_settles_is_told_where_publishers_are_apart(monkeypatch, publisher, told):
    notes = []
    view = SimpleNamespace(settled=1, cells=[A])
    lookout = SimpleNamespace(unsettled=lambda _longer_than_s: [A], view=lambda given: notes.append(given) or view)
    for name, fake in {
        "SchedulerMail": SimpleNamespace(of=lambda *_: SimpleNamespace(close=lambda: None)),
        "Lookout": lambda *_: lookout,
        "wanted": lambda _plan: None,
        "past_durations": lambda *_: {},
        "with_eta": lambda given, _durations: given,
        "report": lambda *_: "a report",
        "_look": lambda *_: True,
    }.items():
        monkeypatch.setattr(looking, name, fake)
    journal = SimpleNamespace(plan=lambda: SimpleNamespace(cells=(), run="a-run"), store=None)
    watcher = SimpleNamespace(show=lambda _view: None)
    settings = Settings(broker_url="redis://127.0.0.1:1", publisher=publisher)
    assert looking.watch(journal, settings, watcher) == ("a report", True)
    assert notes == [told]
