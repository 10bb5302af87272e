//! What tags ask of the parser: to compile their arguments, and to add to the program.

use super::Parser;
use crate::diag::Error;
use crate::names::Sym;
use crate::split::Bit;
use crate::tree::Uses;
use crate::unit::{BodyId, ExprId, Op, Read};

impl Parser<'_> {
    /// Adds an operation to the body that is being read.
    pub(crate) fn emit(&mut self, op: Op) {
        self.unit.pending.push(op);
    }

    /// Adds a read of a value itself.
    pub(crate) fn read(&mut self, expr: ExprId, uses: Uses) {
        self.emit(Op::Read(Read::of(expr, uses)));
    }

    /// Adds a read of an argument; a plain string reads nothing.
    pub(crate) fn argument(&mut self, bit: &Bit<'_>, uses: Uses) -> Result<(), Error> {
        if bit.is_plain_string() {
            return Ok(());
        }
        let expr = self.compile(bit)?;
        self.read(expr, uses);
        Ok(())
    }

    /// Adds a binding of a name to a value of no interest.
    pub(crate) fn assign(&mut self, name: &str) {
        let name = self.names.intern(name);
        self.emit(Op::Assign(name));
    }

    /// Returns a body of these operations.
    pub(crate) fn body(&mut self, ops: impl IntoIterator<Item = Op>) -> BodyId {
        self.unit.add_body(ops)
    }

    /// Returns the expression that a bit is, as `parser.compile_filter`.
    pub(crate) fn compile(&mut self, bit: &Bit<'_>) -> Result<ExprId, Error> {
        self.compile_text(&bit.text, bit.at)
    }

    /// Returns the expression that `text` is.
    pub(crate) fn compile_text(&mut self, text: &str, at: usize) -> Result<ExprId, Error> {
        let before = self.unit.exprs.steps();
        let id = self.unit.exprs.parse(text, at, &self.loaded, self.names)?;
        if self.unit.exprs.has_step(before, self.super_name) && self.unit.exprs.owners_of(id, self.super_name).next().is_some() {
            self.emit(Op::Super(id));
        }
        Ok(id)
    }

    /// Returns the bindings at the front of `bits` and how many bits they take, as `token_kwargs`.
    pub(crate) fn keywords(&mut self, bits: &[Bit<'_>], legacy: bool) -> Result<(Vec<(Sym, ExprId)>, usize), Error> {
        let mut binds: Vec<(Sym, ExprId)> = Vec::new();
        let modern = bits.first().is_some_and(|bit| bit.keyword().0.is_some());
        let mut used = 0;
        if !modern && !legacy {
            return Ok((binds, used));
        }
        while let Some(bit) = bits.get(used) {
            let (name, value, width) = match (bit.keyword(), bits.get(used + 1), bits.get(used + 2)) {
                ((Some(name), value), _, _) if modern => (name, value, 1),
                (_, Some(word), Some(name)) if !modern && *word == "as" => (&*name.text, bit.clone(), 3),
                _ => break,
            };
            let name = self.names.intern(name);
            let value = self.compile(&value)?;
            binds.push((name, value));
            used += width;
            if !modern {
                if bits.get(used).is_none_or(|word| *word != "and") {
                    break;
                }
                used += 1;
            }
        }
        Ok((binds, used))
    }
}
