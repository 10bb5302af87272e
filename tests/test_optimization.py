"""The function-level API: each function by itself, and together on real rows."""

import ast
import gc
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.utils import translation
from django.utils.translation import gettext_lazy

from djust_ast import compile_paths
from djust_ast.demo.rentals.models import Lease, Owner, Property, Tenant
from djust_ast.errors import BindError, TemplateError
from djust_ast.optimization import (
    QueryOptimization,
    SerializerCache,
    analyze_queryset_optimization,
    compile_serializer,
    extract_template_variables,
    generate_serializer_code,
    get_serializer_source,
    optimize_queryset,
)
from djust_ast.optimization import cache as cache_module

NAME = "serialize_lease"


def compiled(paths, name=NAME):
    return compile_serializer(generate_serializer_code("Lease", paths, name), name)


class TestExtract:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            pytest.param("", {}, id="empty"),
            pytest.param("{{ name }}", {"name": []}, id="bare-name"),
            pytest.param("{{ lease.property.name }}", {"lease": ["property.name"]}, id="path"),
            pytest.param("{{ l.b }}{{ l.a }}{{ l.b }}", {"l": ["a", "b"]}, id="sorted-and-once"),
            pytest.param(
                "{% for lease in leases %}{{ lease.tenant.user.email }}{% endfor %}",
                {"lease": ["tenant.user.email"], "leases": ["tenant.user.email"]},
                id="loop-variable-and-iterable",
            ),
            pytest.param(
                "{% for p in homes %}{% for l in p.leases.all %}{{ l.rent }}{% endfor %}{% endfor %}",
                {
                    "homes": ["leases.all", "leases.all.rent"],
                    "l": ["rent"],
                    "p": ["leases.all", "leases.all.rent"],
                },
                id="nested-loops",
            ),
            pytest.param("{{ leases.0.x }}", {"leases": ["x"]}, id="index"),
            pytest.param("{{ p.leases.all }}", {"p": ["leases.all"]}, id="keeps-all"),
            pytest.param(
                "{% with t=lease.tenant %}{{ t.phone }}{% endwith %}",
                {"lease": ["tenant.phone"], "t": ["phone"]},
                id="alias",
            ),
            pytest.param(
                "{% if a.b and c %}{{ d|default:e.f }}{% endif %}",
                {"a": ["b"], "c": [], "d": [], "e": ["f"]},
                id="conditions-and-arguments",
            ),
            pytest.param("{% comment %}{{ a.b }}{% endcomment %}{# {{ c }} #}", {}, id="comments"),
        ],
    )
    def test_lists_what_is_read(self, source, expected):
        assert extract_template_variables(source) == expected

    def test_lists_are_sorted_by_name(self):
        assert list(extract_template_variables("{{ b }}{{ a.x }}{{ c }}")) == ["a", "b", "c"]

    def test_a_malformed_template_is_shown_with_a_caret(self):
        with pytest.raises(TemplateError) as caught:
            extract_template_variables("one\n{{ a|nope }}")
        assert (caught.value.line, caught.value.column) == (2, 6)
        assert "{{ a|nope }}\n         ^^^^\n" in str(caught.value)


class TestAnalyze:
    @pytest.mark.parametrize(
        ("model", "paths", "joins", "prefetches"),
        [
            pytest.param(Lease, [], [], [], id="nothing"),
            pytest.param(Lease, ["rent", "pk", "tenant_id"], [], [], id="columns"),
            pytest.param(
                Lease, ["property.name", "tenant.user.email"], ["property", "tenant__user"], [], id="to-one"
            ),
            pytest.param(Lease, ["property"], ["property"], [], id="the-object-itself"),
            pytest.param(Lease, ["tenant.pk"], ["tenant"], [], id="key-of-the-other-side"),
            pytest.param(
                Lease,
                ["property.rent_per_square_metre", "tenant.user.get_full_name"],
                ["property", "tenant__user"],
                [],
                id="method",
            ),
            pytest.param(Lease, ["get_status_display", "days_left"], [], [], id="own-methods"),
            pytest.param(Property, ["insurance.company"], ["insurance"], [], id="reverse-one-to-one"),
            pytest.param(Property, ["leases.all.rent"], [], ["leases"], id="to-many"),
            pytest.param(Property, ["leases.rent"], [], ["leases"], id="to-many-without-all"),
            pytest.param(Property, ["leases.all", "leases.count"], [], ["leases"], id="to-many-itself"),
            pytest.param(Property, ["tags.all.name"], [], ["tags"], id="many-to-many"),
            pytest.param(
                Property,
                ["maintenancerequest_set.all.title"],
                [],
                ["maintenancerequest_set"],
                id="no-related-name",
            ),
            pytest.param(
                Property, ["leases.all.tenant.user.email"], [], ["leases__tenant__user"], id="behind-to-many"
            ),
            pytest.param(
                Lease,
                ["property.photos.all.path", "property.name"],
                ["property"],
                ["property__photos"],
                id="to-many-behind-to-one",
            ),
            pytest.param(
                Lease,
                ["nope", "tenant.nope.x", "property.leases.all.nope"],
                ["property", "tenant"],
                ["property__leases"],
                id="unknown-names-end-the-path",
            ),
            pytest.param(
                Owner, ["referred_by.referred_by.company"], ["referred_by__referred_by"], [], id="self"
            ),
        ],
    )
    def test_says_what_to_join_and_prefetch(self, model, paths, joins, prefetches):
        optimization = analyze_queryset_optimization(model, paths)
        assert optimization.to_dict() == {"select_related": joins, "prefetch_related": prefetches}
        assert optimization == QueryOptimization(set(joins), set(prefetches))

    def test_the_result_is_frozen(self):
        with pytest.raises(AttributeError):
            QueryOptimization().select_related = {"property"}


@pytest.mark.usefixtures("agency")
class TestOptimize:
    PATHS = ("property.name", "tenant.user.email", "payments.all.amount", "property.tags.all.name")

    def read(self, queryset):
        return [
            (
                lease.property.name,
                lease.tenant.user.email,
                [payment.amount for payment in lease.payments.all()],
                [tag.name for tag in lease.property.tags.all()],
            )
            for lease in queryset
        ]

    def test_nothing_more_is_asked(self, django_assert_num_queries):
        plain = self.read(Lease.objects.order_by("pk")[:10])
        queryset = optimize_queryset(
            Lease.objects.order_by("pk")[:10], analyze_queryset_optimization(Lease, self.PATHS)
        )
        with django_assert_num_queries(3):
            assert self.read(queryset) == plain

    def test_the_users_own_joins_stay(self, django_assert_num_queries):
        queryset = optimize_queryset(
            Lease.objects.select_related("co_signer"), QueryOptimization({"property"}, set())
        )
        with django_assert_num_queries(1):
            for lease in queryset[:5]:
                assert lease.property.name
                assert lease.co_signer is None or lease.co_signer.pk

    def test_a_manager_is_taken_for_its_rows(self):
        queryset = optimize_queryset(Lease.objects, QueryOptimization({"property"}, set()))
        assert queryset.query.select_related == {"property": {}}

    def test_deferred_columns_are_prefetched_instead(self, django_assert_num_queries):
        queryset = optimize_queryset(
            Property.objects.only("name"), QueryOptimization({"insurance", "owner__user"}, set())
        )
        assert not queryset.query.select_related
        assert queryset._prefetch_related_lookups == ("insurance", "owner__user")
        assert queryset[0].owner.user.email

    @pytest.mark.parametrize(
        "queryset",
        [
            pytest.param(lambda: Lease.objects.values("pk"), id="values"),
            pytest.param(lambda: Lease.objects.filter(pk=1).union(Lease.objects.filter(pk=2)), id="union"),
        ],
    )
    def test_what_django_refuses_stays_as_it_is(self, queryset):
        given = queryset()
        assert optimize_queryset(given, QueryOptimization({"property"}, {"payments"})) is given

    def test_an_evaluated_queryset_is_not_asked_again(self, django_assert_num_queries):
        queryset = Lease.objects.all()[:3]
        list(queryset)
        with django_assert_num_queries(0):
            assert optimize_queryset(queryset, QueryOptimization({"property"})) is queryset


class TestGenerate:
    def test_the_function_is_named_after_model_and_paths(self):
        code = generate_serializer_code("Lease", ["property.name"])
        functions = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
        (name,) = (function for function in functions if function.startswith("serialize_lease_"))
        digits = name.removeprefix("serialize_lease_")
        assert len(digits) == 6
        assert int(digits, 16) >= 0
        assert name in generate_serializer_code("Lease", ["property.name", "property.name"])
        assert name not in generate_serializer_code("Lease", ["property.city"])

    def test_is_the_same_for_the_same_paths(self):
        assert generate_serializer_code("Lease", ["a.b", "c"]) == generate_serializer_code(
            "Lease", ["a.b", "c"]
        )

    def test_gives_nested_dicts(self):
        lease = SimpleNamespace(
            property=SimpleNamespace(name="Loft"),
            tenant=SimpleNamespace(user=SimpleNamespace(email="a@example.com")),
            end_date="2026-12-01",
        )
        record = compiled(["property.name", "tenant.user.email", "end_date"])(lease)
        assert record == {
            "property": {"name": "Loft"},
            "tenant": {"user": {"email": "a@example.com"}},
            "end_date": "2026-12-01",
        }
        assert type(record) is type(record["tenant"]["user"]) is dict

    @pytest.mark.parametrize(
        ("obj", "paths", "expected"),
        [
            pytest.param(SimpleNamespace(tenant=None), ["tenant.user.email"], {"tenant": None}, id="none"),
            pytest.param(SimpleNamespace(), ["tenant.user", "x"], {}, id="absent"),
            pytest.param(SimpleNamespace(), [], {}, id="no-paths"),
            pytest.param(SimpleNamespace(total=lambda: 3), ["total"], {"total": 3}, id="method"),
            pytest.param({"a": {"b": 1}}, ["a.b"], {"a": {"b": 1}}, id="dicts"),
            pytest.param(
                SimpleNamespace(rows=[SimpleNamespace(x=1), SimpleNamespace(x=2)]),
                ["rows.x"],
                {"rows": [{"x": 1}, {"x": 2}]},
                id="collection",
            ),
        ],
    )
    def test_finds_what_a_template_would(self, obj, paths, expected):
        assert compiled(paths)(obj) == expected

    @pytest.mark.parametrize(
        "name",
        ["größe", "李", "a-b", "it's", 'a"b', "class", "a\nimport os", "\\", "{0}", "ſtatus"],
    )
    def test_no_name_becomes_code(self, name):
        code = generate_serializer_code("Lease", [name, f"tenant.{name}.x"])
        names = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
        assert names <= {"obj", "record", "lookup", "each", "Absent"} | {
            node.name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef)
        }
        assert code.isascii() or repr(name) in code
        function = compiled([name, f"tenant.{name}.x"])
        assert function({name: 1, "tenant": {name: {"x": 2}}}) == {name: 1, "tenant": {name: {"x": 2}}}

    @pytest.mark.parametrize("model_name", ["Lease", "Größe", "a b", "1st", "x):\n import os #", ""])
    def test_any_model_name_gives_a_function(self, model_name):
        code = generate_serializer_code(model_name, ["a"])
        assert all(isinstance(node, ast.ImportFrom | ast.FunctionDef) for node in ast.parse(code).body)

    @pytest.mark.parametrize("path", ["", "a.", ".a", "_private", "a.__class__"])
    def test_what_no_template_could_read_is_refused(self, path):
        with pytest.raises(BindError):
            generate_serializer_code("Lease", [path])

    @pytest.mark.parametrize("name", ["f(obj): pass\nimport os\ndef g", "class", "1a", "", "ä", "lookup"])
    def test_a_function_name_is_not_code(self, name):
        with pytest.raises(ValueError, match="name of a function"):
            generate_serializer_code("Lease", ["a"], name)

    def test_a_function_may_have_any_other_name(self):
        assert compiled(["a.b"], "a_1")({"a": {"b": 1}}) == {"a": {"b": 1}}

    @pytest.mark.usefixtures("agency")
    def test_serializes_real_rows(self):
        lease = Lease.objects.filter(co_signer=None).first()
        paths = [
            "property.name",
            "tenant.user.email",
            "end",
            "co_signer.phone",
            "get_status_display",
            "payments.all.amount",
        ]
        assert compiled(paths)(lease) == {
            "property": {"name": lease.property.name},
            "tenant": {"user": {"email": lease.tenant.user.email}},
            "end": lease.end,
            "co_signer": None,
            "get_status_display": lease.get_status_display(),
            "payments": {"all": [{"amount": payment.amount} for payment in lease.payments.all()]},
        }

    @pytest.mark.usefixtures("agency")
    def test_nothing_that_alters_data_is_called(self):
        lease = Lease.objects.first()
        assert compiled(["delete", "save"])(lease) == {}
        assert Lease.objects.filter(pk=lease.pk).exists()


class TestCompile:
    def test_a_syntax_error_shows_the_numbered_source(self):
        with pytest.raises(SyntaxError) as caught:
            compile_serializer("def f(obj):\n    return (", "f")
        assert "   1  def f(obj):\n   2      return (" in str(caught.value)

    def test_another_name_is_an_error(self):
        with pytest.raises(ValueError, match="defines no function 'g'"):
            compile_serializer("def f(obj):\n    return obj", "g")

    def test_the_source_is_the_real_one(self):
        code = generate_serializer_code("Lease", ["property.name"], NAME)
        assert get_serializer_source(compile_serializer(code, NAME)) == code

    def test_a_serializers_function_has_its_source_too(self):
        serializer = compile_paths(Lease, ["rent", "property.name"])
        source = get_serializer_source(serializer.function)
        assert source == serializer.source
        assert "property" in source

    def test_any_other_function_has_the_source_that_python_finds(self):
        assert get_serializer_source(compiled).startswith("def compiled(paths")

    def test_the_source_goes_with_the_function(self):
        from djust_ast.optimization import code as code_module

        function = compiled(["a"])
        before = len(code_module._sources)
        del function
        gc.collect()
        assert len(code_module._sources) < before


class TestCache:
    def test_keeps_what_was_set(self):
        cache = SerializerCache()
        key = cache.get_cache_key("{{ a.b }}", "a")
        assert cache.get(key) is None
        cache.set(key, len)
        assert cache.get(key) is len
        assert cache.stats() == {
            "backend": "memory",
            "entries": 1,
            "max_entries": cache_module.MAX_ENTRIES,
            "hits": 1,
            "misses": 1,
            "evictions": 0,
        }
        assert cache.invalidate(key)
        assert not cache.invalidate(key)
        assert cache.get(key) is None
        cache.set(key, len)
        cache.clear()
        assert cache.stats()["entries"] == cache.stats()["misses"] == 0

    def test_a_key_is_a_full_hash_of_separate_fields(self):
        cache = SerializerCache()
        keys = {
            cache.get_cache_key("ab", "c"),
            cache.get_cache_key("a", "bc"),
            cache.get_cache_key("abc", ""),
            cache.get_cache_key("ab", "c", Lease),
            cache.get_cache_key("ab", "c", Tenant),
            cache.get_cache_key("ab", "c", User),
            cache.get_cache_key("ab\udc80", "c"),
        }
        assert len(keys) == 7
        assert {len(key) for key in keys} == {64}
        assert cache.get_cache_key("ab", "c", Lease) == SerializerCache().get_cache_key("ab", "c", Lease)

    def test_a_key_is_the_same_in_every_language(self, monkeypatch):
        field = Lease._meta.get_field("status")
        cache = SerializerCache()
        keys = set()
        for value in ("a", "b"):
            monkeypatch.setattr(field, "choices", [(value, gettext_lazy("Monday"))])
            for language in ("en", "de"):
                with translation.override(language):
                    keys.add(cache.get_cache_key("ab", "c", Lease))
        assert len(keys) == 2

    def test_what_was_not_used_for_longest_goes_first(self, monkeypatch):
        monkeypatch.setattr(cache_module, "MAX_ENTRIES", 2)
        cache = SerializerCache()
        cache.set("a", len)
        cache.set("b", len)
        cache.get("a")
        cache.set("c", len)
        assert [cache.get(key) is None for key in "abc"] == [False, True, False]
        assert cache.stats()["evictions"] == 1

    @pytest.mark.parametrize("backend", ["filesystem", "redis"])
    def test_other_backends_keep_to_memory(self, backend, tmp_path):
        cache = SerializerCache(backend, cache_dir=str(tmp_path), redis_url="redis://127.0.0.1:1/0")
        cache.set("a", len)
        assert cache.get("a") is len
        assert list(tmp_path.iterdir()) == []

    def test_an_unknown_backend_is_an_error(self):
        with pytest.raises(ValueError, match="'disk' is no cache backend"):
            SerializerCache("disk")

    def test_threads_share_it(self, monkeypatch):
        monkeypatch.setattr(cache_module, "MAX_ENTRIES", 20)
        cache = SerializerCache()

        def work(number):
            for n in range(500):
                key = str((number * n) % 50)
                cache.get(key)
                cache.set(key, len)
                cache.invalidate(str(n % 50))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(1, 5)))
        stats = cache.stats()
        assert stats["entries"] <= 20
        assert stats["hits"] + stats["misses"] == 2_000
