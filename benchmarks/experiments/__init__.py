"""What a change of the recipe does to a Python's speed: each folder here lies over the facts, and what it makes takes turns.

Usage: python -m benchmarks.experiments CELL [--build] [--only NAME…] [--store ./store] [--rounds 3] [--out FILE]

With `--build` those are built that are not yet, half an hour each, by `farm submit` into a store of its own below the cache.
Without it those that are built are measured, in one box with the plain build of `--store`; none of them gets to a user. A row
that is here is no decision: one that pays is moved into `farm/data`, with what was measured as its reason.
"""
