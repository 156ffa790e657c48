"""No tracked text names a package registry's host or a path of somebody's machine."""

import re
import subprocess
import sys
from pathlib import Path

FORBIDDEN = re.compile(
    r"https?://[^\s\"']*(?:/simple|/packages/|files\.pythonhosted|registry\.npmjs)|/(?:home|Users|work)/[a-z]+/|/root/"
)


def main() -> int:
    """Print each line that should not be there and give 1 when there is one."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True, text=True)  # noqa: S607
    found = 0
    for name in filter(None, listed.stdout.split("\0")):
        if name == ".ci/clean.py" or not Path(name).is_file():
            continue
        try:
            text = Path(name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if FORBIDDEN.search(line):
                print(f"{name}:{number}: names a registry or a machine's path")  # noqa: T201
                found += 1
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
