//! Tags without a body that print something.

use super::made::check;
use crate::diag::Error;
use crate::parser::{Parser, TagToken};
use crate::registry::Signature;
use crate::split::Bit;
use crate::tree::Uses;
use crate::unit::{Op, Read};

/// Returns the bits before `as name`, and the name.
pub(super) fn split_as<'b, 's>(bits: &'b [Bit<'s>]) -> (&'b [Bit<'s>], Option<&'b Bit<'s>>) {
    match bits {
        [rest @ .., word, name] if *word == "as" => (rest, Some(name)),
        _ => (bits, None),
    }
}

pub(super) fn url<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let Some(view) = bits.get(1) else { return Err(tag.error("'url' takes at least one argument, a URL pattern name.")) };
    parser.argument(view, Uses::ARG)?;
    let (arguments, name) = split_as(bits.get(2..).unwrap_or(&[]));
    for bit in arguments {
        parser.argument(&bit.keyword().1, Uses::ARG)?;
    }
    if let Some(name) = name {
        parser.assign(&name.text);
    }
    Ok(())
}

pub(super) fn static_<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let Some(path) = bits.get(1) else { return Err(tag.error("'static' takes at least one argument (path to file)")) };
    parser.argument(path, Uses::ARG)?;
    if bits.len() >= 4 && bits.get(bits.len() - 2).is_some_and(|word| *word == "as") {
        parser.assign(&bits[3].text);
    }
    Ok(())
}

/// `{% get_static_prefix %}` and `{% get_media_prefix %}`.
pub(super) fn prefix<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let words = tag.words();
    match words.as_slice() {
        [_] => {}
        [_, word, name, ..] if *word == "as" => parser.assign(&name.text),
        _ => return Err(tag.error(format!("First argument in '{}' must be 'as'", tag.command))),
    }
    Ok(())
}

pub(super) fn widthratio<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let name = match bits.as_slice() {
        [_, _, _, _] => None,
        [_, _, _, _, word, name] if *word == "as" => Some(name),
        [_, _, _, _, _, _] => return Err(tag.error("Invalid syntax in widthratio tag. Expecting 'as' keyword")),
        _ => return Err(tag.error("widthratio takes at least three arguments")),
    };
    // Without the argument of a filter nothing more is read; there is no result, nor a name for it.
    let mut maybe = false;
    for bit in bits.iter().skip(1).take(3) {
        let expr = parser.compile(bit)?;
        parser.emit(Op::Read(Read { maybe, lenient: true, ..Read::of(expr, Uses::NUM) }));
        maybe |= parser.unit.exprs.misses(expr, parser.names);
    }
    let Some(name) = name else { return Ok(()) };
    if maybe {
        let name = parser.names.intern(&name.text);
        let assigned = parser.body(vec![Op::Assign(name)]);
        parser.emit(Op::Maybe(assigned));
    } else {
        parser.assign(&name.text);
    }
    Ok(())
}

pub(super) fn now<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    match bits.as_slice() {
        [_, _] => {}
        [_, _, word, name] if *word == "as" => parser.assign(&name.text),
        _ => return Err(tag.error("'now' statement takes one argument")),
    }
    Ok(())
}

pub(super) fn lorem<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let mut bits = tag.bits()?;
    if bits.last().is_some_and(|bit| *bit == "random") {
        bits.pop();
    }
    if bits.last().is_some_and(|bit| ["w", "p", "b"].contains(&&*bit.text)) {
        bits.pop();
    }
    if bits.len() > 1
        && let Some(count) = bits.pop()
    {
        parser.argument(&count, Uses::NUM)?;
    }
    if bits.len() != 1 {
        return Err(tag.error("Incorrect format for 'lorem' tag"));
    }
    Ok(())
}

pub(super) fn templatetag<'a>(_: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    const NAMES: [&str; 8] =
        ["openblock", "closeblock", "openvariable", "closevariable", "openbrace", "closebrace", "opencomment", "closecomment"];
    let words = tag.words();
    let [_, name] = words.as_slice() else { return Err(tag.error("'templatetag' statement takes one argument")) };
    if !NAMES.contains(&&*name.text) {
        let known = NAMES.map(|name| format!("'{name}'")).join(", ");
        return Err(tag.error(format!("Invalid templatetag argument: '{}'. Must be one of: [{known}]", name.text)));
    }
    Ok(())
}

#[allow(clippy::unnecessary_wraps)] // One signature for all tags.
pub(super) fn csrf_token<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let name = parser.names.intern("csrf_token");
    parser.emit(Op::Key { name, uses: Uses::BOOL.and(Uses::OUT), maybe: false, span: tag.span });
    Ok(())
}

pub(super) fn csp_nonce_attr<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let name = parser.names.intern("csp_nonce");
    parser.emit(Op::Key { name, uses: Uses::BOOL.and(Uses::OUT), maybe: false, span: tag.span });
    let media = Signature { params: vec!["media".to_owned()], defaults: 1, ..Signature::default() };
    escaping(parser, tag, &media)
}

/// Arguments are mappings or lists, of which any part may be read; `request` is an attribute of the context, not a name in it.
pub(super) fn querystring<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let signature = if parser.loaded.registry.django >= (6, 0) {
        Signature { varargs: true, varkw: true, ..Signature::default() }
    } else {
        Signature { params: vec!["query_dict".to_owned()], defaults: 1, varkw: true, ..Signature::default() }
    };
    escaping(parser, tag, &signature)
}

/// A tag that hands its arguments to a function, and prints or stores what that returns.
fn escaping<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>, signature: &Signature) -> Result<(), Error> {
    let bits = tag.bits()?;
    let (arguments, name) = split_as(bits.get(1..).unwrap_or(&[]));
    check(tag, arguments, signature)?;
    let label = parser.names.intern(tag.command);
    for bit in arguments {
        let expr = parser.compile(&bit.keyword().1)?;
        parser.emit(Op::Escape { expr, tag: label });
    }
    if let Some(name) = name {
        parser.assign(&name.text);
    }
    Ok(())
}

#[allow(clippy::unnecessary_wraps)] // One signature for all tags.
pub(super) fn debug<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let label = parser.names.intern("debug");
    parser.emit(Op::Context { tag: label, reads: None, writes: false, span: tag.span });
    Ok(())
}
