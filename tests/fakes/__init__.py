"""Fakes of what the code takes as an argument: stores, engines, clocks. A module for each thing that is faked."""

from tests.fakes.boxes import KeptBox, ScriptedBox, ScriptedEngine
from tests.fakes.engine_socket import EngineSocket
from tests.fakes.hosts import Host, HostOfBucket
from tests.fakes.images import BuildingShelf, ImageShelf
from tests.fakes.pipeline import FakeEffects, FakePipeline, FakeReporter
from tests.fakes.signatures import plain_words
from tests.fakes.source_server import SourceServer
from tests.fakes.stores import FailingStore, HostileStore, MemoryStore

__all__ = [
    "BuildingShelf",
    "EngineSocket",
    "FailingStore",
    "FakeEffects",
    "FakePipeline",
    "FakeReporter",
    "Host",
    "HostOfBucket",
    "HostileStore",
    "ImageShelf",
    "KeptBox",
    "MemoryStore",
    "ScriptedBox",
    "ScriptedEngine",
    "SourceServer",
    "plain_words",
]
