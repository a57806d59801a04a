"""The container engine, alone: docker-py lives here and nowhere else."""
