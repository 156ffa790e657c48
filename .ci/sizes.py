"""The budget of files and functions: 300 and 30 lines are the aim, past 400 and 60 the check fails.

Counts lines of functions without their docstring. Migrations keep the shape Alembic gives them.
"""

import ast
import sys
from pathlib import Path

FILE_AIM, FILE_MAX, FUNCTION_AIM, FUNCTION_MAX = 300, 400, 30, 60
FOLDERS = ("bot", "escalation", "tests", ".ci")


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Give a function's lines without its docstring."""
    first = node.body[0]
    documented = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    doc = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - doc


def main() -> int:
    """Print what is over its aim and give 1 when something is over the limit."""
    over: list[str] = []
    near = 0
    for path in sorted(path for folder in FOLDERS for path in Path(folder).rglob("*.py")):
        if "migrations" in path.parts:
            continue
        source = path.read_text(encoding="utf-8")
        lines = source.count("\n")
        near += lines > FILE_AIM
        if lines > FILE_MAX:
            over.append(f"{path}: {lines} lines")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = function_lines(node)
                near += size > FUNCTION_AIM
                if size > FUNCTION_MAX:
                    over.append(f"{path}:{node.lineno}: {node.name} has {size} lines")
    print(f"{near} over the aim ({FILE_AIM} and {FUNCTION_AIM}), {len(over)} over the limit")  # noqa: T201
    for line in over:
        print(line)  # noqa: T201
    return int(bool(over))


if __name__ == "__main__":
    sys.exit(main())
