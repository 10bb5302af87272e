//! Replays the program of a template, its parents and what it includes, and collects what they read.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diag::{
    Diag, Error, MAX_PATHS, MAX_SEGMENTS, MAX_STEPS, NO_PARTIAL, Span, TOO_LONG_PATH, TOO_MANY_PATHS, TOO_MUCH_WORK,
};
use crate::eval::Machine;
use crate::names::Sym;
use crate::registry::Registry;
use crate::resolver::{Failure, Refusal, Resolver};
use crate::scope::{Outcome, Thing, Value};
use crate::tree::{Place, Uses};
use crate::unit::{BodyId, Op, Unit};

mod branches;
mod files;
mod includes;
mod lineage;
mod notes;
mod reads;

use files::File;
use includes::Active;
use lineage::Chain;
pub(crate) use notes::{ContextRead, Dependency};

/// A body that is being replayed.
struct Run {
    unit: Rc<Unit>,
    file: usize,
    body: BodyId,
    at: usize,
    then: Then,
}

/// What happens after a body.
enum Then {
    Nothing,
    Pop,
    Block { name: Sym, chained: bool },
    Maybe { mark: usize },
    Arm { op: (BodyId, usize), arm: usize, mark: usize, outcomes: Vec<Outcome> },
    Loop { op: (BodyId, usize), element: Value, mark: usize, round: usize },
    Include { chain: usize },
    Partial,
}

pub(crate) struct Linker<'r, R> {
    pub(crate) machine: Machine,
    pub(crate) files: Vec<File>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) context: Vec<ContextRead>,
    pub(crate) diags: Vec<Diag>,
    pub(crate) unknown: Vec<String>,
    pub(crate) libraries: Vec<String>,
    registry: &'r Registry,
    resolver: R,
    resolved: FxHashMap<(String, Vec<usize>), Option<usize>>,
    noted: FxHashSet<(&'static str, usize, usize)>,
    chains: Vec<Chain>,
    chain: usize,
    active: Vec<Active>,
    runs: Vec<Run>,
    steps: usize,
    rounds: usize,
}

enum Trouble<E> {
    Template(usize, Error),
    Resolver(E),
}

type Outcomes<T, E> = Result<T, Trouble<E>>;

impl<'r, R: Resolver> Linker<'r, R> {
    pub(crate) fn new(registry: &'r Registry, resolver: R, locals: bool) -> Self {
        Self {
            machine: Machine::new(locals),
            files: Vec::new(),
            dependencies: Vec::new(),
            context: Vec::new(),
            diags: Vec::new(),
            unknown: Vec::new(),
            libraries: Vec::new(),
            registry,
            resolver,
            resolved: FxHashMap::default(),
            noted: FxHashSet::default(),
            chains: vec![Chain::default()],
            chain: 0,
            active: Vec::new(),
            runs: Vec::new(),
            steps: 0,
            rounds: 0,
        }
    }

    /// Links the template, or one of its partials.
    pub(crate) fn link(&mut self, source: &str, name: Option<&str>, partial: Option<&str>) -> Result<(), Failure<R::Error>> {
        self.add_file(name.map(str::to_owned), name.map(str::to_owned), source.to_owned());
        self.start(partial).and_then(|()| self.replay()).map_err(|trouble| match trouble {
            Trouble::Resolver(error) => Failure::Resolver(error),
            Trouble::Template(file, error) => Failure::Template(Box::new(self.refusal(file, error))),
        })
    }

    fn refusal(&self, file: usize, error: Error) -> Refusal {
        let Some(file) = self.files.get(file) else {
            return Refusal { error, file: None, line: 1, column: 1, length: 0, source_line: String::new() };
        };
        let (line, column, length) = file.lines.position(&file.source, error.span);
        let source_line = file.lines.text(&file.source, line).to_owned();
        Refusal { error, file: file.name.clone(), line, column, length, source_line }
    }

    fn start(&mut self, partial: Option<&str>) -> Outcomes<(), R::Error> {
        match partial {
            None => {
                let lineage = self.lineage(0)?;
                self.enter(lineage, Then::Nothing);
            }
            Some(partial) => {
                let unit = self.unit(0)?;
                let name = self.machine.names.intern(partial);
                let Some(body) = unit.partials.get(&name).copied() else {
                    let message = format!("Partial '{partial}' is not defined in the template.");
                    return Err(Trouble::Template(0, Error::new(NO_PARTIAL, Span::default(), message)));
                };
                self.runs.push(Run { unit, file: 0, body, at: 0, then: Then::Nothing });
            }
        }
        self.active.push(Active { file: 0, partial: None, depth: 0 });
        Ok(())
    }

    fn replay(&mut self) -> Outcomes<(), R::Error> {
        while let Some(run) = self.runs.last_mut() {
            let unit = Rc::clone(&run.unit);
            let (file, body, at) = (run.file, run.body, run.at);
            run.at = run.at.saturating_add(1);
            let Some(op) = unit.body(body).get(at) else {
                if let Some(run) = self.runs.pop() {
                    self.finish(run);
                }
                continue;
            };
            self.step(&unit, file, op, (body, at))?;
            self.check_limits(file)?;
        }
        Ok(())
    }

    fn check_limits(&mut self, file: usize) -> Outcomes<(), R::Error> {
        self.steps += 1;
        let refuse = |file: usize, code, span, message: String| Err(Trouble::Template(file, Error::new(code, span, message)));
        if let Some(place) = self.machine.too_long {
            return refuse(place.file, TOO_LONG_PATH, place.span, format!("a path has more than {MAX_SEGMENTS} steps"));
        }
        if self.machine.tree.reads > MAX_PATHS {
            return refuse(file, TOO_MANY_PATHS, Span::default(), format!("more than {MAX_PATHS} values are read"));
        }
        if self.steps > MAX_STEPS {
            return refuse(file, TOO_MUCH_WORK, Span::default(), "the template renders too many parts".to_owned());
        }
        Ok(())
    }

    fn step(&mut self, unit: &Rc<Unit>, file: usize, op: &Op, at: (BodyId, usize)) -> Outcomes<(), R::Error> {
        match op {
            Op::Read(read) => self.read_as(unit, file, *read),
            Op::Escape { expr, tag } => {
                let value = self.eval(unit, file, *expr, false);
                self.machine.consume(&value, Uses::ESC, false);
                self.machine.label(&value, *tag);
            }
            Op::Super(expr) => self.start_super(unit, *expr),
            Op::With { binds, body } => {
                self.push_scope(unit, file, binds, false);
                self.runs.push(Run { unit: Rc::clone(unit), file, body: *body, at: 0, then: Then::Pop });
            }
            Op::For { .. } => self.start_loop(unit, file, op, at),
            Op::If { arms, otherwise } => {
                if let Some((reads, body)) = arms.first() {
                    for read in reads {
                        self.read_as(unit, file, *read);
                    }
                    self.machine.conditions += 1;
                    let mark = self.machine.scope.mark();
                    let then = Then::Arm {
                        op: at,
                        arm: 0,
                        mark,
                        outcomes: Vec::with_capacity(arms.len() + usize::from(otherwise.is_some())),
                    };
                    self.runs.push(Run { unit: Rc::clone(unit), file, body: *body, at: 0, then });
                }
            }
            Op::Run(body) => self.runs.push(Run { unit: Rc::clone(unit), file, body: *body, at: 0, then: Then::Nothing }),
            Op::Maybe(body) => self.run_maybe(unit, file, *body),
            Op::Assign(name) => self.machine.bind_local(*name, Value::default()),
            Op::Cycle { values, name } => {
                let mut any = Value::default();
                for expr in values {
                    let value = self.eval(unit, file, *expr, false);
                    any = self.machine.either(any, &value);
                }
                self.machine.scope.bind_upward(*name, &any);
            }
            Op::Regroup { target, key, name } => self.regroup(unit, file, *target, *key, *name),
            Op::Block { name, body } => self.start_block(unit, file, *name, *body),
            Op::Include { .. } => self.include(unit, file, op)?,
            Op::Inclusion { tag, template, span } => self.inclusion(*tag, template.as_deref(), Place { file, span: *span })?,
            Op::Partial { name, span } => self.partial(unit, file, *name, *span),
            Op::Key { name, uses, maybe, span } => {
                let value = self.machine.name(*name);
                let place = Place { file, span: *span };
                for thing in &value.things {
                    if let Thing::Node(id) = thing {
                        self.machine.tree.place(*id, place);
                    }
                }
                self.machine.consume(&value, *uses, *maybe);
            }
            Op::Context { tag, reads, span } => self.escape_context(*tag, reads.as_deref(), Place { file, span: *span }),
        }
        Ok(())
    }

    fn finish(&mut self, run: Run) {
        match run.then {
            Then::Nothing => {}
            Then::Pop => self.machine.scope.pop(),
            Then::Block { name, chained } => {
                self.machine.scope.pop();
                if chained && let Some(active) = self.chains.get_mut(self.chain).and_then(|chain| chain.active.get_mut(&name)) {
                    *active = active.saturating_sub(1);
                }
            }
            Then::Maybe { mark } => {
                self.machine.conditions -= 1;
                let outcome = self.machine.scope.undo(mark);
                self.machine.scope.join(&[outcome], false);
            }
            Then::Arm { op, arm, mark, outcomes } => self.next_arm(&run.unit, run.file, op, arm + 1, mark, outcomes),
            Then::Loop { op, element, mark, round } => self.next_round(&run.unit, run.file, op, element, mark, round),
            Then::Include { chain } => {
                self.machine.scope.pop();
                self.chain = chain;
                self.active.pop();
            }
            Then::Partial => {
                self.active.pop();
            }
        }
    }
}
