"""How paths of a build are told from others: folders of a build box, and the prefix that configure was given."""

from __future__ import annotations

from importlib import resources

# One a line, in a file that probes read in their boxes, too. A path begins where no word does, or behind an option of a
# compiler or linker.
FOLDERS = tuple((resources.files("workers.verify") / "probes/build_folders.txt").read_text("utf-8").split())
FOLDER = rf"/work/(?:{'|'.join(FOLDERS)})"
BEGINS, ENDS = r"(?<![\w.])(?:-[ILB])?", r"(?![\w-])"
