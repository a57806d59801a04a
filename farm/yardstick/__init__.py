"""The distro's own Python as the yardstick: what it has that ours does not, and the other way round, each with its reason."""
