"""Looks for new releases of CPython, and verifies their bytes before anybody pins them."""
