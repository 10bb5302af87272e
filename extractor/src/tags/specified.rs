//! Tags that a spec describes.

use smallvec::smallvec;

use super::output::split_as;
use super::{Section, Turn, Until, made, unknown};
use crate::diag::Error;
use crate::names::Sym;
use crate::parser::{Parser, TagToken};
use crate::registry::{ArgUse, Assigns, Includes, Renders, Specified};
use crate::split::Bit;
use crate::tree::Uses;
use crate::unit::{BodyId, ExprId, Op};

/// What stands in a tag, once it is known to be as its spec says.
#[derive(Default)]
struct Arguments {
    /// The positional ones; `None` for words.
    values: Vec<Option<ExprId>>,
    used: Vec<(ExprId, Uses)>,
    binds: Vec<(Sym, ExprId)>,
    only: bool,
    name: Option<Sym>,
}

pub(crate) fn open<'a>(parser: &mut Parser<'a>, tag: &TagToken<'a>, spec: &Specified) -> Result<(), Error> {
    let Some(arguments) = read(parser, tag, spec)? else {
        unknown::let_go(parser, tag);
        return open_body(parser, tag, spec, Arguments::default(), false);
    };
    let label = parser.names.intern(tag.command);
    for (expr, uses) in &arguments.used {
        if uses.has(Uses::ESC) {
            parser.emit(Op::Escape { expr: *expr, tag: label });
        } else {
            parser.read(*expr, *uses);
        }
    }
    if spec.writes || spec.reads.as_ref().is_none_or(|reads| !reads.is_empty()) {
        let writes = spec.writes || spec.reads.is_none();
        let reads = spec.reads.as_ref().map(|reads| reads.iter().map(|name| parser.names.intern(name)).collect());
        parser.emit(Op::Context { tag: label, reads, writes, span: tag.span });
    }
    // A name that only the body could see: without it there is none.
    if spec.end.is_some() && (spec.assigns != Some(Assigns::Body) || arguments.name.is_some()) {
        return open_body(parser, tag, spec, arguments, true);
    }
    let hides: Vec<Sym> = spec.binds.iter().map(|name| parser.names.intern(name)).collect();
    let ops = includes(parser, tag, spec, &arguments)?;
    let op = scoped(parser, &hides, Vec::new(), ops);
    parser.emit(op);
    if let Some(name) = arguments.name {
        parser.emit(Op::Assign(name));
    }
    Ok(())
}

/// Returns the arguments, or `None` if the spec does not speak of all that stands in the tag.
fn read(parser: &mut Parser<'_>, tag: &TagToken<'_>, spec: &Specified) -> Result<Option<Arguments>, Error> {
    let bits = tag.bits()?;
    let all = bits.get(1..).unwrap_or(&[]);
    let (bits, name) = if spec.assigns.is_some() { split_as(all) } else { (all, None) };
    if let Some(signature) = &spec.signature {
        made::check(tag, bits, signature)?;
    }
    let mut found = Arguments { name: name.map(|name| parser.names.intern(&name.text)), ..Arguments::default() };
    for bit in bits {
        if spec.words.iter().any(|word| *bit == **word) {
            found.only |= *bit == "only";
            continue;
        }
        let (key, value) = pair(bit);
        let rule = match key {
            Some(key) => spec.kwargs.get(key).or_else(|| spec.kwargs.get("*")),
            None => spec.args.get(found.values.len()).or(spec.rest.as_ref()),
        };
        let expr = match rule {
            Some(ArgUse::Word) => None,
            Some(_) => match parser.compile(&value) {
                Ok(expr) => Some(expr),
                Err(_) => return Ok(None),
            },
            None => return Ok(None),
        };
        match (key, rule, expr) {
            (Some(key), Some(ArgUse::Bind), Some(expr)) => found.binds.push((parser.names.intern(key), expr)),
            (_, Some(ArgUse::Value(uses)), Some(expr)) => found.used.push((expr, *uses)),
            _ => {}
        }
        if key.is_none() {
            found.values.push(expr);
        }
    }
    Ok(Some(found))
}

/// Opens the body, if the tag has one.
fn open_body<'a>(
    parser: &mut Parser<'a>,
    tag: &TagToken<'a>,
    spec: &Specified,
    arguments: Arguments,
    told: bool,
) -> Result<(), Error> {
    let Some(end) = &spec.end else { return Ok(()) };
    let after = if told { includes(parser, tag, spec, &arguments)? } else { Vec::new() };
    let block = SpecifiedBlock::new(parser, spec, end.clone(), arguments, told, after);
    parser.open(tag, Box::new(block))
}

/// Returns key and value of `key=value`, where the key may be that of an HTML attribute, and `+=` adds to it.
fn pair<'b>(bit: &'b Bit<'_>) -> (Option<&'b str>, Bit<'b>) {
    let text: &str = &bit.text;
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() && !key.contains(['"', '\'', '|']) => {
            (Some(key.trim_end_matches('+')), Bit::new(value, bit.at + key.len() + 1))
        }
        _ => (None, Bit::new(text, bit.at)),
    }
}

/// Returns what includes the templates that the tag renders.
fn includes(parser: &mut Parser<'_>, tag: &TagToken<'_>, spec: &Specified, arguments: &Arguments) -> Result<Vec<Op>, Error> {
    let include = |template, name| {
        let binds = arguments.binds.clone();
        Op::Include { template, name, binds, only: arguments.only, span: tag.span }
    };
    match &spec.includes {
        None => Ok(Vec::new()),
        Some(Includes::Argument(row)) => {
            let expr = arguments.values.get(*row).copied().flatten();
            Ok(expr.map(|expr| include(expr, parser.unit.exprs.literal(expr))).into_iter().collect())
        }
        Some(Includes::Names(names)) => {
            let template = parser.compile_text("\"\"", tag.at)?;
            let bodies = names.iter().map(|name| {
                let name = parser.names.intern(name);
                parser.body([include(template, Some(name))])
            });
            Ok(bodies.map(Op::Maybe).collect())
        }
    }
}

/// Returns what does `ops` where some names mean something else.
fn scoped(parser: &mut Parser<'_>, hides: &[Sym], binds: Vec<(Sym, ExprId)>, ops: Vec<Op>) -> Op {
    let plain = hides.is_empty() && binds.is_empty();
    let hidden = hides.iter().map(|name| Op::Assign(*name));
    let body = parser.body(hidden.chain(ops));
    if plain { Op::Run(body) } else { Op::With { binds, body } }
}

/// The bodies of a tag.
struct SpecifiedBlock {
    end: String,
    branches: Vec<String>,
    renders: Renders,
    /// What the first body goes through, and the name of an element.
    each: Option<(ExprId, Sym)>,
    binds: Vec<(Sym, ExprId)>,
    /// Names of no interest that the body sees, and the templates.
    hides: Vec<Sym>,
    assigns: Option<Sym>,
    ops: Vec<Op>,
    includes: Vec<Op>,
    told: bool,
}

impl SpecifiedBlock {
    /// Returns the bodies; a tag that is not `told` of may bind anything, so that nothing it binds is trusted.
    fn new(parser: &mut Parser<'_>, spec: &Specified, end: String, arguments: Arguments, told: bool, includes: Vec<Op>) -> Self {
        let mut hides: Vec<Sym> = spec.binds.iter().filter(|_| told).map(|name| parser.names.intern(name)).collect();
        let first = arguments.values.first().copied().flatten();
        let each = match (spec.body, first, hides.is_empty()) {
            (Renders::Each, Some(sequence), false) => Some((sequence, hides.remove(0))),
            _ => None,
        };
        let mut assigns = arguments.name;
        if spec.assigns == Some(Assigns::Body) {
            hides.extend(assigns.take());
        }
        Self {
            end,
            branches: spec.branches.clone(),
            renders: if told { spec.body } else { Renders::Maybe },
            each,
            binds: arguments.binds,
            hides,
            assigns,
            ops: Vec::new(),
            includes,
            told,
        }
    }

    /// Adds a body; only the first one sees names of its own.
    fn add(&mut self, parser: &mut Parser<'_>, body: BodyId) {
        let ops = vec![Op::Run(body)];
        let mut op = match (self.ops.is_empty(), self.each.take()) {
            (true, Some((sequence, var))) => {
                let inner = self.hides.iter().map(|name| Op::Assign(*name)).chain(ops).collect::<Vec<_>>();
                Op::For { vars: smallvec![var], sequence, body: parser.body(inner), empty: None }
            }
            (true, None) => scoped(parser, &self.hides, self.binds.clone(), ops),
            (false, _) => Op::Run(body),
        };
        if self.renders == Renders::Maybe || !self.branches.is_empty() {
            op = Op::Maybe(parser.body(vec![op]));
        }
        self.ops.push(op);
    }
}

impl Section for SpecifiedBlock {
    fn until(&self) -> Until<'_> {
        Until::One(&self.end)
    }

    fn ends(&self, command: &str, _: usize) -> bool {
        command == self.end || self.branches.iter().any(|branch| branch == command)
    }

    fn turn(mut self: Box<Self>, parser: &mut Parser<'_>, tag: &TagToken<'_>, body: BodyId) -> Result<Turn, Error> {
        self.add(parser, body);
        if tag.command != self.end {
            return Ok(Turn::Next(self));
        }
        let mut ops = std::mem::take(&mut self.ops);
        let includes = std::mem::take(&mut self.includes);
        ops.push(scoped(parser, &self.hides, Vec::new(), includes));
        ops.extend(self.assigns.map(Op::Assign));
        let body = parser.body(ops);
        Ok(Turn::Close(Some(if self.told { Op::Run(body) } else { Op::Again(body) })))
    }
}
