"""Run the Python blocks of Markdown files, and hold them to the output printed beside them.

    python .ci/doc_blocks.py README.md docs

Every ```python block of a file runs, in order, in one namespace per file and in an empty working directory, with
warnings as errors. Where a ```text block follows with nothing but blank lines between, it is what the ```python block
prints, to the letter. A folder stands for every .md file below it.
"""

import contextlib
import difflib
import io
import os
import re
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"(?P<indent> *)(?P<ticks>`{3,}|~{3,}) *(?P<language>[^\s`]*)[^`]*")


class WrongTextError(Exception):
    """The Markdown does not say what is so."""


class Block(NamedTuple):
    """A fenced block: its language, its lines, the line of its fence, and whether it follows another block at once."""

    language: str
    lines: list[str]
    line: int
    adjacent: bool


def read_blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a Markdown text."""
    lines = enumerate(text.splitlines(), start=1)
    adjacent = False
    for number, line in lines:
        fence = FENCE.fullmatch(line)
        if fence is None:
            adjacent = adjacent and not line.strip()
            continue
        body = []
        for _, inner in lines:
            if inner.strip().startswith(fence["ticks"]) and not inner.strip(" " + fence["ticks"][0]):
                break
            body.append(re.sub(f"^ {{0,{len(fence['indent'])}}}", "", inner))
        else:
            raise WrongTextError(f"line {number}: the block is not closed")
        yield Block(fence["language"], body, number, adjacent)
        adjacent = True


def run_block(block: Block, path: Path, namespace: dict[str, object]) -> str:
    """Execute a block and return what it prints; tracebacks show the lines of the file."""
    source = "\n" * block.line + "\n".join(block.lines)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(source, path, "exec"), namespace)
    return printed.getvalue()


def compare(block: Block, printed: str) -> None:
    """Fail where a text block is not what was printed."""
    diff = list(difflib.unified_diff(block.lines, printed.splitlines(), "written", "printed", lineterm=""))
    if diff:
        raise WrongTextError("\n".join([f"line {block.line}: the output differs", *diff]))


def check_file(path: Path) -> str:
    """Run the blocks of a file and return what was done."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    ran = compared = 0
    printed = None
    for block in read_blocks(path.read_text(encoding="utf-8")):
        if block.language == "text" and block.adjacent and printed is not None:
            compare(block, printed)
            compared += 1
        printed = run_block(block, path, namespace) if block.language == "python" else None
        ran += printed is not None
    return f"{ran} blocks run, {compared} outputs compared"


def find_files(names: list[str]) -> list[Path]:
    """Return the files named, and the .md files of the folders named."""
    paths = [Path(name).resolve() for name in names]
    return [file for path in paths for file in (sorted(path.rglob("*.md")) if path.is_dir() else [path])]


def main(names: list[str]) -> int:
    """Check every file; return 1 where one fails."""
    failed = False
    for path in find_files(names):
        label = os.path.relpath(path)
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                print(f"{label}: {check_file(path)}")
            except WrongTextError as error:
                failed = True
                print(f"{label}, {error}")
            except (Exception, SystemExit):
                failed = True
                print(f"{label}: {traceback.format_exc()}")
    return int(failed)


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.exit(main(sys.argv[1:]))
