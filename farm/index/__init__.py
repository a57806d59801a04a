"""From artifacts to the indexes that clients read. Pure renderers and one updater."""
