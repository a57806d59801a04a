"""Compile the standard library to unchecked, hash-based bytecode; run by the Python that was just built.

Usage: bytecode.py TREE LIBRARY_FOLDER PART PARTS

One process compiles its fixed part of the files in a fixed order, because what marshal writes depends on which objects the
process shares: the parts are the same on every machine, whatever its cores.
"""

import os
import py_compile
import re
import sys

# The first is rewritten when Python is installed (by uv, and by us), so its bytecode must not outlive it; the others are
# no part of what ordinary programs import, and some test files are wrong on purpose.
SKIP = re.compile(r"/(_sysconfigdata[^/]*\.py$|config-[^/]*/|test/|tests/|idle_test/|lib2to3/tests/)")


def sources(tree, lib):
    for folder, folders, names in os.walk(os.path.join(tree, "lib", lib)):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(".py") and not SKIP.search(path):
                yield path


def main(tree, lib, part, parts):
    for path in list(sources(tree, lib))[int(part) :: int(parts)]:
        py_compile.compile(
            path,
            dfile=os.path.relpath(path, tree),
            doraise=True,
            optimize=0,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
