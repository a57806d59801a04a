"""What a change of the recipe does to a Python's speed: each folder here lies over the facts, and what it makes takes turns.

All are built in one box from the profile of one training run, five minutes each (`relink.py`), and measured there; none of them
gets to a user. A row that is here is no decision: one that pays is moved into `farm/data`, with its figure as the reason.
"""
