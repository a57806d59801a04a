"""What a builder counts: slots are processes of their own, and a scrape adds up what they wrote."""

import subprocess
import sys
import urllib.request

import pytest

from farm.errors import BadInput
from farm.settings import Settings
from tests.fixtures_s3 import free_ports
from workers import metrics

SLOT = """
from types import SimpleNamespace as one
from workers import metrics
metrics.cache("source", hit=True)
metrics.cache("source", hit=False)
metrics.attempted(one(failure=None, steps=(one(step="compile", seconds=3.0),)))
metrics.attempted(one(failure=one(kind="transient"), steps=()))
"""


def test_what_several_slots_count_is_added_up(tmp_path):
    (port,) = free_ports(1)
    with metrics.shown(Settings(metrics=f"127.0.0.1:{port}", cache=tmp_path), 2, lambda: True):
        for _ in range(2):
            subprocess.run([sys.executable, "-c", SLOT], check=True)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
    for line in (
        'farm_builder_cache_lookups_total{cache="source",result="hit"} 2.0',
        'farm_builder_attempts_total{state="built"} 2.0',
        'farm_builder_attempts_total{state="transient"} 2.0',
        'farm_builder_step_duration_seconds_sum{step="compile"} 6.0',
        "farm_builder_slots 2.0",
        "farm_builder_engine_up 1.0",
    ):
        assert line in text, text
    assert 'farm_builder_disk_free_bytes{place="cache"}' in text


def test_without_the_setting_nothing_is_counted_and_a_wrong_one_is_said():
    with metrics.shown(Settings(), 1, lambda: False):
        metrics.cache("source", hit=True)
    assert not metrics._METERS
    with pytest.raises(BadInput, match=r"256\.0\.0\.1"), metrics.shown(Settings(metrics="256.0.0.1:1"), 1, lambda: False):
        pass
