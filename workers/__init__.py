"""The build wing: what a host that may be hostile runs, one cell at a time, in containers."""
