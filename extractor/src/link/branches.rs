//! Bodies that may run, once or more often.

use smallvec::SmallVec;

use super::files::Code;
use super::{Linker, Then};
use crate::names::Sym;
use crate::resolver::Resolver;
use crate::scope::Outcome;
use crate::tree::Uses;
use crate::unit::{BodyId, Op, Reads};
use crate::value::Value;

/// How often a loop is replayed until its names stand for all that they may.
const ROUNDS: usize = 3;
/// How often all loops together are: nested loops multiply.
const MAX_ROUNDS: usize = 200;

/// Where an operation is: its body and its row.
pub(super) type At = (BodyId, usize);

/// An arm of an `if` that is being replayed.
pub(super) struct Arm {
    op: At,
    row: usize,
    mark: usize,
    outcomes: SmallVec<[Outcome; 2]>,
}

/// A round of a loop that is being replayed.
pub(super) struct Round {
    op: At,
    element: Value,
    mark: usize,
    number: usize,
}

/// A body that is being replayed, and may run again.
#[derive(Clone, Copy)]
pub(super) struct Again {
    body: BodyId,
    mark: usize,
    number: usize,
}

impl<R: Resolver> Linker<'_, R> {
    pub(super) fn run_maybe(&mut self, code: &Code, body: BodyId) {
        self.machine.conditions += 1;
        let mark = self.machine.scope.mark();
        self.run(code, body, Then::Maybe { mark });
    }

    pub(super) fn end_maybe(&mut self, mark: usize) {
        self.machine.conditions -= 1;
        let outcome = self.machine.scope.undo(mark);
        self.machine.scope.join(&[outcome], false);
    }

    pub(super) fn start_again(&mut self, code: &Code, body: BodyId) {
        self.machine.conditions += 1;
        let mark = self.machine.scope.mark();
        self.run(code, body, Then::Again(Again { body, mark, number: 1 }));
    }

    /// Goes round again as `next_round` does.
    pub(super) fn next_again(&mut self, code: &Code, again: Again) {
        let outcome = self.machine.scope.undo(again.mark);
        self.machine.scope.join(&[outcome], false);
        let carried = self.machine.scope.grown_since(again.mark).next().is_some();
        if carried && again.number < ROUNDS && self.rounds < MAX_ROUNDS {
            self.rounds += 1;
            let mark = self.machine.scope.mark();
            self.run(code, again.body, Then::Again(Again { mark, number: again.number + 1, ..again }));
            return;
        }
        self.machine.conditions -= 1;
        if carried {
            self.let_go_of_names();
        }
    }

    /// Lets go of what names stand for, where they might stand for still more.
    fn let_go_of_names(&mut self) {
        let all = self.machine.scope.bound_since(0);
        self.machine.consume(&all, Uses::ESC, true);
    }

    pub(super) fn start_if(&mut self, code: &Code, op: At, arms: &[(Reads, BodyId)]) {
        let Some((reads, body)) = arms.first() else { return };
        for read in reads {
            self.read_as(code, *read);
        }
        self.machine.conditions += 1;
        let mark = self.machine.scope.mark();
        let outcomes = SmallVec::new();
        self.run(code, *body, Then::Arm(Arm { op, row: 0, mark, outcomes }));
    }

    pub(super) fn next_arm(&mut self, code: &Code, mut arm: Arm) {
        arm.outcomes.push(self.machine.scope.undo(arm.mark));
        arm.row += 1;
        let Some(Op::If { arms, otherwise }) = code.unit.op(arm.op) else { return };
        let body = match arms.get(arm.row) {
            Some((reads, body)) => {
                for read in reads {
                    self.read_as(code, *read);
                }
                Some(*body)
            }
            None if arm.row == arms.len() => *otherwise,
            None => None,
        };
        if let Some(body) = body {
            self.run(code, body, Then::Arm(arm));
        } else {
            self.machine.conditions -= 1;
            self.machine.scope.join(&arm.outcomes, otherwise.is_some());
        }
    }

    pub(super) fn start_loop(&mut self, code: &Code, op: At) {
        let Some(Op::For { vars, sequence, body, .. }) = code.unit.op(op) else { return };
        let sequence = self.eval(code, *sequence, false);
        self.machine.consume(&sequence, Uses::LEN.and(Uses::ITER), false);
        let element = self.machine.element(&sequence, code.file);
        let uses = if vars.len() > 1 { Uses::ITER } else { Uses::NONE };
        // The loop reads its elements even if the body reads nothing of them; that is not a read of the local name.
        let locals = self.machine.locals.take();
        self.machine.consume(&element, uses, false);
        self.machine.locals = locals;
        self.machine.scope.push(false);
        self.machine.begin_loop(&element);
        self.start_round(code, *body, vars, Round { op, element, mark: 0, number: 1 });
    }

    fn start_round(&mut self, code: &Code, body: BodyId, vars: &[Sym], round: Round) {
        self.bind_vars(vars, &round.element);
        let mark = self.machine.scope.mark();
        self.run(code, body, Then::Round(Round { mark, ..round }));
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
    pub(super) fn next_round(&mut self, code: &Code, round: Round) {
        let Some(Op::For { vars, body, empty, .. }) = code.unit.op(round.op) else { return };
        let outcome = self.machine.scope.undo(round.mark);
        self.machine.scope.join(&[outcome], false);
        let carried = self.machine.scope.grown_since(round.mark).any(|name| !vars.contains(&name));
        if carried && round.number < ROUNDS && self.rounds < MAX_ROUNDS {
            self.rounds += 1;
            let number = round.number + 1;
            self.start_round(code, *body, vars, Round { number, ..round });
            return;
        }
        self.machine.loops.pop();
        if carried {
            self.let_go_of_names();
        }
        self.machine.scope.pop();
        if let Some(empty) = empty {
            self.machine.scope.push(false);
            self.run_after(code, *empty, Then::Pop);
            self.run_maybe(code, *empty);
        }
    }
}
