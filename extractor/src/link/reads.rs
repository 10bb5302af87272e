//! Reads of expressions, and bindings to them.

use super::Linker;
use super::files::Code;
use crate::names::Sym;
use crate::resolver::Resolver;
use crate::tree::Uses;
use crate::unit::{ExprId, Read, Want};
use crate::value::{Thing, Value};

impl<R: Resolver> Linker<'_, R> {
    pub(super) fn eval(&mut self, code: &Code, expr: ExprId, maybe: bool) -> Value {
        self.eval_as(code, Read { maybe, ..Read::of(expr, Uses::NONE) })
    }

    fn eval_as(&mut self, code: &Code, read: Read) -> Value {
        let exprs = &code.unit.exprs;
        let expr = exprs.get(read.expr);
        expr.map(|expr| self.machine.eval(exprs, expr, code.file, read.maybe, read.lenient)).unwrap_or_default()
    }

    pub(super) fn read(&mut self, code: &Code, expr: ExprId, uses: Uses) {
        self.read_as(code, Read::of(expr, uses));
    }

    pub(super) fn read_as(&mut self, code: &Code, read: Read) {
        let value = self.eval_as(code, read);
        match read.want {
            Want::Use(uses) => self.machine.consume(&value, uses, read.maybe),
            Want::Members => {
                self.machine.consume(&value, Uses::CMP.and(Uses::ITER), read.maybe);
                let element = self.machine.element(&value, code.file);
                self.machine.consume(&element, Uses::CMP, read.maybe);
            }
            Want::Languages => {
                self.machine.consume(&value, Uses::ITER, read.maybe);
                let element = self.machine.element(&value, code.file);
                self.machine.consume(&element, Uses::ARG, read.maybe);
                let code = self.machine.item(&element, 0);
                self.machine.consume(&code, Uses::ARG.and(Uses::LEN), read.maybe);
            }
        }
    }

    /// Hands an expression to unknown code.
    pub(super) fn escape(&mut self, code: &Code, expr: ExprId, tag: Sym) {
        let value = self.eval(code, expr, false);
        self.machine.consume(&value, Uses::ESC, false);
        self.machine.label(&value, tag);
    }

    pub(super) fn cycle(&mut self, code: &Code, values: &[ExprId], name: Sym) {
        let mut any = Value::default();
        for expr in values {
            let value = self.eval(code, *expr, false);
            any = self.machine.either(any, &value);
        }
        self.machine.scope.bind_upward(name, &any);
    }

    /// Returns what a name is bound to: a literal may be the name of a template.
    fn bound(&mut self, code: &Code, expr: ExprId) -> Value {
        match code.unit.exprs.literal(expr) {
            Some(text) => Value::of(Thing::Text(text)),
            None => self.eval(code, expr, false),
        }
    }

    pub(super) fn push_scope(&mut self, code: &Code, binds: &[(Sym, ExprId)], wall: bool) {
        let values: Vec<(Sym, Value)> = binds.iter().map(|(name, expr)| (*name, self.bound(code, *expr))).collect();
        // Django looks the values up even if nothing reads the names; what only that does is not sure to be wanted.
        let locals = self.machine.locals.take();
        for (_, value) in &values {
            self.machine.consume(value, Uses::NONE, true);
        }
        self.machine.locals = locals;
        self.machine.scope.push(wall);
        for (name, value) in values {
            self.machine.bind_local(name, value);
        }
    }

    pub(super) fn regroup(&mut self, code: &Code, target: ExprId, key: ExprId, name: Sym) {
        let target = self.eval(code, target, false);
        self.machine.consume(&target, Uses::ITER, false);
        let element = self.machine.element(&target, code.file);
        self.machine.scope.push(false);
        self.machine.scope.bind(name, element.clone());
        let key = self.eval(code, key, false);
        self.machine.scope.pop();
        self.machine.consume(&key, Uses::CMP, false);
        let (element, key) = (self.machine.keep(element), self.machine.keep(key));
        self.machine.bind_local(name, Value::of(Thing::Groups { element, key }));
    }
}
