//! Replays the program of a template, its parents and what it includes, and collects what they read.

use std::rc::Rc;

use smallvec::{SmallVec, smallvec};

use crate::diag::{Diag, Error, NO_PARTIAL, Span, TOO_LONG_PATH, TOO_MANY_PATHS, TOO_MUCH_WORK};
use crate::eval::Machine;
use crate::limits::{Limits, MAX_SEGMENTS, MAX_STEPS};
use crate::lines::Lines;
use crate::locals::Locals;
use crate::names::Sym;
use crate::registry::Registry;
use crate::resolver::{Failure, Refusal, Resolver};
use crate::room::Room;
use crate::unit::{BodyId, Op, Unit};
use crate::value::Value;

mod branches;
mod dynamic;
mod files;
mod includes;
mod lineage;
mod notes;
mod reads;

use branches::{Again, Arm, At, Round};
use files::Code;
pub(crate) use files::File;
use includes::{Active, Choices};
use lineage::Chain;
pub(crate) use notes::{ContextRead, Dependency, Seen};

/// A body that is being replayed.
pub(crate) struct Run {
    code: Code,
    body: BodyId,
    row: usize,
    then: Then,
}

/// What happens after a body.
enum Then {
    Nothing,
    Pop,
    Block { name: Sym, chained: bool },
    Maybe { mark: usize },
    Again(Again),
    Arm(Arm),
    Round(Round),
    Include(Choices),
    Partial,
}

pub(crate) struct Linker<'r, R> {
    pub(crate) machine: Box<Machine>,
    pub(crate) files: SmallVec<[File<'r>; 1]>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) context: Vec<ContextRead>,
    /// The tags whose code may set names in the context.
    pub(crate) takers: Vec<Sym>,
    pub(crate) diags: Vec<Diag>,
    pub(crate) unknown: SmallVec<[Sym; 4]>,
    pub(crate) libraries: SmallVec<[Sym; 4]>,
    registry: &'r Registry,
    limits: Limits,
    resolver: R,
    seen: Seen,
    chains: SmallVec<[Chain; 2]>,
    chain: usize,
    active: SmallVec<[Active; 2]>,
    runs: Vec<Run>,
    /// Empty programs.
    units: Vec<Rc<Unit>>,
    steps: usize,
    rounds: usize,
}

enum Trouble<E> {
    Template(usize, Error),
    Resolver(E),
}

type Outcomes<T, E> = Result<T, Trouble<E>>;

impl<'r, R: Resolver> Linker<'r, R> {
    pub(crate) fn new(registry: &'r Registry, resolver: R, locals: bool, limits: Limits, room: &mut Room) -> Self {
        let mut machine = room.machine.take().unwrap_or_default();
        machine.locals = locals.then(Locals::default);
        Self {
            machine,
            files: SmallVec::new(),
            dependencies: Vec::new(),
            context: Vec::new(),
            takers: Vec::new(),
            diags: Vec::new(),
            unknown: SmallVec::new(),
            libraries: SmallVec::new(),
            registry,
            limits,
            resolver,
            seen: std::mem::take(&mut room.seen),
            chains: smallvec![Chain::default()],
            chain: 0,
            active: SmallVec::new(),
            runs: std::mem::take(&mut room.runs),
            units: std::mem::take(&mut room.units),
            steps: 0,
            rounds: 0,
        }
    }

    /// Gives back what it worked with.
    pub(crate) fn leave(self, room: &mut Room) {
        let Self { machine, files, chains, mut runs, units, mut seen, .. } = self;
        // They hold programs, too.
        drop(chains);
        runs.clear();
        seen.clear();
        (room.runs, room.units, room.seen) = (runs, units, seen);
        room.put(machine, files.into_iter().filter_map(|file| file.unit));
    }

    /// Links the template, or one of its partials.
    pub(crate) fn link(&mut self, source: &'r str, name: Option<&str>, partial: Option<&str>) -> Result<(), Failure<R::Error>> {
        self.add_file(name.map(str::to_owned), name.map(str::to_owned), source.into());
        self.start(partial).and_then(|()| self.replay()).map_err(|trouble| match trouble {
            Trouble::Resolver(error) => Failure::Resolver(error),
            Trouble::Template(file, error) => Failure::Template(Box::new(self.refusal(file, error))),
        })
    }

    fn refusal(&self, file: usize, error: Error) -> Refusal {
        let Some(file) = self.files.get(file) else {
            return Refusal { error, file: None, line: 1, column: 1, length: 0, source_line: String::new() };
        };
        let (line, column, length) = file.position(error.span);
        let source_line = Lines::text(&file.source, error.span.start).to_owned();
        Refusal { error, file: file.name.clone(), line, column, length, source_line }
    }

    fn start(&mut self, partial: Option<&str>) -> Outcomes<(), R::Error> {
        match partial {
            None => {
                let lineage = self.lineage(0)?;
                self.enter(lineage, Then::Nothing);
            }
            Some(partial) => {
                let code = self.code(0)?;
                let name = self.machine.names.intern(partial);
                let Some(body) = code.unit.partials.get(&name).copied() else {
                    let message = format!("Partial '{partial}' is not defined in the template.");
                    let error = Error::new(NO_PARTIAL, Span::default(), message);
                    return Err(Trouble::Template(0, self.near_partial(&code, partial, error)));
                };
                self.run(&code, body, Then::Nothing);
            }
        }
        self.active.push(Active { file: 0, partial: None, depth: 0 });
        Ok(())
    }

    /// Starts a body.
    fn run(&mut self, code: &Code, body: BodyId, then: Then) {
        self.runs.push(Run { code: code.clone(), body, row: 0, then });
    }

    /// Does `then` once the bodies that are started next are done.
    fn run_after(&mut self, code: &Code, body: BodyId, then: Then) {
        self.runs.push(Run { code: code.clone(), body, row: usize::MAX, then });
    }

    fn replay(&mut self) -> Outcomes<(), R::Error> {
        while let Some(run) = self.runs.last_mut() {
            let (code, at) = (run.code.clone(), (run.body, run.row));
            run.row = run.row.saturating_add(1);
            match code.unit.op(at) {
                Some(op) => {
                    self.step(&code, op, at)?;
                    self.check_limits(code.file)?;
                }
                None => self.finish()?,
            }
        }
        Ok(())
    }

    fn check_limits(&mut self, file: usize) -> Outcomes<(), R::Error> {
        self.steps += 1;
        let refuse = |file: usize, code, span, message: String| Err(Trouble::Template(file, Error::new(code, span, message)));
        if let Some(place) = self.machine.too_long {
            return refuse(place.file, TOO_LONG_PATH, place.span, format!("a path has more than {MAX_SEGMENTS} steps"));
        }
        if self.machine.tree.reads > self.limits.paths {
            let message = format!("more than {} values are read", self.limits.paths);
            let (file, span) = self.here().unwrap_or((file, Span::default()));
            return refuse(file, TOO_MANY_PATHS, span, message);
        }
        if self.steps > MAX_STEPS {
            let (file, span) = self.here().unwrap_or((file, Span::default()));
            return refuse(file, TOO_MUCH_WORK, span, "the template renders too many parts".to_owned());
        }
        Ok(())
    }

    /// Returns the place of the innermost operation that is being replayed, and says where it stands.
    fn here(&self) -> Option<(usize, Span)> {
        self.runs.iter().rev().find_map(|Run { code, body, row, .. }| {
            let op = code.unit.op((*body, row.checked_sub(1)?))?;
            Some((code.file, code.unit.span(op)?))
        })
    }

    fn step(&mut self, code: &Code, op: &Op, at: At) -> Outcomes<(), R::Error> {
        match op {
            Op::Read(read) => self.read_as(code, *read),
            Op::Escape { expr, tag } => self.escape(code, *expr, *tag),
            Op::Super(expr) => self.start_super(code, *expr),
            Op::With { binds, body } => {
                self.push_scope(code, binds, false);
                self.run(code, *body, Then::Pop);
            }
            Op::For { .. } => self.start_loop(code, at),
            Op::If { arms, .. } => self.start_if(code, at, arms),
            Op::Run(body) => self.run(code, *body, Then::Nothing),
            Op::Maybe(body) => self.run_maybe(code, *body),
            Op::Again(body) => self.start_again(code, *body),
            Op::Assign(name) => self.machine.bind_local(*name, Value::default()),
            Op::Cycle { values, name } => self.cycle(code, values, *name),
            Op::Regroup { target, key, name } => self.regroup(code, *target, *key, *name),
            Op::Block { name, body } => self.start_block(code, *name, *body),
            Op::Include { .. } => self.include(code, at)?,
            Op::Inclusion { tag, template, span } => self.inclusion(*tag, template.as_ref(), code.place(*span))?,
            Op::Partial { name, span } => self.partial(code, *name, *span),
            Op::Key { name, uses, maybe, span } => self.machine.read_key(*name, *uses, *maybe, code.place(*span)),
            Op::Context { tag, reads, writes, span } => {
                if *writes && !self.takers.contains(tag) {
                    self.takers.push(*tag);
                }
                self.escape_context(*tag, reads.as_deref(), code.place(*span));
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Outcomes<(), R::Error> {
        let Some(Run { code, then, .. }) = self.runs.pop() else { return Ok(()) };
        match then {
            Then::Nothing => {}
            Then::Pop => self.machine.scope.pop(),
            Then::Block { name, chained } => self.end_block(name, chained),
            Then::Maybe { mark } => self.end_maybe(mark),
            Then::Again(again) => self.next_again(&code, again),
            Then::Arm(arm) => self.next_arm(&code, arm),
            Then::Round(round) => self.next_round(&code, round),
            Then::Include(choices) => self.end_include(choices)?,
            Then::Partial => {
                self.active.pop();
            }
        }
        Ok(())
    }
}
