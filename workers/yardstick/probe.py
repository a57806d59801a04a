"""Say how the Python that runs this was made, and copy its binaries to the folder named in the first argument.

Runs in the distro's own Python, 2.7 and later.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig

FLAGS = (
    "CFLAGS",
    "CONFIGURE_CFLAGS",
    "CONFIGURE_CFLAGS_NODIST",
    "CPPFLAGS",
    "LDFLAGS",
    "CONFIGURE_LDFLAGS",
    "CONFIGURE_LDFLAGS_NODIST",
)
SCRIPT = 4096  # bytes; a `.so` that is shorter is a linker script
CACHED = re.compile(r"^\s*(?P<soname>\S+) \(.*\) => (?P<path>/\S+)$")
NAMED = re.compile(r"[\w./+-]+\.so(?:\.\d+)*")


def loader_cache():
    """Path of each library that the loader finds by its SONAME."""
    listing = subprocess.Popen(["/sbin/ldconfig", "-p"], stdout=subprocess.PIPE).communicate()[0].decode("utf-8", "replace")
    found = [CACHED.match(line) for line in listing.splitlines()]
    return {match.group("soname"): match.group("path") for match in reversed(found) if match}


def leads_to(link, cache):
    """The files that a `.so` of a development package stands for."""
    if os.path.islink(link):
        return [os.path.realpath(link)]
    if os.path.isfile(link) and os.path.getsize(link) < SCRIPT:
        with open(link) as script:
            names = [os.path.basename(name) for name in NAMED.findall(script.read())]
        return [os.path.realpath(cache[name]) for name in names if name in cache]
    return []


def development(cache):
    """For each SONAME the first `.so` file that the linker would take for it."""
    links = {}
    for folder in sorted({os.path.realpath(os.path.dirname(path)) for path in cache.values()}):
        for name in sorted(os.listdir(folder)):
            for target in leads_to(os.path.join(folder, name), cache) if name.endswith(".so") else ():
                links.setdefault(target, os.path.join(folder, name))
    return {soname: links[os.path.realpath(path)] for soname, path in cache.items() if os.path.realpath(path) in links}


def extensions(folders):
    """Path of each extension module by its name."""
    found = {}
    for folder in folders:
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if name.endswith(".so"):
                found[name.split(".")[0]] = os.path.join(folder, name)
    return found


def size(folder):
    """Bytes of all files below a folder that the build made: no bytecode, which some distros make when they install."""
    return sum(
        os.path.getsize(os.path.join(where, name))
        for where, _, names in os.walk(folder)
        for name in names
        if not name.endswith((".pyc", ".pyo")) and not os.path.islink(os.path.join(where, name))
    )


def main():
    """Print the answer."""
    variables = sysconfig.get_config_vars()
    target, cache = sys.argv[1], loader_cache()
    files = {"executable": os.path.realpath(sys.executable), "libpython": cache.get(variables["INSTSONAME"], "")}
    modules = extensions([variables["DESTSHARED"]])
    files.update(("module " + name, path) for name, path in modules.items())
    os.mkdir(target)
    for name, path in files.items():
        if path:
            shutil.copyfile(path, os.path.join(target, name))
    answer = {
        "version": sys.version.split()[0],
        "arguments": variables["CONFIG_ARGS"],
        "folder": os.path.normpath(variables.get("abs_srcdir") or ""),
        "flags": [variables.get(name) or "" for name in FLAGS],
        "builtin": list(sys.builtin_module_names),
        "modules": sorted(modules),
        "maxunicode": sys.maxunicode,
        "libraries": cache,
        "development": development(cache),
        "sizes": {
            "executable": os.path.getsize(files["executable"]),
            "libpython": os.path.getsize(files["libpython"]) if files["libpython"] else 0,
            "library folder": size(sysconfig.get_path("stdlib")),
        },
    }
    print("@@facts " + json.dumps(answer))


main()
