//! Django's own regular expressions, as its source has them, judge the lexer and the grammar of expressions.
//!
//! `\s` and `\w` are those of ASCII here: what Python takes for a space or a word is tested from Python.

#![allow(clippy::unwrap_used)]

use _extractor::{Atom, Kind, Registry, lex, parse_expression};
use proptest::prelude::*;
use regex::Regex;

const TAG: &str = r"(\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\})";
const CONSTANT: &str =
    r#"(?:_\("[^"\\]*(?:\\.[^"\\]*)*"\)|_\('[^'\\]*(?:\\.[^'\\]*)*'\)|"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')"#;

/// What `Lexer.tokenize` makes of a source: kinds and contents.
fn tokens<'s>(source: &'s str, tag: &Regex) -> Vec<(Kind, &'s str)> {
    let (mut tokens, mut verbatim, mut upto) = (Vec::new(), None, 0);
    for found in tag.find_iter(source) {
        if upto < found.start() {
            tokens.push((Kind::Text, &source[upto..found.start()]));
        }
        upto = found.end();
        let text = found.as_str();
        let contents = text[2..text.len() - 2].trim();
        let kind = match &text[..2] {
            "{%" => Kind::Block,
            "{{" => Kind::Var,
            _ => Kind::Comment,
        };
        if kind == Kind::Block && verbatim.as_deref() == Some(contents) {
            verbatim = None;
        }
        if verbatim.is_some() {
            tokens.push((Kind::Text, text));
            continue;
        }
        if kind == Kind::Block && (contents == "verbatim" || contents.starts_with("verbatim ")) {
            verbatim = Some(format!("end{contents}"));
        }
        tokens.push((kind, contents));
    }
    if upto < source.len() {
        tokens.push((Kind::Text, &source[upto..]));
    }
    tokens
}

/// What `FilterExpression` makes of a text: where its head ends, and the names of its filters; `None` if it cannot read all.
fn parts<'s>(text: &'s str, filter: &Regex) -> Option<(&'s str, Vec<&'s str>)> {
    let (mut head, mut calls, mut upto) = (None, Vec::new(), 0);
    for found in filter.captures_iter(text) {
        let whole = found.get(0)?;
        if whole.start() != upto {
            return None;
        }
        upto = whole.end();
        match head {
            None => head = Some(found.name("constant").or_else(|| found.name("var_name"))?.as_str()),
            Some(_) => calls.push(found.name("filter_name")?.as_str()),
        }
    }
    (upto == text.len()).then_some((head?, calls))
}

fn filter_pattern() -> Regex {
    let name = r"[a-zA-Z0-9_.+-]+";
    let call = format!(r"(?:[ \t]*\|[ \t]*(?P<filter_name>[a-zA-Z0-9_]+)(?::(?:{CONSTANT}|{name}))?)");
    Regex::new(&format!(r"^(?P<constant>{CONSTANT})|^(?P<var_name>{name})|{call}")).unwrap()
}

/// The registry of a Django that has the pattern above, 6.0 or later.
fn registry() -> Registry {
    let mut spec: serde_json::Value = serde_json::from_slice(include_bytes!("data/registry.json")).unwrap();
    spec["django"] = serde_json::json!([6, 1]);
    Registry::from_json(spec.to_string().as_bytes()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn tokens_are_those_of_the_pattern(source in r"(\{\{|\}\}|\{%|%\}|\{#|#\}|[{}%# a\n\t]|(end)?verbatim|\{% (end)?verbatim %\}){0,40}", dotall: bool) {
        thread_local!(static TAGS: [Regex; 2] = ["", "(?s)"].map(|flag| Regex::new(&format!("{flag}{TAG}")).unwrap()));
        let found: Vec<_> = lex(&source, dotall).iter().map(|token| (token.kind, token.contents)).collect();
        let expected = TAGS.with(|tags| tokens(&source, &tags[usize::from(dotall)]));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn expressions_are_those_of_the_pattern(text in r#"([a-c]|[.:|]|\|upper|\|cut:|[ \t]|["'\\]|_\(|\)|"x y"|'x'|_\("x"\)|[0-9+-]){1,12}"#) {
        thread_local!(static JUDGES: (Regex, Registry) = (filter_pattern(), registry()));
        JUDGES.with(|(filter, registry)| {
            let expected = parts(&text, filter);
            match (parse_expression(&text, registry), expected) {
                (Ok(raw), Some((head, calls))) => {
                    prop_assert_eq!(raw.calls.iter().map(|call| call.name).collect::<Vec<_>>(), calls);
                    let quoted = head.starts_with(['"', '\'']) || head.starts_with("_(");
                    prop_assert_eq!(matches!(raw.head, Atom::Constant(..)), quoted);
                }
                // The pattern knows neither which filters there are nor which names are allowed.
                (Err(error), Some(_)) => prop_assert!(!error.message.starts_with("Could not"), "{}", error.message),
                (Ok(_), None) => prop_assert!(false, "the pattern does not match"),
                (Err(_), None) => {}
            }
            Ok(())
        })?;
    }
}
