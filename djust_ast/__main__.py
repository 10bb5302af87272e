"""``python -m djust_ast``: what works without a project.

``paths`` shows what a template file reads, ``source`` and ``ast`` the serializer of dotted paths, ``demo`` runs
the rental agency, ``bench`` measures. With a project, ``manage.py djust_ast`` shows plans and SQL too.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import djust_ast
from djust_ast.errors import DjustAstError

# Verbs with a command line of their own, and where they live.
_PROGRAMS = {"bench": "djust_ast.bench.run", "demo": "djust_ast.demo.run"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; the exit code is 1 where the template or the paths are at fault."""
    given = sys.argv[1:] if argv is None else list(argv)
    if given and given[0] in _PROGRAMS:
        return int(import_module(_PROGRAMS[given[0]]).main(given[1:]))
    options = _parser().parse_args(given)
    show: Callable[[argparse.Namespace], str] = options.show
    try:
        print(show(options))
    except (DjustAstError, OSError, UnicodeDecodeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m djust_ast", description="Your template is the query.")
    parser.add_argument("--version", action="version", version=djust_ast.__version__)
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    paths = verbs.add_parser("paths", help="what a template reads")
    paths.add_argument("template", help="a file, or - for standard input")
    paths.add_argument("--format", choices=("text", "json"), default="text")
    paths.set_defaults(show=_paths)
    shows = (("source", _source, "the serializer of dotted paths"), ("ast", _ast, "its syntax tree"))
    for name, show, text in shows:
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("model", help="the name of the class, for the function's name: Lease")
        verb.add_argument("paths", nargs="+", metavar="path", help="property.name")
        verb.set_defaults(show=show)
    verbs.add_parser("demo", help="run the rental agency (--help tells more)")
    verbs.add_parser("bench", help="measure against hand-written code (--help tells more)")
    return parser


def _paths(options: argparse.Namespace) -> str:
    name: str = options.template
    if name == "-":
        source, name = sys.stdin.read(), "<stdin>"
    else:
        source = Path(name).read_text(encoding="utf-8")
    tree = djust_ast.extract(source, name=name)
    return tree.json().decode() if options.format == "json" else str(tree)


def _source(options: argparse.Namespace) -> str:
    # Imports models' machinery, which `paths` has no use for.
    from djust_ast.optimization import generate_serializer_code

    return generate_serializer_code(options.model, options.paths).rstrip("\n")


def _ast(options: argparse.Namespace) -> str:
    return ast.dump(ast.parse(_source(options)), indent=2)


if __name__ == "__main__":
    sys.exit(main())
