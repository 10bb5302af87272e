//! Bodies that may run, once or more often.

use std::rc::Rc;

use super::{Linker, Run, Then};
use crate::names::Sym;
use crate::resolver::Resolver;
use crate::scope::{Outcome, Value};
use crate::tree::Uses;
use crate::unit::{BodyId, Op, Unit};

/// How often a loop is replayed until its names stand for all that they may.
const ROUNDS: usize = 3;

/// How often all loops together are: nested loops multiply.
const MAX_ROUNDS: usize = 200;

impl<R: Resolver> Linker<'_, R> {
    pub(super) fn run_maybe(&mut self, unit: &Rc<Unit>, file: usize, body: BodyId) {
        self.machine.conditions += 1;
        let mark = self.machine.scope.mark();
        self.runs.push(Run { unit: Rc::clone(unit), file, body, at: 0, then: Then::Maybe { mark } });
    }

    pub(super) fn next_arm(
        &mut self,
        unit: &Rc<Unit>,
        file: usize,
        op: (BodyId, usize),
        arm: usize,
        mark: usize,
        mut outcomes: Vec<Outcome>,
    ) {
        outcomes.push(self.machine.scope.undo(mark));
        let Some(Op::If { arms, otherwise }) = unit.body(op.0).get(op.1) else { return };
        let body = match arms.get(arm) {
            Some((reads, body)) => {
                for read in reads {
                    self.read_as(unit, file, *read);
                }
                Some(*body)
            }
            None if arm == arms.len() => *otherwise,
            None => None,
        };
        let Some(body) = body else {
            self.machine.conditions -= 1;
            self.machine.scope.join(&outcomes, otherwise.is_some());
            return;
        };
        let then = Then::Arm { op, arm, mark, outcomes };
        self.runs.push(Run { unit: Rc::clone(unit), file, body, at: 0, then });
    }

    pub(super) fn start_loop(&mut self, unit: &Rc<Unit>, file: usize, op: &Op, at: (BodyId, usize)) {
        let Op::For { vars, sequence, body, .. } = op else { return };
        let sequence = self.eval(unit, file, *sequence, false);
        self.machine.consume(&sequence, Uses::LEN.and(Uses::ITER), false);
        let element = self.machine.element(&sequence, file);
        let uses = if vars.len() > 1 { Uses::ITER } else { Uses::NONE };
        // The loop reads its elements even if the body reads nothing of them; that is not a read of the local name.
        let locals = self.machine.locals.take();
        self.machine.consume(&element, uses, false);
        self.machine.locals = locals;
        self.machine.scope.push(false);
        let mark = self.machine.scope.mark();
        self.machine.begin_loop(&element);
        self.bind_vars(vars, &element);
        let then = Then::Loop { op: at, element, mark, round: 1 };
        self.runs.push(Run { unit: Rc::clone(unit), file, body: *body, at: 0, then });
    }

    fn bind_vars(&mut self, vars: &[Sym], element: &Value) {
        let forloop = self.machine.known.forloop;
        self.machine.scope.bind(forloop, Value::default());
        if let [var] = vars {
            self.machine.bind_local(*var, element.clone());
            return;
        }
        for (row, var) in vars.iter().enumerate() {
            let item = self.machine.item(element, row);
            self.machine.bind_local(*var, item);
        }
    }

    /// Goes round again as long as what the body bound changes what its names may stand for.
    pub(super) fn next_round(
        &mut self,
        unit: &Rc<Unit>,
        file: usize,
        op: (BodyId, usize),
        element: Value,
        mark: usize,
        round: usize,
    ) {
        let Some(Op::For { vars, body, empty, .. }) = unit.body(op.0).get(op.1) else { return };
        let outcome = self.machine.scope.undo(mark);
        self.machine.scope.join(&[outcome], false);
        let bound_by_loop = |name: &Sym| vars.contains(name);
        let carried = self.machine.scope.grown_since(mark).any(|name| !bound_by_loop(&name));
        if carried && round < ROUNDS && self.rounds < MAX_ROUNDS {
            self.rounds += 1;
            let mark = self.machine.scope.mark();
            self.bind_vars(vars, &element);
            let then = Then::Loop { op, element, mark, round: round + 1 };
            self.runs.push(Run { unit: Rc::clone(unit), file, body: *body, at: 0, then });
            return;
        }
        self.machine.loops.pop();
        if carried {
            let all = self.machine.scope.bound_since(0);
            self.machine.consume(&all, Uses::ESC, true);
        }
        self.machine.scope.pop();
        if let Some(empty) = empty {
            self.machine.scope.push(false);
            self.runs.push(Run { unit: Rc::clone(unit), file, body: *empty, at: usize::MAX, then: Then::Pop });
            self.run_maybe(unit, file, *empty);
        }
    }
}
