"""The trap that hosts with an older Python are: a libpython of the same name where the loader looks before anybody asks it."""

from __future__ import annotations

from importlib import resources

FOLDER = "/usr/local/lib"
IMAGE = "python-farm/trapped:{soname}-{builder}"


def dockerfile(builder: str, soname: str) -> str:
    """The builder image with the library in /usr/local/lib and in the loader's cache; whatever loads it ends at once."""
    source = (resources.files("workers.verify") / "probes/decoy.c").read_text("utf-8")
    code = "".join(f"{line}\\n" for line in source.replace("\\n", "\\\\n").splitlines()).replace("'", "'\\''")
    return (
        f"FROM {builder}\n"
        f"RUN printf '%b' '{code}' > /tmp/decoy.c && mkdir -p {FOLDER} && "
        f"cc -shared -fPIC /tmp/decoy.c -o {FOLDER}/{soname} -Wl,-soname,{soname} && ldconfig && "
        f"ldconfig -p | grep -q {FOLDER}/{soname}\n"
    )
