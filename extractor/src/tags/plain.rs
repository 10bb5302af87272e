//! Tags whose body renders in the scope around them.

use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::parser::{Parser, TagToken};
use crate::split::Bit;
use crate::tree::Uses;
use crate::unit::{BodyId, ExprId, Op, Read};

/// A body up to `end` which always runs, or `maybe` does.
pub(super) struct Body {
    pub(super) end: &'static [&'static str],
    pub(super) maybe: bool,
}

impl Section for Body {
    fn until(&self) -> Until<'_> {
        Until::Fixed(self.end)
    }

    fn turn(self: Box<Self>, _: &mut Parser<'_>, _: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        Ok(Turn::Close(Some(if self.maybe { Op::Maybe(body) } else { Op::Run(body) })))
    }
}

fn run(end: &'static [&'static str]) -> Box<dyn Section> {
    Box::new(Body { end, maybe: false })
}

pub(super) fn autoescape<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    match tag.words().as_slice() {
        [_, setting] if *setting == "on" || *setting == "off" => parser.open(tag, run(&["endautoescape"])),
        [_, _] => Err(tag.error("'autoescape' argument should be 'on' or 'off'")),
        _ => Err(tag.error("'autoescape' tag requires exactly one argument.")),
    }
}

pub(super) fn spaceless<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    parser.open(tag, run(&["endspaceless"]))
}

pub(super) fn verbatim<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    parser.open(tag, run(&["endverbatim"]))
}

/// `{% localize off %}` and `{% localtime on %}`.
pub(super) fn on_off<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    if bits.len() > 2 || bits.get(1).is_some_and(|bit| *bit != "on" && *bit != "off") {
        return Err(tag.error(format!("'{}' argument should be 'on' or 'off'", tag.command)));
    }
    parser.open(tag, run(if tag.command == "localize" { &["endlocalize"] } else { &["endlocaltime"] }))
}

pub(super) fn language<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let [_, code] = bits.as_slice() else { return Err(tag.error("'language' takes one argument (language)")) };
    parser.argument(code, Uses::ARG)?;
    parser.open(tag, run(&["endlanguage"]))
}

pub(super) fn timezone<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let [_, zone] = bits.as_slice() else { return Err(tag.error("'timezone' takes one argument (timezone)")) };
    parser.argument(zone, Uses::ARG)?;
    parser.open(tag, run(&["endtimezone"]))
}

/// The body does not run when its output is in the cache.
pub(super) fn cache<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let [_, expiry, _fragment, vary_on @ ..] = bits.as_slice() else {
        return Err(tag.error("''cache'' tag requires at least 2 arguments."));
    };
    parser.argument(expiry, Uses::ARG)?;
    for bit in vary_on {
        let cut = match bit.text.strip_prefix("using=") {
            Some(rest) if std::ptr::eq(bit, &raw const bits[bits.len() - 1]) => Bit::new(rest, bit.at + 6),
            _ => bit.clone(),
        };
        parser.argument(&cut, Uses::ARG)?;
    }
    parser.open(tag, Box::new(Body { end: &["endcache"], maybe: true }))
}

/// `{% filter upper|default:x %}`: the arguments are read, the input is text.
pub(super) fn filter<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let rest = tag.contents[tag.command.len()..].trim_start_matches(crate::unicode::is_space);
    if rest.is_empty() {
        return Err(tag.error("'filter' tag requires at least one filter"));
    }
    let at = tag.at + tag.contents.len() - rest.len();
    let expr = parser.compile_text(&format!("\"\"|{rest}"), at.wrapping_sub(3))?;
    for name in rest.split('|').map(|call| call.split(':').next().unwrap_or(call)) {
        let name = crate::unicode::strip(name).0;
        if name == "escape" || name == "safe" {
            let gap = if parser.loaded.registry.django >= (6, 0) { " " } else { "  " };
            let message = format!("\"filter {name}\" is not permitted.{gap}Use the \"autoescape\" tag instead.");
            return Err(tag.error(message));
        }
    }
    parser.open(tag, Box::new(Filter { expr }))
}

struct Filter {
    expr: ExprId,
}

impl Section for Filter {
    fn until(&self) -> Until<'_> {
        Until::Fixed(&["endfilter"])
    }

    /// The body renders first: what it assigns is what the arguments read.
    fn turn(self: Box<Self>, parser: &mut Parser<'_>, _: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        let read = Read::of(self.expr, Uses::OUT);
        let body = parser.body(vec![Op::Run(body), Op::Read(read)]);
        Ok(Turn::Close(Some(Op::Run(body))))
    }
}
