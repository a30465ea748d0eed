"""Names every source file of more than 300 lines and every line of more than 100 columns; exit
status 1 if there is one. Columns are characters, and tabs count as 4. Directives of Go's tools
cannot be wrapped, so they may be longer."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ".ci", "bench", "cbridge", "cmd", "oaif", "third_party", "torch"
ENDINGS = ".go", ".cc", ".h", ".py", ".sh", ".bash"
FILES = ROOT / "Makefile", ROOT / "CMakeLists.txt", ROOT / ".ci/run"
LINES, COLUMNS, TAB = 300, 100, 4


def sources():
    """Every file that people write; what is downloaded lies in folders called dist."""
    yield from FILES
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in ENDINGS and path.is_file() and "dist" not in path.parts:
                yield path


def findings(path):
    name = path.relative_to(ROOT)
    lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    if len(lines) > LINES:
        yield f"{name}: {len(lines)} lines, at most {LINES} are wanted"
    for number, line in enumerate(lines, 1):
        columns = len(line.expandtabs(TAB))
        if columns > COLUMNS and not line.startswith("//go:"):
            yield f"{name}:{number}: {columns} columns, at most {COLUMNS} are wanted"


found = [f for path in sources() for f in findings(path)]
print(*found, sep="\n", end="\n" if found else "")
sys.exit(bool(found))
