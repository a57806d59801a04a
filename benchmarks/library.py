"""Whether two Pythons of one series have the same standard library, as far as a benchmark imports it."""

from __future__ import annotations

import ast

# Run by one of both: prints which of the modules are not the same code in both folders. Comments and docstrings do not count.
COMPARE = """
import ast, json, pathlib, sys

def code(folder, module):
    path = pathlib.Path(folder, *module.split("."))
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    found = []
    for file in files:
        tree = ast.parse(file.read_bytes()) if file.is_file() else ast.Module([], [])
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                del body[0]
        found.append((str(file.relative_to(folder)), ast.dump(tree)))
    return found

ours, theirs, *modules = sys.argv[1:]
print(json.dumps([module for module in modules if code(ours, module) != code(theirs, module)]))
"""
_TOOLS = {"pyperf"}


def imported(text: str) -> set[str]:
    """Names of the modules that a program imports by itself, pyperf left out."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names - _TOOLS
