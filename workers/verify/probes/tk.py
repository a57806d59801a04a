"""Start Tcl, and ask Tk for a window where there is no display. Runs in the interpreter under test, 2.7 and later."""

import json
import sys

try:
    import tkinter as tk
except ImportError:
    import Tkinter as tk  # noqa: N813 - what 2.7 calls it


def main():
    """Print the facts: Tcl's patch level, and what is said without a display."""
    facts = {"patchlevel": tk.Tcl().eval("info patchlevel"), "without": ""}
    try:
        tk.Tk()
    except tk.TclError as error:
        facts["without"] = str(error)
    sys.stdout.write("@@facts " + json.dumps(facts) + "\n")


main()
