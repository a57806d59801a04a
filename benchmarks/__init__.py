"""Measurements of the farm and of what it makes. Every figure in the docs comes from here."""
