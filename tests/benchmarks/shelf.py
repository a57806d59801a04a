"""Trees of experiments, made in a box that does nothing, and kept in a folder of a test."""

from __future__ import annotations

import contextlib
import json
from types import SimpleNamespace

from benchmarks.experiments import measure
from benchmarks.experiments.__main__ import recipes
from benchmarks.experiments.relink import Shelf
from farm.plan.cell import Cell
from tests.fakes import KeptBox

CELL = Cell.parse("3.13.15-debian13-amd64")


def trees(names, folder, image="id of an image", **script):
    """A box in which the trees of these experiments were made."""
    box = KeptBox(script)
    source = folder / "source"
    source.write_bytes(b"")
    Shelf(folder / "kept", recipes(CELL, names), image).trees(box, (source,), 2)
    return box


def made(box, *words):
    return [command for command in box.commands if command.startswith("make") and set(words) <= set(command.split())]


def laboratory(tmp_path, monkeypatch, packages=()):
    said = {"metadata": {"name": "nbody", "loops": 1}, "benchmarks": [{"runs": [{"values": [1.0]}]}]}
    box = KeptBox({"cat": json.dumps(said)})
    asked = []
    monkeypatch.setattr(measure, "image_of", lambda *words: asked.append(words[3:]) or "an image")
    monkeypatch.setattr(measure, "tools", lambda *_: {})
    monkeypatch.setattr(measure, "fetch", lambda *_: tmp_path / "source")
    (tmp_path / "source").write_bytes(b"")
    engine = SimpleNamespace(identity=lambda image: f"id of {image}", box=lambda _spec: contextlib.nullcontext(box))
    settings = SimpleNamespace(cache=tmp_path, make_jobs=2)
    return measure.Laboratory(CELL, engine, settings, packages), box, asked
