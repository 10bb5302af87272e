"""The judge over the templates of one package, in a process of its own: ``python -m tests.corpus.judge NAME``."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.template import Engine, TemplateSyntaxError

from djust_ast._extractor import ExtractError
from tests.agreement import differences
from tests.corpus.packages import packages
from tests.recorder import Log, Path, check, raised_by_a_tag, record, tree_of, walk

OUTCOMES = {
    "covered": "the tree announces everything that Django reads",
    "refused": "Django does not compile the template, nor do we, on the same line",
    "warned": "the same after a tag of which nothing is known, so that we only warn, on the same line",
    "tag": "the code of a tag refuses the template, which nobody can foresee",
    "missed": "anything else",
}
ONE_NODE = {"rosetta/form.html"}
"""Where a tag gives one node to several tags, so that a walk knows the place of the last only."""
RENDERS = 7
SECONDS = 120


class TooLong(BaseException):
    """Rendering with proxies does not come to an end."""


@dataclass
class Verdict:
    """What became of one template."""

    name: str
    outcome: str = "covered"
    """One of ``OUTCOMES``."""
    misses: list[str] = field(default_factory=list)
    context: bool = False
    """Whether a tag may read any name of the context."""
    errors: int = 0
    nodes: int = 0
    executed: int = 0
    paths: int = 0
    unread: int = 0
    """How many of the paths nobody read, if every node was rendered and none failed."""
    exact: bool = False
    walk: list[str] = field(default_factory=list)
    """Where a walk of the compiled nodes says something else than the extractor."""

    @property
    def differs(self) -> bool:
        """Whether it does."""
        return bool(self.walk)


def judge(engine: Engine, name: str) -> Verdict:
    """Return whether the tree of a template announces everything that Django reads."""
    verdict = Verdict(name)
    try:
        log = record(engine, name, RENDERS)
    except TemplateSyntaxError as error:
        return refused(verdict, engine, error)
    except Exception as error:
        if not raised_by_a_tag(error):
            raise
        verdict.outcome, verdict.misses = "tag", [f"{type(error).__name__}: {error}"]
        return verdict
    try:
        tree = tree_of(engine, name)
    except ExtractError as error:
        return ours_refused(verdict, engine, error)
    verdict.misses = [str(miss) for miss in check(log, tree)]
    verdict.misses += [str(miss) for miss in check(log, tree, trust_context=False) if not miss.by_tag]
    verdict.outcome = "missed" if verdict.misses else "covered"
    verdict.context = any("*" in entry["reads"] for entry in tree.get("ctx", ()))
    verdict.errors = len(set(log.errors))
    verdict.executed, verdict.nodes = log.coverage()
    verdict.exact = verdict.executed == verdict.nodes and not log.errors
    if verdict.exact:
        verdict.paths, verdict.unread = precision(log, tree)
    return verdict


def refused(verdict: Verdict, engine: Engine, error: TemplateSyntaxError) -> Verdict:
    """Compare with what Django's compiler refuses, and where.

    After a tag of which nothing is known we cannot be sure, and warn.
    """
    line = error.token.lineno  # type: ignore[attr-defined]
    verdict.misses = [f"line {line}: {error}"]
    try:
        tree = tree_of(engine, verdict.name)
    except ExtractError as ours:
        verdict.outcome = "refused" if ours.args[3] == line else "missed"
        return verdict
    if any(diag["at"][:2] == [0, line] for diag in tree.get("diag", ())):
        verdict.outcome = "warned"
    else:
        verdict.outcome = "tag" if raised_by_a_tag(error) else "missed"
    return verdict


def ours_refused(verdict: Verdict, engine: Engine, ours: ExtractError) -> Verdict:
    """Compare with what Django says of the parent that we refuse, which it only compiles when it renders."""
    _, message, file, line, *_ = ours.args
    verdict.outcome, verdict.misses = "missed", [f"we refuse {file} on line {line}: {message}"]
    if file != verdict.name:
        try:
            engine.get_template(file)
        except TemplateSyntaxError as error:
            verdict.outcome = "refused" if line == error.token.lineno else "missed"  # type: ignore[attr-defined]
    return verdict


def precision(log: Log, tree: dict[str, Any]) -> tuple[int, int]:
    """Return how many paths the tree has, and how many of them nobody read."""
    read: set[Path] = set().union(*(render.read for render in log.renders), log.uses, log.by_tags)
    paths = [path for path, node in walk(tree) if node.get("u")]
    seen = {path for path in paths if path in read or any(matches(path, other) for other in read)}
    return len(paths), len(paths) - len(seen)


def matches(path: Path, other: Path) -> bool:
    """Return whether a path of the tree speaks for one that was read: an element for an index."""
    return len(path) == len(other) and all(
        step == ran or (step == "*" and ran.isdigit()) for step, ran in zip(path, other, strict=True)
    )


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise ``TooLong`` after so many seconds."""

    def stop(*_: object) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def forget(engine: Engine) -> None:
    """Have templates compiled anew: those that the judge has looked into tell it what their filters do."""
    for loader in engine.template_loaders:
        loader.reset()


def verdicts(package: str, wanted: Iterable[str] = ()) -> Iterator[Verdict]:
    """Yield a verdict for each template of a package, or for those that are wanted."""
    chosen = set(wanted)
    found = packages()[package]
    found.set_up()
    for engine, name in found.templates():
        if chosen and name not in chosen:
            continue
        try:
            with limited(SECONDS), contextlib.redirect_stdout(io.StringIO()):
                verdict = judge(engine, name)
                forget(engine)
                if verdict.outcome != "tag" and name not in ONE_NODE:
                    verdict.walk = differences(engine, name)
                forget(engine)
        except TooLong:
            verdict = Verdict(name, "missed", ["rendering takes too long"])
        yield verdict


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for verdict in verdicts(sys.argv[1], sys.argv[2:]):
        sys.stdout.write(json.dumps(asdict(verdict)) + "\n")
