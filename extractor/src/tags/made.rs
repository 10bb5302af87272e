//! Tags that the decorators of `Library` make: arguments, and perhaps the context, go to a function.

use super::output::split_as;
use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::names::Sym;
use crate::registry::Made;
use crate::unit::{BodyId, Op, Parser, TagToken};

pub(crate) fn open<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>, made: &Made) -> Result<(), Error> {
    let bits = tag.bits()?;
    let all = bits.get(1..).unwrap_or(&[]);
    let (arguments, name) = if made.inclusion { (all, None) } else { split_as(all) };
    let label = parser.names.intern(tag.command);
    for bit in arguments {
        let expr = parser.compile(&bit.keyword().1)?;
        parser.emit(Op::Escape { expr, tag: label });
    }
    if made.takes_context {
        let reads = made.reads.as_ref().map(|reads| reads.iter().map(|read| parser.names.intern(read)).collect());
        parser.emit(Op::Context { tag: label, reads, span: tag.span });
    }
    if made.inclusion {
        parser.emit(Op::Inclusion { tag: label, template: made.template.clone(), span: tag.span });
    }
    let name = name.map(|name| parser.names.intern(&name.text));
    if let Some(end) = &made.end {
        return parser.open(tag, Box::new(MadeBlock { end: end.clone(), name }));
    }
    if let Some(name) = name {
        parser.emit(Op::Assign(name));
    }
    Ok(())
}

struct MadeBlock {
    end: String,
    name: Option<Sym>,
}

impl Section for MadeBlock {
    fn until(&self) -> Until<'_> {
        Until::One(&self.end)
    }

    fn turn(self: Box<Self>, parser: &mut Parser<'_>, _: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        let mut ops = vec![Op::Run(body)];
        ops.extend(self.name.map(Op::Assign));
        let body = parser.body(ops);
        Ok(Turn::Close(Some(Op::Run(body))))
    }
}
