"""Writes the generated pages of `docs/`; with `--check` writes nothing and fails, naming each page that is stale."""

import argparse
import sys
from pathlib import Path

from tests.docs.pages import PAGES

ROOT = Path(__file__).resolve().parents[2]


def stale(root: Path = ROOT) -> list[str]:
    """The pages that differ from what the code says now."""
    return [str(page) for page, text in PAGES.items() if _read(root / page) != text()]


def write(root: Path = ROOT) -> None:
    """Write every generated page."""
    for page, text in PAGES.items():
        (root / page).parent.mkdir(parents=True, exist_ok=True)
        (root / page).write_text(text(), encoding="utf-8", newline="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a page is stale")
    if not parser.parse_args().check:
        write()
        return 0
    pages = stale()
    for page in pages:
        print(f"{page} does not say what the code says: run `make docs`", file=sys.stderr)
    return 1 if pages else 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
