"""Relocation: nothing in the tree may depend on where it lies.

`edits` is pure: it reads a tree and gives what to change. Each kind of file that names the prefix has one small function here.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import posixpath
import re
from typing import TYPE_CHECKING

from farm.errors import BuildFailed
from farm.plan.recipe import PREFIX
from workers.build.tree import Content, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from farm.plan.recipe import Layout
    from workers.build.tree import Tree

# Where the build folders are inside a box; what the sysconfig says of them is replaced by LIBPL, where their remains lie.
_BOX_USER_BASE = "/work/.local"  # where HOME is /work: 3.14 writes down the builder's own folder for `pip install --user`
BUILD_FOLDERS = ("/work/build/../src", "/work/build", "/work/src")

_WORD = rf"(?P<lead>^|[\s'\"=:,]|-[IL]){re.escape(PREFIX)}(?=[/\s'\":,]|$)"

# Python and sh in one: sh replaces itself by the interpreter that lies beside the (resolved) script, and Python sees a string.
_TRAMPOLINE = """#!/bin/sh
'''exec' "$(dirname -- "$(readlink -f -- "$0")")/{interpreter}" "$0" "$@"
' '''
"""

Words = tuple[tuple[str, str], ...]

_SYSCONFIG_HEAD = "# system configuration generated and used by the sysconfig module\n"

# Runs when sysconfig imports the module. uv and other installers parse and rewrite the literal above it; then no value starts
# with the build prefix any more and this changes nothing.
_SYSCONFIG_TAIL = '''

def _relocate(values, prefix):
    """Put the place where this file lies for the prefix of the build."""
    import re
    word = re.compile({word!r}, re.M)
    for name, value in values.items():
        if isinstance(value, str) and {prefix!r} in value:
            values[name] = word.sub(lambda found: found.group("lead") + prefix, value)


_relocate(build_time_vars, __file__.rsplit("/", 3)[0] or "/")
del _relocate
'''

_INSTALLED_PREFIX = """installed_prefix ()
{
    script=$1
    while [ -L "$script" ]; do
        target=$(readlink "$script")
        case $target in
            /*) script=$target ;;
            *) script=$(dirname "$script")/$target ;;
        esac
    done
    (cd "$(dirname "$script")/.." && pwd -P)
}
"""


def edits(tree: Tree, layout: Layout, words: Words) -> dict[str, Entry | None]:
    """What to change in a freshly installed tree so that it can lie anywhere: path to new entry (None removes it).

    `words` are regular expressions of words of the sysconfig, and what each becomes ('' leaves none). Raises BuildFailed when a
    file isn't as expected.
    """
    changes: dict[str, Entry | None] = {}
    changes.update(_sysconfig(tree, layout, words))
    changes.update(_pkgconfig(tree))
    changes.update(_scripts(tree, layout))
    changes.update(_makefiles(tree, layout, words))
    changes.update(_details(tree, layout, words))
    changes.update(_names(tree, layout))
    changes.update(_records(tree.with_entries(changes), {path for path, entry in changes.items() if entry}))
    return changes


def text_entry(data: str, like: Entry | None = None) -> Entry:
    """A file of this text, executable as another one is."""
    return Entry("file", Content.of(data.encode()), executable=bool(like and like.executable))


def matching(tree: Tree, pattern: str) -> Iterator[tuple[str, Entry]]:
    """The files whose whole path a pattern matches."""
    wanted = re.compile(pattern)
    return ((path, entry) for path, entry in tree.files() if wanted.fullmatch(path))


def _neutral(value: str, libpl: str, words: Words) -> str:
    """A value of the build without the build's folders, and with its words changed."""
    value = re.sub(r"\b[A-Z_]+=/work/\S+ ?", "", value)  # RUNSHARED and what is made of it
    for folder in BUILD_FOLDERS:
        value = re.sub(rf"{re.escape(folder)}(?=[/\s'\"]|$)", libpl, value)
    value = value.replace(_BOX_USER_BASE, "~/.local")
    for pattern, becomes in words:
        word = rf"(?<!\S)(?:{pattern})(?!\S)"
        value = re.sub(word if becomes else f"{word} ?", becomes, value)
    return value


def _libpl(tree: Tree, layout: Layout) -> str:
    """The configuration folder, e.g. '/install/lib/python3.13/config-3.13-x86_64-linux-gnu'."""
    for path, _ in matching(tree, rf"lib/{re.escape(layout.lib)}/config[^/]*/Makefile"):
        return f"{PREFIX}/{posixpath.dirname(path)}"
    raise BuildFailed(f"the tree has no lib/{layout.lib}/config*/Makefile")


def sysconfig_values(text: str) -> dict[str, str | int]:
    """The literal of a `_sysconfigdata` module. Raises BuildFailed when the file isn't as CPython writes it."""
    try:
        module = ast.parse(text)
        assignment = next(node for node in module.body if isinstance(node, ast.Assign))
        values: dict[str, str | int] = ast.literal_eval(assignment.value)
    except (SyntaxError, StopIteration, ValueError) as error:
        raise BuildFailed(f"_sysconfigdata is not as CPython writes it: {error}") from error
    return values


def render_sysconfig(values: Mapping[str, str | int]) -> str:
    """A `_sysconfigdata` module: the literal first, one entry a line (uv parses it), then the code that relocates it."""
    lines = "".join(f"    {name!r}: {value!r},\n" for name, value in sorted(values.items()))
    return f"{_SYSCONFIG_HEAD}build_time_vars = {{\n{lines}}}\n{_SYSCONFIG_TAIL.format(word=_WORD, prefix=PREFIX)}"


def _sysconfig(tree: Tree, layout: Layout, words: Words) -> Iterator[tuple[str, Entry]]:
    libpl = _libpl(tree, layout)
    found = False
    for path, entry in matching(tree, rf"lib/{re.escape(layout.lib)}/_sysconfigdata[^/]*\.py"):
        found = True
        values = {
            name: _neutral(value, libpl, words) if isinstance(value, str) else value
            for name, value in sysconfig_values(entry.content.read().decode()).items()
        }
        yield path, text_entry(render_sysconfig(values), entry)
    if not found:
        raise BuildFailed(f"the tree has no lib/{layout.lib}/_sysconfigdata*.py")


def _pkgconfig(tree: Tree) -> Iterator[tuple[str, Entry]]:
    for path, entry in matching(tree, r"lib/pkgconfig/[^/]*\.pc"):
        text = entry.content.read().decode()
        yield path, text_entry(text.replace(f"prefix={PREFIX}\n", "prefix=${pcfiledir}/../..\n", 1), entry)


def _scripts(tree: Tree, layout: Layout) -> Iterator[tuple[str, Entry]]:
    shebang = re.compile(rf"#!\s*{re.escape(PREFIX)}/bin/(\S+)[^\n]*\n")
    for path, entry in matching(tree, rf"bin/[^/]*|lib/{re.escape(layout.lib)}/config[^/]*/python-config\.py"):
        data = entry.content.read()
        if not data.startswith(b"#!"):
            continue
        text = data.decode()
        if found := shebang.match(text):
            beside = posixpath.relpath(f"bin/{found[1]}", posixpath.dirname(path))
            yield path, text_entry(_TRAMPOLINE.format(interpreter=beside) + text[found.end() :], entry)
        elif "installed_prefix ()" in text:
            yield path, text_entry(_config_script(text), entry)


def _config_script(text: str) -> str:
    """`python3-config` that finds its tree through symlinks and from paths with spaces."""
    text = re.sub(r"installed_prefix \(\)\n\{.*?\n\}\n", lambda _: _INSTALLED_PREFIX, text, count=1, flags=re.DOTALL)
    return text.replace(f'prefix="{PREFIX}"', 'prefix="${prefix_real}"', 1)


def _makefiles(tree: Tree, layout: Layout, words: Words) -> Iterator[tuple[str, Entry]]:
    libpl = _libpl(tree, layout)
    here = re.compile(rf"^prefix=\s*{re.escape(PREFIX)}$", re.MULTILINE)
    word = re.compile(_WORD, re.MULTILINE)
    for path, entry in matching(tree, rf"lib/{re.escape(layout.lib)}/config[^/]*/Makefile"):
        text = "\n".join(_neutral(line, libpl, words) for line in entry.content.read().decode().split("\n"))
        text = here.sub("prefix := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../../..)", text, count=1)
        yield path, text_entry(word.sub(r"\g<lead>$(prefix)", text), entry)


_BASE = "base_prefix"  # what build-details.json calls the prefix


def _details(tree: Tree, layout: Layout, words: Words) -> Iterator[tuple[str, Entry]]:
    """JSON files of 3.14 and later: values that start with the prefix become relative to the folder that the file is in; in
    build-details.json, as PEP 739 has it, only the prefix itself is, and all others are relative to that.
    """
    libpl = _libpl(tree, layout)
    for path, entry in matching(tree, r"lib/[^/]*/(build-details|_sysconfig_vars[^/]*)\.json"):
        folder = posixpath.dirname(path)
        values = _neutral_values(json.loads(entry.content.read()), libpl, words)
        if isinstance(values, dict) and _BASE in values:
            values[_BASE] = posixpath.relpath(".", folder)
            if static := values.get("libpython", {}).get("static"):
                values["libpython"]["static"] = f"{libpl}/{posixpath.basename(static)}"  # where finish.sh puts it
            folder = "."
        text = _relative_values(json.dumps(values, indent=2) + "\n", folder)
        yield path, text_entry(re.sub(_WORD, r"\g<lead>${prefix}", text, flags=re.MULTILINE), entry)


def _neutral_values(value: object, libpl: str, words: Words) -> object:
    """JSON's values, every text in them neutral."""
    if isinstance(value, str):
        return _neutral(value, libpl, words)
    if isinstance(value, dict):
        return {name: _neutral_values(part, libpl, words) for name, part in value.items()}
    return [_neutral_values(part, libpl, words) for part in value] if isinstance(value, list) else value


def _relative_values(text: str, folder: str) -> str:
    """JSON text whose values that are paths under the prefix are relative to `folder`."""

    def relative(found: re.Match[str]) -> str:
        return json.dumps(posixpath.relpath(found[1].strip("/") or ".", folder))

    return re.sub(rf'"{re.escape(PREFIX)}((?:/[^"]*)?)"', relative, text)


def _names(tree: Tree, layout: Layout) -> Iterator[tuple[str, Entry]]:
    """`bin/python` and `bin/pip`, which `make install` leaves out, and `python3` where the variant's name differs."""
    there = [name for name in layout.names if f"bin/{name}" in tree.entries]
    pips = [name for name in there if name.startswith("pip")]
    for name in layout.names:
        targets = pips if name.startswith("pip") else [layout.executable]
        if name not in there and targets and f"bin/{targets[0]}" in tree.entries:
            yield f"bin/{name}", Entry("link", target=targets[0])


def _records(tree: Tree, changed: set[str]) -> Iterator[tuple[str, Entry]]:
    """pip's RECORD with the hashes of the scripts that were changed, so that `pip check` and uninstalling stay right."""
    for path, entry in matching(tree, r"lib/[^/]*/site-packages/[^/]*\.dist-info/RECORD"):
        site = posixpath.dirname(posixpath.dirname(path))
        rows = []
        for row in entry.content.read().decode().splitlines():
            name = row.split(",", 1)[0]
            where = posixpath.normpath(posixpath.join(site, name))
            rows.append(_record(name, tree.read(where)) if where in changed else row)
        yield path, text_entry("\n".join(rows) + "\n", entry)


def _record(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}"
