"""A training run: the tests that CPython chose for it, then work on documents.

Usage: ./python train.py -m test --pgo ...

Tests ask for edges: empty strings, keys of one letter, lists nested a hundred thousand times. From their counts alone a
compiler takes loops over text for ones that seldom repeat (gcc of the one in which json looks for the end of a string: "not
unswitching, loop is not expected to iterate"). So what is counted after them is text of the length that it has in programs.

Exit code: that of the tests when it is neither 0 nor 2, which is a test that failed. Work of a module that is missing is left
out, which is said; whatever else goes wrong in it ends the training.
"""

import subprocess
import sys

import documents
import objects

A_TEST_FAILED = 2


def main():
    """The tests in a process of their own, the documents in this one."""
    tests = subprocess.call([sys.executable, *sys.argv[1:]])
    if tests not in (0, A_TEST_FAILED):
        return tests if tests > 0 else 1
    for work, times in (*documents.WORK.items(), *objects.WORK.items()):
        try:
            for _ in range(times):
                work()
        except ImportError as error:
            print("left out: %s: %s" % (work.__name__, error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
