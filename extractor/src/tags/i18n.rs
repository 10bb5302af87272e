//! Translation, and tags that bind what the current language or time zone says.

use crate::diag::{Error, Span};
use crate::lexer::{Kind, Token};
use crate::names::Sym;
use crate::parser::{Parser, TagToken};
use crate::split::Bit;
use crate::tree::Uses;
use crate::unit::{ExprId, Op, Read, Want};

/// `{% get_current_language as name %}` and its relatives.
pub(super) fn get_as<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let words = tag.words();
    let [_, word, name] = words.as_slice() else { return Err(requires_as(tag, &words)) };
    if *word != "as" {
        return Err(requires_as(tag, &words));
    }
    parser.assign(&name.text);
    Ok(())
}

fn requires_as(tag: &TagToken<'_>, words: &[Bit<'_>]) -> Error {
    tag.error(format!("'{}' requires 'as variable' (got {})", tag.command, python_list(words)))
}

fn python_list(words: &[Bit<'_>]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.text)).collect();
    format!("[{}]", quoted.join(", "))
}

pub(super) fn get_language_info<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    language_info(parser, tag, Want::Use(Uses::ARG), "string")
}

pub(super) fn get_language_info_list<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    language_info(parser, tag, Want::Languages, "sequence")
}

fn language_info(parser: &mut Parser<'_>, tag: &TagToken<'_>, want: Want, what: &str) -> Result<(), Error> {
    let bits = tag.bits()?;
    match bits.as_slice() {
        [_, for_, code, as_, name] if *for_ == "for" && *as_ == "as" => {
            let expr = parser.compile(code)?;
            parser.emit(Op::Read(Read { expr, want, maybe: false, lenient: false }));
            parser.assign(&name.text);
            Ok(())
        }
        _ => {
            let got = python_list(bits.get(1..).unwrap_or(&[]));
            Err(tag.error(format!("'{}' requires 'for {what} as variable' (got {got})", tag.command)))
        }
    }
}

pub(super) fn translate<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let Some(message) = bits.get(1) else {
        return Err(tag.error(format!("'{}' takes at least one argument", tag.command)));
    };
    // What is translated is the value that the filters then get.
    if let Some((value, _)) = message.text.split_once('|')
        && let Ok(value) = parser.compile_text(value, message.at)
    {
        parser.read(value, Uses::OUT);
    }
    parser.argument(message, Uses::OUT)?;
    let mut rest = bits.get(2..).unwrap_or(&[]).iter();
    let mut seen: Vec<&str> = Vec::new();
    let mut name = None;
    while let Some(option) = rest.next() {
        if seen.contains(&&*option.text) {
            return Err(tag.error(format!("The '{}' option was specified more than once.", option.text)));
        }
        match &*option.text {
            "noop" => {}
            word @ ("context" | "as") => {
                let Some(value) = rest.next() else {
                    let message = format!("No argument provided to the '{}' tag for the {word} option.", tag.command);
                    return Err(tag.error(message));
                };
                if word == "as" {
                    name = Some(value);
                } else if *value == "as" || *value == "noop" {
                    let message =
                        format!("Invalid argument '{}' provided to the '{}' tag for the context option", value.text, tag.command);
                    return Err(tag.error(message));
                } else {
                    parser.argument(value, Uses::ARG)?;
                }
            }
            other => {
                return Err(tag.error(format!(
                    "Unknown argument for '{}' tag: '{other}'. The only options available are 'noop', 'context' \"xxx\", and 'as VAR'.",
                    tag.command
                )));
            }
        }
        seen.push(&option.text);
    }
    if let Some(name) = name {
        parser.assign(&name.text);
    }
    Ok(())
}

#[derive(Default)]
struct Options {
    binds: Vec<(Sym, ExprId)>,
    count: Option<(Sym, ExprId)>,
    name: Option<Sym>,
}

/// The variables of the body are names of the context as they stand, dots, bars and all.
pub(super) fn blocktranslate<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let options = options(parser, tag)?;
    let (mut tokens, mut last) = message(parser);
    if options.count.is_some() {
        if last.is_none_or(|token| token.contents != "plural") {
            return Err(tag.error(format!("'{}' doesn't allow other block tags inside it", tag.command)));
        }
        let (plural, end) = message(parser);
        tokens.extend(plural);
        last = end;
    }
    let closer = last.map_or("", |token| token.contents);
    if closer.strip_prefix("end") != Some(tag.command) {
        return Err(tag.error(format!("'{}' doesn't allow other block tags (seen '{closer}') inside it", tag.command)));
    }
    let keys = tokens.into_iter().map(|token| {
        let name = parser.names.intern(token.contents);
        Op::Key { name, uses: Uses::OUT, maybe: false, span: Span::new(token.at, token.contents.len()) }
    });
    let mut ops: Vec<Op> = keys.collect();
    if let Some((name, expr)) = options.count {
        let body = parser.body(ops);
        let read = Op::Read(Read::of(expr, Uses::NUM));
        ops = vec![read, Op::With { binds: vec![(name, expr)], body }];
    }
    let body = parser.body(ops);
    parser.emit(Op::With { binds: options.binds, body });
    if let Some(name) = options.name {
        parser.emit(Op::Assign(name));
    }
    Ok(())
}

fn options(parser: &mut Parser<'_>, tag: &TagToken<'_>) -> Result<Options, Error> {
    let bits = tag.bits()?;
    let mut options = Options::default();
    let mut seen: Vec<&str> = Vec::new();
    let mut at = 1;
    while let Some(option) = bits.get(at) {
        at += 1;
        if seen.contains(&&*option.text) {
            return Err(tag.error(format!("The '{}' option was specified more than once.", option.text)));
        }
        let rest = bits.get(at..).unwrap_or(&[]);
        match &*option.text {
            "with" => {
                let (binds, used) = parser.keywords(rest, true)?;
                if binds.is_empty() {
                    return Err(tag.error(format!("\"with\" in '{}' tag needs at least one keyword argument.", tag.command)));
                }
                options.binds = binds;
                at += used;
            }
            "count" => {
                let (binds, used) = parser.keywords(rest, true)?;
                let [only] = binds.as_slice() else {
                    return Err(tag.error(format!("\"count\" in '{}' tag expected exactly one keyword argument.", tag.command)));
                };
                options.count = Some(*only);
                at += used;
            }
            "context" => {
                let read = rest.first().map(|value| parser.argument(value, Uses::ARG));
                if !matches!(read, Some(Ok(()))) {
                    return Err(tag.error(format!("\"context\" in '{}' tag expected exactly one argument.", tag.command)));
                }
                at += 1;
            }
            "trimmed" => {}
            "asvar" => {
                let Some(name) = rest.first() else {
                    return Err(tag.error(format!("No argument provided to the '{}' tag for the asvar option.", tag.command)));
                };
                options.name = Some(parser.names.intern(&name.text));
                at += 1;
            }
            other => return Err(tag.error(format!("Unknown argument for '{}' tag: '{other}'.", tag.command))),
        }
        seen.push(&option.text);
    }
    Ok(options)
}

/// Returns the variables up to the next tag or comment, and that.
fn message<'a>(parser: &mut Parser<'a>) -> (Vec<Token<'a>>, Option<Token<'a>>) {
    let mut tokens = Vec::new();
    while let Some(token) = parser.token() {
        match token.kind {
            Kind::Text => {}
            Kind::Var => tokens.push(token),
            Kind::Block | Kind::Comment => return (tokens, Some(token)),
        }
    }
    (tokens, None)
}
