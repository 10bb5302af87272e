"""How many instructions an extraction takes: a figure that other work on the machine does not change."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from djust_ast import _extractor
from djust_ast.registry import stock_spec

# Nothing but the extension is loaded, so that what a run costs beside the extraction is little.
_PROGRAM = """
import json, sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader

loader = ExtensionFileLoader("_extractor", sys.argv[1])
extractor = module_from_spec(spec_from_loader("_extractor", loader))
loader.exec_module(extractor)
spec, sources = json.load(open(sys.argv[2], encoding="utf-8"))
registry = extractor.Registry(json.dumps(spec).encode())
for _ in range(int(sys.argv[3])):
    for source in sources:
        extractor.extract(source, None, registry).json()
"""
_COLLECTED = re.compile(r"Collected : (\d+)")
_PASSES = 4
_WRITING = "_extractor::document::write"


def count(sources: Sequence[str]) -> str:
    """The instructions for a KB of ``sources``, from Python to JSON; or why they were not counted."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        return "instructions: not counted, since there is no valgrind"
    spec = stock_spec()
    known = [source for source in sources if _extracts(source, spec)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sources.json")
        file.write_text(json.dumps([spec, known]), encoding="utf-8")
        all_of_it, writing = (_of_one_pass(valgrind, file, only) for only in (None, _WRITING))
    if all_of_it is None or writing is None:
        return "instructions: not counted, since valgrind failed"
    size = sum(len(source.encode()) for source in known) / 1024
    return (
        f"instructions (callgrind), from Python to JSON: {all_of_it / size:,.0f} a KB, "
        f"{all_of_it / len(known):,.0f} a template ({len(known)} templates, {size:,.0f} KB), "
        f"{writing / all_of_it:.0%} of them to write the JSON"
    )


def _extracts(source: str, spec: dict[str, object]) -> bool:
    try:
        _extractor.extract(source, None, _extractor.Registry(json.dumps(spec).encode()))
    except _extractor.ExtractError:
        return False
    return True


def _of_one_pass(valgrind: str, file: Path, only: str | None) -> float | None:
    """The difference that one extraction of all makes to what callgrind counts, in one function or everywhere."""
    once, more = (_collected(valgrind, file, passes, only) for passes in (1, 1 + _PASSES))
    return None if once is None or more is None else (more - once) / _PASSES


def _collected(valgrind: str, file: Path, passes: int, only: str | None) -> int | None:
    """What callgrind counts in a whole process that extracts ``passes`` times."""
    tool = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    if only is not None:
        tool.append(f"--toggle-collect={only}")
    program = [sys.executable, "-I", "-S", "-c", _PROGRAM, str(_extractor.__file__), str(file), str(passes)]
    done = subprocess.run([*tool, *program], capture_output=True, text=True, check=False)
    found = _COLLECTED.search(done.stderr)
    return int(found[1]) if done.returncode == 0 and found else None
