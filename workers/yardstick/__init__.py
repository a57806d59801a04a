"""Asks a distro's own Python, in a box, how it was made."""
