//! Reads of expressions, and bindings to them.

use super::Linker;
use crate::names::Sym;
use crate::resolver::Resolver;
use crate::scope::{Thing, Value};
use crate::tree::Uses;
use crate::unit::{ExprId, Read, Unit, Want};

impl<R: Resolver> Linker<'_, R> {
    pub(super) fn eval(&mut self, unit: &Unit, file: usize, expr: ExprId, maybe: bool) -> Value {
        unit.expr(expr).map(|expr| self.machine.eval(expr, file, maybe)).unwrap_or_default()
    }

    pub(super) fn read(&mut self, unit: &Unit, file: usize, expr: ExprId, uses: Uses) {
        self.read_as(unit, file, Read { expr, want: Want::Use(uses), maybe: false });
    }

    pub(super) fn read_as(&mut self, unit: &Unit, file: usize, read: Read) {
        let value = self.eval(unit, file, read.expr, read.maybe);
        match read.want {
            Want::Use(uses) => self.machine.consume(&value, uses, read.maybe),
            Want::Members => {
                self.machine.consume(&value, Uses::CMP.and(Uses::ITER), read.maybe);
                let element = self.machine.element(&value, file);
                self.machine.consume(&element, Uses::CMP, read.maybe);
            }
            Want::Languages => {
                self.machine.consume(&value, Uses::ITER, read.maybe);
                let element = self.machine.element(&value, file);
                self.machine.consume(&element, Uses::ARG, read.maybe);
                let code = self.machine.item(&element, 0);
                self.machine.consume(&code, Uses::ARG.and(Uses::LEN), read.maybe);
            }
        }
    }

    pub(super) fn push_scope(&mut self, unit: &Unit, file: usize, binds: &[(Sym, ExprId)], wall: bool) {
        let values: Vec<(Sym, Value)> = binds.iter().map(|(name, expr)| (*name, self.eval(unit, file, *expr, false))).collect();
        self.machine.scope.push(wall);
        for (name, value) in values {
            self.machine.bind_local(name, value);
        }
    }

    pub(super) fn regroup(&mut self, unit: &Unit, file: usize, target: ExprId, key: ExprId, name: Sym) {
        let target = self.eval(unit, file, target, false);
        self.machine.consume(&target, Uses::ITER, false);
        let element = self.machine.element(&target, file);
        self.machine.scope.push(false);
        self.machine.scope.bind(name, element.clone());
        let key = self.eval(unit, file, key, false);
        self.machine.scope.pop();
        self.machine.consume(&key, Uses::CMP, false);
        let (element, key) = (self.machine.keep(element), self.machine.keep(key));
        self.machine.bind_local(name, Value::of(Thing::Groups { element, key }));
    }
}
