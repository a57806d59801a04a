"""Looks for new releases of CPython, and verifies their bytes and signatures before anybody pins them."""
