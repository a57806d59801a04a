"""Build extensions that NEED libpython, which is looked for where sysconfig says that it lies, and import them.

Some packages link their modules so, and Vim's configure tries it with LIBPL. Runs in the interpreter under test (2.7 or later),
where a compiler is. Arguments: the source, a folder to work in.
"""

import json
import os
import sys
import sysconfig

from extension import NAME, commands
from steps import Broken, expect, needed, run

PLACES = ("LIBDIR", "LIBPL")


def trial(source, folder, place):
    """What the extension NEEDs that was linked with `-lpython…` of a place."""
    if not os.path.isdir(folder):
        os.makedirs(folder)
    compiling, linking, target = commands(source, folder, "")
    library = "-lpython" + (sysconfig.get_config_var("LDVERSION") or sysconfig.get_config_var("VERSION"))
    run("compile", compiling)
    run("link", linking + ["-Wl,--no-as-needed", "-L" + sysconfig.get_config_var(place), library])  # noqa: RUF005 - 2.7 runs it
    code = "import sys; sys.path.insert(0, {!r}); import {} as m; print(m.answer())".format(folder, NAME)
    expect("import", run("import", [sys.executable, "-c", code]), "42")
    return needed(target)


def main(source, folder):
    """Print the facts."""
    results = {}
    for place in PLACES:
        facts = {"error": "", "step": "", "needed": []}
        try:
            facts["needed"] = trial(source, os.path.join(folder, place), place)
        except Broken as error:
            facts["step"], facts["error"] = error.args
        results[place] = facts
    sys.stdout.write("@@facts " + json.dumps({"results": results}) + "\n")


main(*sys.argv[1:])
