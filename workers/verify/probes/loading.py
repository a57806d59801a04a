"""Load an extension into SQLite and ask it. Runs in the interpreter under test, 3.2 and later. Argument: its file."""

import json
import sqlite3
import sys


def refused(connection, path):
    """Whether SQLite loads nothing any more."""
    try:
        connection.load_extension(path)
    except sqlite3.OperationalError:
        return True
    return False


def main():
    """Print the facts."""
    facts = {"answer": "", "refused": False}
    try:
        connection = sqlite3.connect(":memory:")
        connection.enable_load_extension(True)
        connection.load_extension(sys.argv[1])
        facts["answer"] = str(connection.execute("select farm_answer()").fetchone()[0])
        connection.enable_load_extension(False)
        facts["refused"] = refused(connection, sys.argv[1])
    except Exception as error:
        facts["answer"] = "{}: {}".format(type(error).__name__, error)
    print("@@facts " + json.dumps(facts))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
