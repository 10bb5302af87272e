//! Every file in `tests/templates/` is a test; what it reads is in `tests/snapshots/`.
//!
//! A file may hold several templates: the first is the page, each line `=== name` starts another.

#![allow(clippy::unwrap_used, clippy::panic, clippy::format_push_string, clippy::format_collect, clippy::cmp_owned)]

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::path::Path;

use _extractor::{Failure, Registry, Request, Resolver, extract};

struct Files(HashMap<String, String>);

impl Resolver for Files {
    type Error = Infallible;

    fn resolve(&mut self, name: &str, _: &[usize]) -> Result<Option<(String, String)>, Infallible> {
        Ok(self.0.get(name).map(|source| (name.to_owned(), source.clone())))
    }
}

fn registry() -> Registry {
    Registry::from_json(include_bytes!("data/registry.json")).unwrap()
}

fn read(text: &str) -> String {
    let mut parts = text.split("=== ");
    let page = parts.next().unwrap();
    let files = parts.map(|part| {
        let (name, source) = part.split_once('\n').unwrap();
        (name.to_owned(), source.to_owned())
    });
    let request = Request { source: page, name: Some("page.html"), partial: None, locals: true, ..Request::default() };
    match extract(request, &registry(), Files(files.collect())) {
        Ok(json) => {
            let document: serde_json::Value = serde_json::from_str(&json).unwrap();
            let mut out = String::new();
            for (name, node) in document["roots"].as_object().unwrap() {
                show(&mut out, name, node, 0);
            }
            for key in ["deps", "ctx", "tags", "diag", "locals"] {
                let rows = &document[key];
                if !rows.is_null() && rows.to_string().len() > 2 && rows.to_string() != r#"{"libs":[],"unknown":[]}"# {
                    out.push_str(&format!("{key}: {rows}\n"));
                }
            }
            out
        }
        Err(Failure::Template(refusal)) => {
            let caret = format!("{}{}", " ".repeat(refusal.column - 1), "^".repeat(refusal.length.max(1)));
            let help = refusal.error.advice().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
            let place = format!("{}:{}", refusal.file.unwrap_or_default(), refusal.line);
            format!("{} {}\n{place}\n{}\n{caret}{help}\n", refusal.error.code, refusal.error.message, refusal.source_line)
        }
        Err(Failure::Resolver(never)) => match never {},
    }
}

fn show(out: &mut String, name: &str, node: &serde_json::Value, depth: usize) {
    let words = |key: &str| {
        let words =
            node[key].as_array().map(|words| words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(" "));
        words.unwrap_or_default()
    };
    let maybe = if node["c"].is_null() { "" } else { " ?" };
    let filters = if node["f"].is_null() { String::new() } else { format!(" |{}", words("f")) };
    let places = if node["at"].is_null() { String::new() } else { format!("  @ {}", node["at"]) };
    let line = format!("{}{name}: {}{maybe}{filters}{places}", "  ".repeat(depth), words("u"));
    out.push_str(line.trim_end());
    out.push('\n');
    for (key, mark) in [("a", "."), ("i", "#")] {
        for (name, child) in node[key].as_object().into_iter().flatten() {
            show(out, &format!("{mark}{name}"), child, depth + 1);
        }
    }
    if !node["e"].is_null() {
        show(out, "[]", &node["e"], depth + 1);
    }
}

#[test]
fn templates_read_what_their_snapshots_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        insta::with_settings!({prepend_module_to_snapshot => false, description => source.clone(), omit_expression => true}, {
            insta::assert_snapshot!(name, read(&source));
        });
    }
}

#[test]
fn hostile_templates_are_refused_or_read() {
    let registry = registry();
    let chained: String = (0..3000).map(|row| format!("{{% for v{} in v{row}.c %}}", row + 1)).collect();
    let defaults: String = (0..60_000).map(|row| format!("|default:b{row}")).collect();
    let cases = [
        ("{{ ".repeat(40_000), None),
        ("{% if a %}".repeat(100_000), Some("DA902")),
        (chained, Some("DA902")),
        (format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}".repeat(30_000)), None),
        (format!("{{{{ a{} }}}}", ".a".repeat(100)), Some("DA905")),
        (format!("{{{{ a{defaults} }}}}"), Some("DA903")),
        ((0..6000).map(|row| format!("{{{{ a{row} }}}}")).collect::<String>(), Some("DA903")),
        ("x".repeat((1 << 20) + 1), Some("DA901")),
        (format!("{{% if {}a %}}{{% endif %}}", "not ".repeat(200_000)), None),
        (format!("{}{}", "{% for x in y %}{% cycle x.a x.b as z %}".repeat(60), "{% endfor %}".repeat(60)), None),
    ];
    for (source, code) in cases {
        let request = Request { source: &source, ..Request::default() };
        match (extract(request, &registry, Files(HashMap::new())), code) {
            (Ok(_), None) => {}
            (Err(Failure::Template(refusal)), Some(code)) => assert_eq!(refusal.error.code, code),
            (result, _) => {
                panic!("{}... gave {:?}", &source[..40.min(source.len())], result.map(|_| "a tree").map_err(|_| "an error"))
            }
        }
    }
}

#[test]
fn templates_that_include_many_are_refused() {
    let files: HashMap<_, _> =
        (0..30).map(|row| (format!("{row}"), format!("{{% include \"{0}\" %}}{{% include \"{0}\" %}}", row + 1))).collect();
    let request = Request { source: "{% include \"0\" %}", ..Request::default() };
    match extract(request, &registry(), Files(files)) {
        Err(Failure::Template(refusal)) => assert_eq!(refusal.error.code, "DA904"),
        _ => panic!("30 levels were read"),
    }
}
