"""Write the generated pages of the reference into docs/reference/.

python -m tools.reference           write them
python -m tools.reference --check   write nothing; exit code 1 if one of them is out of date
"""

from __future__ import annotations

import argparse
import sys

from tools.reference.pages import FOLDER, REGENERATE, outdated, pages


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, tell what differs")
    if parser.parse_args().check:
        old = outdated()
        for name in old:
            print(f"docs/reference/{name} is out of date: {REGENERATE}", file=sys.stderr)
        return 1 if old else 0
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
