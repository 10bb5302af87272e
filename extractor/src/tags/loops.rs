//! `{% for %}`, `{% cycle %}` and `{% resetcycle %}`.

use smallvec::SmallVec;

use super::{Section, Turn, Until};
use crate::diag::Error;
use crate::names::Sym;
use crate::parser::{Parser, TagToken};
use crate::tree::Uses;
use crate::unit::{BodyId, ExprId, Op, Read};

struct For {
    vars: SmallVec<[Sym; 2]>,
    sequence: ExprId,
    body: Option<BodyId>,
}

pub(super) fn for_<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    if bits.len() < 4 {
        return Err(tag.error(format!("'for' statements should have at least four words: {}", tag.contents)));
    }
    let reversed = bits.last().is_some_and(|bit| *bit == "reversed");
    let in_index = bits.len() - if reversed { 3 } else { 2 };
    let (Some(word), Some(sequence)) = (bits.get(in_index), bits.get(in_index + 1)) else {
        return Err(tag.error("'for' statements should use the format 'for x in y'"));
    };
    if *word != "in" {
        let message = format!("'for' statements should use the format 'for x in y': {}", tag.contents);
        return Err(tag.error(message));
    }
    let joined = match bits.get(1..in_index) {
        Some([only]) => only.text.clone(),
        several => several.unwrap_or(&[]).iter().map(|bit| &*bit.text).collect::<Vec<_>>().join(" ").into(),
    };
    let mut vars = SmallVec::new();
    for var in joined.split(',') {
        let var = var.trim_matches(' ');
        if var.is_empty() || var.contains([' ', '"', '\'', '|']) {
            return Err(tag.error(format!("'for' tag received an invalid argument: {}", tag.contents)));
        }
        vars.push(parser.names.intern(var));
    }
    let sequence = parser.compile(sequence)?;
    parser.open(tag, Box::new(For { vars, sequence, body: None }))
}

impl Section for For {
    fn until(&self) -> Until<'_> {
        Until::Fixed(if self.body.is_none() { &["empty", "endfor"] } else { &["endfor"] })
    }

    fn turn(mut self: Box<Self>, _: &mut Parser<'_>, tag: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        match self.body {
            None if tag.contents == "empty" => {
                self.body = Some(body);
                Ok(Turn::Next(self))
            }
            // Whatever else starts with the word "empty" ends the loop without its end tag.
            None => Ok(Turn::Close(Some(Op::For { vars: self.vars, sequence: self.sequence, body, empty: None }))),
            Some(first) => {
                let empty = Some(body);
                Ok(Turn::Close(Some(Op::For { vars: self.vars, sequence: self.sequence, body: first, empty })))
            }
        }
    }
}

pub(super) fn cycle<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    let bits = tag.bits()?;
    let args = bits.get(1..).unwrap_or(&[]);
    let (values, name, silent) = match args {
        [] => return Err(tag.error("'cycle' tag requires at least two arguments")),
        [name] => return again(parser, tag, &name.text),
        [_, .., word, _, last] if args.len() > 3 && *word == "as" => {
            if *last != "silent" {
                let message = format!("Only 'silent' flag is allowed after cycle's name, not '{}'.", last.text);
                return Err(tag.error(message));
            }
            (&args[..args.len() - 3], args.get(args.len() - 2), true)
        }
        [_, .., word, _] if args.len() > 3 && *word == "as" => (&args[..args.len() - 2], args.last(), false),
        _ => (args, None, false),
    };
    let mut exprs = Vec::with_capacity(values.len());
    for value in values {
        let expr = parser.compile(value)?;
        if !silent {
            // Which value it is after the first round is not known.
            parser.emit(Op::Read(Read { maybe: !exprs.is_empty(), ..Read::of(expr, Uses::OUT) }));
        }
        exprs.push(expr);
    }
    parser.any_cycle = true;
    if let Some(name) = name {
        let name = parser.names.intern(&name.text);
        parser.named_cycles.insert(name, (exprs.clone(), silent));
        parser.emit(Op::Cycle { values: exprs, name });
    }
    Ok(())
}

/// `{% cycle name %}`: the same node once more.
fn again(parser: &mut Parser<'_>, tag: &TagToken<'_>, word: &str) -> Result<(), Error> {
    let name = parser.names.intern(word);
    let Some((values, silent)) = parser.named_cycles.get(&name).cloned() else {
        let message = if parser.named_cycles.is_empty() {
            format!("No named cycles in template. '{word}' is not defined")
        } else {
            format!("Named cycle '{word}' does not exist")
        };
        return Err(tag.error(message));
    };
    if !silent {
        for expr in &values {
            parser.emit(Op::Read(Read { maybe: true, ..Read::of(*expr, Uses::OUT) }));
        }
    }
    parser.emit(Op::Cycle { values, name });
    Ok(())
}

pub(super) fn resetcycle<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>) -> Result<(), Error> {
    match tag.bits()?.as_slice() {
        [_] if parser.any_cycle => Ok(()),
        [_] => Err(tag.error("No cycles in template.")),
        [_, name] => {
            let known = parser.names.intern(&name.text);
            if parser.named_cycles.contains_key(&known) {
                return Ok(());
            }
            Err(tag.error(format!("Named cycle '{}' does not exist.", name.text)))
        }
        _ => Err(tag.error("'resetcycle' tag accepts at most one argument.")),
    }
}
