//! Tags that the decorators of `Library` make: arguments, and perhaps the context, go to a function.

use rustc_hash::FxHashSet;

use super::output::split_as;
use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::names::Sym;
use crate::parser::{Parser, TagToken};
use crate::registry::{Made, Signature};
use crate::split::Bit;
use crate::unit::{BodyId, Op};

pub(crate) fn open<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>, made: &Made) -> Result<(), Error> {
    let bits = tag.bits()?;
    let all = bits.get(1..).unwrap_or(&[]);
    let (arguments, name) = if made.inclusion { (all, None) } else { split_as(all) };
    if let Some(signature) = &made.signature {
        check(tag, arguments, signature)?;
    }
    let label = parser.names.intern(tag.command);
    for bit in arguments {
        let expr = parser.compile(&bit.keyword().1)?;
        parser.emit(Op::Escape { expr, tag: label });
    }
    if made.takes_context {
        let reads = made.reads.as_ref().map(|reads| reads.iter().map(|read| parser.names.intern(read)).collect());
        parser.emit(Op::Context { tag: label, reads, writes: made.writes, span: tag.span });
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

/// Refuses arguments that the function does not take, as `parse_bits` does.
pub(super) fn check(tag: &TagToken<'_>, bits: &[Bit<'_>], signature: &Signature) -> Result<(), Error> {
    let name = tag.command;
    let mut missing: Vec<&str> = signature.params.iter().map(String::as_str).collect();
    let mut required: Vec<&str> = signature.required.iter().map(String::as_str).collect();
    let mut given: FxHashSet<String> = FxHashSet::default();
    for bit in bits {
        let (Some(key), _) = bit.keyword() else {
            if !given.is_empty() {
                let message = format!("'{name}' received some positional argument(s) after some keyword argument(s)");
                return Err(tag.error(message));
            }
            if missing.is_empty() && !signature.varargs {
                return Err(tag.error(format!("'{name}' received too many positional arguments")));
            }
            missing.drain(..missing.len().min(1));
            continue;
        };
        let known = signature.varkw || signature.params.iter().chain(&signature.kwonly).any(|param| param == key);
        if !known {
            return Err(tag.error(format!("'{name}' received unexpected keyword argument '{key}'")));
        }
        if !given.insert(key.to_owned()) {
            return Err(tag.error(format!("'{name}' received multiple values for keyword argument '{key}'")));
        }
        missing.retain(|param| *param != key);
        required.retain(|param| *param != key);
    }
    missing.truncate(missing.len().saturating_sub(signature.defaults));
    missing.extend(required);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.iter().map(|param| format!("'{param}'")).collect::<Vec<_>>().join(", ");
    Err(tag.error(format!("'{name}' did not receive value(s) for the argument(s): {list}")))
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
