"""What Django itself reads while it renders a template: the judge of the extractor.

Every name of the context is a ``Rec``: a mapping, a list, a number and an object at once, which
writes down each operation under the path that led to it (``author.books.all.*.title``). ``record``
renders a template several times, some of them through all of its branches, and ``check`` compares
what was written down with a path tree.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from inspect import unwrap
from traceback import walk_tb
from typing import Any
from unittest import mock

from django.contrib.humanize.templatetags import humanize
from django.http import HttpRequest, QueryDict
from django.template import (
    Context,
    Engine,
    Origin,
    Template,
    TemplateDoesNotExist,
    base,
    defaultfilters,
    defaulttags,
    library,
    loader_tags,
)
from django.template.context import BaseContext
from django.templatetags import cache, i18n, static, tz

from djust_ast._extractor import extract
from djust_ast.registry import registry_for

Path = tuple[str, ...]
ELEMENT = "*"

# operation -> the uses of a node which announce it; `esc` announces everything
ANNOUNCED_BY = {
    "str": {"out", "arg"},
    "bool": {"bool", "arg"},
    "len": {"len", "iter", "arg"},
    "iter": {"iter"},
    "cmp": {"cmp", "arg"},
    "num": {"num", "out", "arg"},
    "leaf": {"out", "num", "arg"},  # read by code of Django that only takes plain values, such as `date`
    "arg": {"arg", "out", "num"},
}
# filters that look at the type of their value: they get a plain one, and the value counts as a leaf
LEAF_FILTERS = {
    *(
        defaultfilters.date,
        defaultfilters.time,
        defaultfilters.timesince_filter,
        defaultfilters.timeuntil_filter,
    ),
    *(defaultfilters.floatformat, defaultfilters.phone2numeric_filter),
    *(humanize.naturalday, humanize.naturaltime, tz.localtime, tz.utc, tz.do_timezone),
}
# filters whose argument may become the result
UNION_FILTERS = {defaultfilters.default, defaultfilters.default_if_none, defaultfilters.add}
# modules whose look-ups are the template language's own
LANGUAGE = (
    "django.template.",
    "django.templatetags.",
    "django.utils.",
    "django.core.",
    "django.urls.",
    f"{__name__}.",
)
# what tags of others call, too, so that it may read on behalf of one
FOR_TAGS = ("django.utils.csp.",)
# Names that the engine asks for itself, and which no context has.
NEVER_IN_CONTEXT = {"True", "False", "None", "forloop"}
MAX_OPERATIONS = 20_000
MAX_INCLUDES = 4


class Runaway(Exception):
    """A template or tag goes on for ever on proxies, which are never empty."""


@dataclass
class Log:
    """The operations of all renders of one template."""

    uses: dict[Path, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_tags: dict[Path, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Paths that start at a name which the Python code of a tag took out of the context."""
    renders: list[Render] = field(default_factory=list)
    nodes: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    template: Template | None = None
    executed: set[int] = field(default_factory=set)
    """The identities of the nodes that were rendered; those of ``template`` live as long as it does."""

    def paths(self) -> set[str]:
        return {".".join(path) for path in self.uses}

    def coverage(self) -> tuple[int, int]:
        """Return how many nodes of the template itself were rendered, and how many it has."""
        assert self.template is not None
        nodes = [node for node in self.template.nodelist.get_nodes_by_type(base.Node) if not idle(node)]
        return sum(id(node) in self.executed for node in nodes), len(nodes)


@dataclass
class Render:
    """How one render treats what a proxy cannot know, and what it looked up."""

    seed: int
    everything: bool = False
    truth: bool | None = None
    numbers: bool = True
    size: int = 2
    absent: float = 0.0
    read: set[Path] = field(default_factory=set)
    failed: bool = False

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311

    def true(self) -> bool:
        return self.random.random() < 0.5 if self.truth is None else self.truth


def renders(count: int = 10) -> list[Render]:
    """Return two renders of all branches, three with fixed answers, and the rest with random ones."""
    fixed = [
        Render(1, everything=True, size=3),
        Render(2, everything=True, size=3, numbers=False),
        Render(3, truth=True),
        Render(4, truth=False, size=2),
        Render(5, truth=False, size=0, numbers=False),
    ]
    more = [
        Render(seed, size=seed % 4, numbers=seed % 2 == 0, absent=0.3 if seed % 3 == 0 else 0.0)
        for seed in range(6, count + 1)
    ]
    return fixed + more


def plain(value: Any) -> Any:
    """Return a value which every filter and tag of Django can work with in place of a proxy."""
    return "3" if isinstance(value, Rec) else value


def idle(node: base.Node) -> bool:
    """Return whether a node has nothing to look up, so that it does not matter whether it was rendered."""
    return isinstance(node, (base.TextNode, defaulttags.CommentNode, defaulttags.LoadNode))


def within(node: base.Node) -> Iterator[base.Node]:
    """Yield a node and those in it: a ``SimpleBlockNode`` does not name its list to ``get_nodes_by_type()``."""
    yield from node.get_nodes_by_type(base.Node)
    if isinstance(node, library.SimpleBlockNode):
        yield from node.nodelist.get_nodes_by_type(base.Node)


def assigned(node: base.Node) -> Iterator[str]:
    """Yield the names that a tag may assign, as its attributes or its last words have them."""
    for slot in ("asvar", "target_var", "var_name", "variable", "varname"):
        if isinstance(name := getattr(node, slot, None), str):
            yield name
    match getattr(getattr(node, "token", None), "contents", "").split():
        case [*_, "as", name]:
            yield name


def constant(expression: Any) -> bool:
    """Return whether a template's name is known without rendering."""
    return not expression.is_var and not expression.filters


def note(value: Any, use: str) -> Any:
    """Write ``use`` down if ``value`` is a proxy; return the value."""
    if isinstance(value, Rec):
        value._rec_note(use)
    return value


class Rec:
    """A context value that is everything at once, and remembers how it was reached."""

    __slots__ = ("_rec_judge", "_rec_path", "_rec_tainted")

    def __init__(self, judge: Recorder, path: Path, tainted: bool) -> None:
        self._rec_judge, self._rec_path, self._rec_tainted = judge, path, tainted

    def _rec_note(self, use: str) -> None:
        self._rec_judge.note(self._rec_path, use, self._rec_tainted)

    def _rec_child(self, step: str) -> Rec:
        self._rec_judge.render.read.add((*self._rec_path, step))
        return Rec(self._rec_judge, (*self._rec_path, step), self._rec_tainted)

    def __getitem__(self, key: Any) -> Any:
        match key:
            case slice():
                return Slice(self._rec_judge, self._rec_path, self._rec_tainted) if key.start else self
            case str():
                return self._rec_child(key)
            case int() if key >= 0:
                return self._rec_child(str(key))
            case _:
                return self._rec_child(ELEMENT)

    def __getattr__(self, name: str) -> Any:
        module = caller()
        if name.startswith("__") or f"{module}.".startswith(LANGUAGE):
            raise AttributeError(name)
        self._rec_note(f"py:{module}")
        return Member(self._rec_judge, (*self._rec_path, name), self._rec_tainted)

    def __str__(self) -> str:
        self._rec_note("str")
        return "3"

    def __format__(self, spec: str) -> str:
        self._rec_note("str")
        return format(3, spec) if spec else "3"

    def __repr__(self) -> str:
        self._rec_note("py:repr")
        return f"<{'.'.join(self._rec_path)}>"

    def __bool__(self) -> bool:
        self._rec_note("bool")
        return self._rec_judge.render.true()

    def __len__(self) -> int:
        self._rec_note("len")
        return self._rec_judge.render.size

    def __iter__(self) -> Iterator[Rec]:
        self._rec_note("iter")
        return iter([self._rec_child(ELEMENT) for _ in range(self._rec_judge.render.size)])

    def __contains__(self, item: Any) -> bool:
        self._rec_note("cmp")
        self._rec_child(ELEMENT)._rec_note("cmp")
        note(item, "cmp")
        return self._rec_judge.render.true()

    def __hash__(self) -> int:
        self._rec_note("cmp")
        return hash(self._rec_path)

    def _rec_compare(self, other: Any) -> bool:
        self._rec_note("cmp")
        note(other, "cmp")
        return self._rec_judge.render.true()

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _rec_compare

    def __int__(self) -> int:
        self._rec_note("num")
        if not self._rec_judge.render.numbers:
            raise self._rec_judge.render.random.choice([TypeError, ValueError])("not a number in this render")
        return 3

    def __float__(self) -> float:
        return float(int(self))

    def __index__(self) -> int:
        return int(self)

    def _rec_arithmetic(self, other: Any) -> Any:
        self._rec_note("num")
        note(other, "num")
        return self if self._rec_judge.render.true() else other

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _rec_arithmetic
    __mod__ = __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _rec_arithmetic

    def __neg__(self) -> Any:
        return self._rec_arithmetic(self)


class Slice(Rec):
    """A part of a list: its first element is any element of the list."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        return self._rec_child(ELEMENT) if str(key).isdigit() else super().__getitem__(key)


class Member(Rec):
    """What Python code found in an attribute of a proxy: possibly a method."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Rec:
        return self


class Count(int):
    """The number that ``{% blocktranslate count %}`` insists on, and still its proxy."""

    rec: Rec

    def __str__(self) -> str:
        return str(self.rec)


def caller() -> str:
    """Return the module of the code that called the method which asks."""
    return str(sys._getframe(2).f_globals.get("__name__", "?"))


class Roots(dict[str, Any]):
    """The bottom of the context: has every name, and a proxy for each."""

    def __init__(self, judge: Recorder) -> None:
        super().__init__()
        self.judge = judge

    def __contains__(self, name: object) -> bool:
        if dict.__contains__(self, name):
            return True
        absent = self.judge.render.absent
        if absent and random.Random(f"{self.judge.render.seed}{name}").random() < absent:  # noqa: S311
            return False
        return name not in NEVER_IN_CONTEXT

    def __missing__(self, name: Any) -> Rec:
        path = (name if isinstance(name, str) else "?",)
        self.judge.render.read.add(path)
        return Rec(self.judge, path, tainted=False)


class Recorder:
    """Django's engine with nodes that go everywhere, and go on after an error."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.render = Render(0)
        self.in_tag = 0
        self.depth = 0
        self.operations = 0

    def note(self, path: Path, use: str, tainted: bool) -> None:
        self.operations += 1
        if self.operations > MAX_OPERATIONS:
            raise Runaway
        (self.log.by_tags if tainted else self.log.uses)[path].add(use)

    def run(self, template: Template, render: Render) -> None:
        self.render, self.operations, self.in_tag = render, 0, 0
        context = Context(Roots(self))
        context.request = HttpRequest()
        context.request.GET = QueryDict("a=1")
        self.log.renders.append(render)
        try:
            template.render(context)
        except Exception as error:  # noqa: BLE001 (a tag of anybody's may raise anything)
            self.failed(template, error)

    def failed(self, node: Any, error: Exception) -> None:
        self.render.failed = True
        if isinstance(error, base.VariableDoesNotExist):
            error = KeyError(error.params[0])  # its text would print the proxy
        self.log.errors.append(f"{type(node).__name__}: {type(error).__name__}: {error}")

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Replace what proxies could not get through; compile *and* render inside."""
        with ExitStack() as stack:

            def patch(owner: Any, name: str, method: Callable[..., Any]) -> None:
                original = getattr(owner, name)
                replacement: Any = wraps(original)(lambda *a, **kw: method(original, *a, **kw))
                if isinstance(vars(owner).get(name), classmethod):
                    replacement = staticmethod(replacement)
                stack.enter_context(mock.patch.object(owner, name, replacement))

            patch(base.Node, "render_annotated", self.node)
            patch(BaseContext, "__getitem__", self.context_value)
            patch(BaseContext, "get", self.context_value)
            patch(base.Variable, "resolve", self.variable)
            patch(base.FilterExpression, "__init__", self.filter_expression)
            patch(defaulttags.IfNode, "render", self.if_node)
            patch(defaulttags.ForNode, "render", self.for_node)
            patch(defaulttags.IfChangedNode, "render", self.ifchanged_node)
            patch(defaulttags.FirstOfNode, "render", self.firstof_node)
            patch(defaulttags.CycleNode, "render", self.cycle_node)
            patch(defaulttags.FilterNode, "render", self.filter_node)
            patch(defaulttags.CsrfTokenNode, "render", self.csrf_token_node)
            patch(loader_tags.IncludeNode, "render", self.include_node)
            patch(loader_tags.ExtendsNode, "get_parent", self.extends_parent)
            patch(library.InclusionNode, "render", self.inclusion_node)
            patch(library.TagHelperNode, "get_resolved_arguments", self.tag_arguments)
            patch(i18n.BlockTranslateNode, "render", self.blocktranslate_node)
            patch(i18n.LanguageNode, "render", self.body_node("language"))
            patch(i18n.translation, "get_language_info", self.language_info)
            patch(tz.TimezoneNode, "render", self.body_node("tz"))
            patch(cache.CacheNode, "render", self.cache_node)
            patch(static.StaticNode, "handle_simple", self.static_path)
            stack.enter_context(mock.patch("django.urls.reverse", self.reverse))
            yield

    # -- expressions

    def context_value(self, original: Any, context: Any, *args: Any) -> Any:
        """Mark what the code of a tag takes out of the context, and what its own template does."""
        value = original(context, *args)
        asks = f"{sys._getframe(2).f_globals.get('__name__')}."
        by_tag = asks.startswith(FOR_TAGS) or not asks.startswith(LANGUAGE)
        if isinstance(value, Rec) and (self.in_tag or by_tag):
            return Rec(self, value._rec_path, tainted=True)
        return value

    def variable(self, original: Any, variable: base.Variable, context: Any) -> Any:
        if not variable.translate:
            return original(variable, context)
        value = variable.literal if variable.lookups is None else variable._resolve_lookup(context)
        return str(value) if isinstance(value, Rec) else original(variable, context)

    def filter_expression(self, original: Any, expression: Any, token: str, parser: Any) -> None:
        original(expression, token, parser)
        expression.filters = [(self.guarded(func), args) for func, args in expression.filters]

    def guarded(self, func: Any) -> Any:
        """Return a filter of Django's that works on proxies; any other one as it is."""
        real = unwrap(func)
        if not real.__module__.startswith("django."):
            return func

        @wraps(func)
        def guard(value: Any, *args: Any, **kwargs: Any) -> Any:
            if func not in UNION_FILTERS:
                args = tuple(plain(note(arg, "arg")) for arg in args)
            if isinstance(value, Rec):
                if func in LEAF_FILTERS:
                    return plain(note(value, "leaf"))
                if func is defaultfilters.default_if_none:
                    note(value, "cmp")
                    return args[0] if self.render.true() else value
                if func is defaultfilters.json_script:
                    return plain(note(value, "py:json"))
                if func is defaultfilters.join and not self.render.numbers and self.render.true():
                    return note(value, "iter")  # as for a value that is no sequence
            return func(value, *args, **kwargs)

        return guard

    # -- nodes

    def node(self, original: Any, node: Any, context: Any) -> Any:
        """Render, and after an error leave the context as it was, but for the names that would be bound now."""
        self.log.nodes[type(node).__name__] += 1
        self.log.executed.add(id(node))
        depth = len(context.dicts)
        try:
            return node.render(context)
        except Runaway:
            raise
        except Exception as error:  # noqa: BLE001 (a tag of anybody's may raise anything)
            self.failed(node, error)
            del context.dicts[depth:]
            for inner in within(node):
                for name in assigned(inner):
                    context[name] = ""
            return ""

    def branches(self, context: Context, nodelists: list[Any], *, may_skip: bool) -> str:
        """Render each from the same context; what one of them assigns stays."""
        before = [dict(scope) for scope in context.dicts]
        after = before
        stays = self.render.random.randrange(len(nodelists) + may_skip)
        for position, nodelist in enumerate(nodelists):
            restore(context, before)
            nodelist.render(context)
            if position == stays:
                after = [dict(scope) for scope in context.dicts]
        restore(context, after)
        return ""

    def if_node(self, original: Any, node: Any, context: Any) -> str:
        if not self.render.everything:
            return original(node, context)
        conditions = [condition for condition, _ in node.conditions_nodelists if condition is not None]
        for condition in conditions:
            note(self.condition(condition, context), "bool")
        nodelists = [nodelist for _, nodelist in node.conditions_nodelists]
        return self.branches(context, nodelists, may_skip=len(conditions) == len(nodelists))

    def condition(self, part: Any, context: Any) -> Any:
        """Evaluate every operand, also those that ``and`` and ``or`` would skip."""
        operands = [operand for operand in (part.first, part.second) if operand is not None]
        if not operands:
            try:
                return part.eval(context)
            except base.VariableDoesNotExist:
                return None
        values = [self.condition(operand, context) for operand in operands]
        use = "bool" if part.id in ("and", "or", "not") else "cmp"
        for value in values:
            note(value, use)
        if part.id in ("in", "not in") and isinstance(values[1], Rec):
            _ = values[0] in values[1]
        return None

    def for_node(self, original: Any, node: Any, context: Any) -> str:
        if self.render.everything:
            with context.push():
                before = [dict(scope) for scope in context.dicts]
                node.nodelist_empty.render(context)
                restore(context, before)
        sequence, node.sequence = node.sequence, Sequence(node.sequence, len(node.loopvars))
        try:
            return original(node, context)
        finally:
            node.sequence = sequence

    def ifchanged_node(self, original: Any, node: Any, context: Any) -> str:
        if not self.render.everything:
            return original(node, context)
        for argument in node._varlist:
            note(argument.resolve(context, ignore_failures=True), "cmp")
        if node._varlist:
            return self.branches(context, [node.nodelist_true, node.nodelist_false], may_skip=False)
        node.nodelist_true.render(context)  # always, to compare what it renders
        return self.branches(context, [node.nodelist_false], may_skip=True)

    def firstof_node(self, original: Any, node: Any, context: Any) -> str:
        if self.render.everything:
            for variable in node.vars:
                value = variable.resolve(context, ignore_failures=True)
                note(note(value, "bool"), "str")
        return original(node, context)

    def cycle_node(self, original: Any, node: Any, context: Any) -> str:
        if not self.render.everything:
            return original(node, context)
        values = [variable.resolve(context) for variable in node.cyclevars]
        if not node.silent:
            for value in values:
                note(value, "str")
        context.render_context.setdefault(node, iter(()))
        if node.variable_name:
            context.set_upward(node.variable_name, self.render.random.choice(values))
        return ""

    def filter_node(self, original: Any, node: Any, context: Any) -> str:
        return str(original(node, context))

    def csrf_token_node(self, original: Any, node: Any, context: Any) -> str:
        token = context.get("csrf_token")
        return "" if note(token, "leaf") is not None else original(node, context)

    def include_node(self, original: Any, node: Any, context: Any) -> str:
        """Include; a template that includes itself does so for ever, as proxies have no end.

        What a template of a name that is not a constant reads counts as read by a tag.
        """
        expression = node.template
        template = note(expression.resolve(context), "arg")
        if isinstance(template, Rec) or self.depth == MAX_INCLUDES:
            for value in node.extra_context.values():
                value.resolve(context)
            return ""
        self.depth += 1
        self.in_tag += not constant(expression)
        node.template = Resolved(template)
        try:
            return original(node, context)
        finally:
            self.depth -= 1
            self.in_tag -= not constant(expression)
            node.template = expression

    def extends_parent(self, original: Any, node: Any, context: Any) -> Any:
        expression = node.parent_name
        parent = note(expression.resolve(context), "arg")
        if isinstance(parent, Rec):
            raise LookupError("the parent is a variable")
        self.in_tag += not constant(expression)  # until the end of the render
        node.parent_name = Resolved(parent)
        try:
            return original(node, context)
        finally:
            node.parent_name = expression

    def inclusion_node(self, original: Any, node: Any, context: Any) -> str:
        """Render; a template that was given the whole context reads on behalf of the tag."""
        self.in_tag += bool(node.takes_context)
        try:
            return original(node, context)
        finally:
            self.in_tag -= bool(node.takes_context)

    def tag_arguments(self, original: Any, node: Any, context: Any) -> Any:
        """Resolve on behalf of the template, even if what the tag renders reads on its own."""
        own = isinstance(node, library.InclusionNode) and bool(node.takes_context)
        self.in_tag -= own
        try:
            args, kwargs = original(node, context)
        finally:
            self.in_tag += own
        if node.func is defaulttags.querystring:
            args = [QueryDict() if isinstance(note(arg, "py:querystring"), Rec) else arg for arg in args]
        return args, kwargs

    def blocktranslate_node(self, original: Any, node: Any, context: Any, nested: bool = False) -> str:
        counter = node.counter
        if counter is not None:
            node.counter = Counted(counter)
        try:
            return original(node, context, nested)
        finally:
            node.counter = counter

    def body_node(self, argument: str) -> Callable[..., Any]:
        def render(original: Any, node: Any, context: Any) -> str:
            value = note(getattr(node, argument).resolve(context), "arg")
            if isinstance(value, Rec):
                return node.nodelist.render(context)
            # A second look might find a proxy: a filter may return either of two values.
            with mock.patch.object(node, argument, mock.Mock(resolve=lambda context: value)):
                return original(node, context)

        return render

    def cache_node(self, original: Any, node: Any, context: Any) -> str:
        """Render as on a cache that never has anything."""
        for argument in (node.expire_time_var, node.cache_name, *node.vary_on):
            if hasattr(argument, "resolve"):
                note(argument.resolve(context), "arg")
        return node.nodelist.render(context)

    def static_path(self, original: Any, path: Any) -> str:
        return original(plain(note(path, "arg")))

    def language_info(self, original: Any, code: Any) -> dict[str, Any]:
        return original("en" if isinstance(note(code, "arg"), Rec) or code == "3" else code)

    def reverse(self, name: Any, args: Any = None, kwargs: Any = None, **options: Any) -> str:
        for value in (name, *(args or ()), *(kwargs or {}).values()):
            note(value, "arg")
        return "/url/"


@dataclass
class Resolved:
    """An expression that was resolved before, as random answers may differ the second time."""

    value: Any

    def resolve(self, context: Any) -> Any:
        return self.value


@dataclass
class Sequence:
    """The sequence of a ``for``, whose elements can be unpacked into so many names."""

    expression: Any
    names: int

    def resolve(self, context: Any, ignore_failures: bool = False) -> Any:
        values = self.expression.resolve(context, ignore_failures=ignore_failures)
        if isinstance(values, Rec):
            note(values, "len")
            values = list(values)
        if self.names == 1 or not isinstance(values, list):
            return values
        return [self.unpacked(value) for value in values]

    def unpacked(self, value: Any) -> Any:
        if not isinstance(value, Rec):
            return value
        note(value, "iter")
        return [value[position] for position in range(self.names)]


@dataclass
class Counted:
    expression: Any

    def resolve(self, context: Any) -> Any:
        value = self.expression.resolve(context)
        if not isinstance(value, Rec):
            return value
        count = Count(3)
        count.rec = note(value, "num")
        return count


def restore(context: Context, scopes: list[dict[str, Any]]) -> None:
    for scope, content in zip(context.dicts, scopes, strict=True):
        dict.clear(scope)
        dict.update(scope, content)


def record(engine: Engine, name: str, count: int = 10) -> Log:
    """Return what Django reads while it renders the template; raise what Django's compiler raises."""
    judge = Recorder(Log())
    with judge.installed():
        judge.log.template = template = engine.get_template(name)
        for render in renders(count):
            judge.run(template, render)
    return judge.log


# -- the other side


def sources(engine: Engine, name: str, skip: list[Origin]) -> tuple[Origin, str] | None:
    """Return what Django's loaders find for a name, as ``{% extends %}`` asks them."""
    for loader in engine.template_loaders:
        for origin in loader.get_template_sources(name):
            if origin not in skip:
                try:
                    return origin, loader.get_contents(origin)
                except TemplateDoesNotExist:
                    continue
    return None


def tree_of(engine: Engine, name: str, registry: Any = None) -> dict[str, Any]:
    """Return the path tree of a template that the engine finds; raise what the extractor raises."""
    found = sources(engine, name, [])
    assert found is not None
    loaded = [found[0]]

    def resolve(name: str, skip: list[int]) -> tuple[str, str] | None:
        found = sources(engine, name, [loaded[position] for position in skip])
        if found is None:
            return None
        loaded.append(found[0])
        return name, found[1]

    return json.loads(extract(found[1], name, registry or registry_for(engine), resolve).json())


def raised_by_a_tag(error: BaseException) -> bool:
    """Return whether the code of a tag from outside Django had a part in this error of the compiler."""
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(error.__traceback__)]
    compiler = modules[modules.index("django.template.base") :]
    return not all(module.startswith("django.") for module in compiler)


# -- the comparison


@dataclass(frozen=True)
class Miss:
    """An operation of Django's that the tree does not announce."""

    path: str
    use: str
    reason: str
    by_tag: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.use}: {self.reason}" + (
            " (read by the code of a tag)" if self.by_tag else ""
        )


def check(log: Log, tree: dict[str, Any], *, trust_context: bool = True) -> list[Miss]:
    """Return what ``log`` has and ``tree`` (``djust-ast/paths@1``) does not announce.

    A context escape covers every path of the names that it reads; ``trust_context=False`` ignores
    these, and then what only the Python code of a tag read is in the list as ``by_tag``.
    """
    escaped: set[str] = set()
    if trust_context:
        for entry in tree.get("ctx", ()):
            escaped.update(entry["reads"])
    misses = []
    for by_tag, uses in ((False, log.uses), (True, log.by_tags)):
        for path, operations in sorted(uses.items()):
            if "*" in escaped or path[0] in escaped:
                continue
            for operation in sorted(operations):
                reason = missing(tree.get("roots", {}), path, operation)
                if reason is not None:
                    misses.append(Miss(".".join(path), operation, reason, by_tag))
    return misses


def missing(roots: dict[str, Any], path: Path, operation: str) -> str | None:
    """Return why the tree does not announce this, or ``None`` if it does."""
    if path[0] not in roots:
        return f"no root {path[0]!r} in the tree"
    nodes, owners = [roots[path[0]]], []
    for position, step in enumerate(path[1:], 1):
        if any("esc" in node.get("u", ()) for node in nodes):
            return None
        owners = nodes
        nodes = [child for node in nodes for child in children(node, step)]
        if not nodes and not shows(owners, step, operation):
            return f"the tree ends at {'.'.join(path[:position])!r}"
    found = {use for node in nodes for use in node.get("u", ())}
    if "esc" in found or found & ANNOUNCED_BY.get(operation, set()) or shows(owners, path[-1], operation):
        return None
    return f"the tree has {'+'.join(sorted(found)) or 'no use'}"


def shows(owners: list[dict[str, Any]], step: str, operation: str) -> bool:
    """Return whether printing a list does this to its elements."""
    return operation == "py:repr" and step == ELEMENT and any("out" in owner.get("u", ()) for owner in owners)


def children(node: dict[str, Any], step: str) -> Iterator[dict[str, Any]]:
    """Yield the nodes that speak for ``step``: an index is a key, a position or some element."""
    if step == ELEMENT:
        if "e" in node:
            yield node["e"]
        return
    if step in node.get("a", {}):
        yield node["a"][step]
    if step.isdigit():
        if step in node.get("i", {}):
            yield node["i"][step]
        if "e" in node:
            yield node["e"]


def check_conditions(log: Log, tree: dict[str, Any]) -> list[str]:
    """Return nodes that pass as read in every render although a render did without them.

    A loop is no condition, so renders with empty lists do not count.
    """
    wrong = []
    for path, node in walk(tree):
        if (
            node.get("c")
            or not node.get("u")
            or ELEMENT in path
            or path[0] in NEVER_IN_CONTEXT
            or "ctx" in tree
        ):
            continue
        for render in log.renders:
            if render.size and not render.failed and not render.absent and path not in render.read:
                wrong.append(
                    f"{'.'.join(path)}: not read in render {render.seed}, but not marked conditional"
                )
                break
    return wrong


def walk(tree: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every node of the tree with its path, parents first."""

    def below(path: Path, node: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
        yield path, node
        for step, child in (node.get("a", {}) | node.get("i", {})).items():
            yield from below((*path, step), child)
        if "e" in node:
            yield from below((*path, ELEMENT), node["e"])

    for name, node in tree.get("roots", {}).items():
        yield from below((name,), node)
