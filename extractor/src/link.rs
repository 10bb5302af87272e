//! Replays the program of a template, its parents and what it includes, and collects what they read.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::xxh3_128;

use crate::diag::{
    BROKEN, DYNAMIC, Diag, Error, Lines, MAX_INCLUDES, MAX_PATHS, MAX_SEGMENTS, MAX_STEPS, MISSING, NO_PARTIAL, RECURSIVE, Span,
};
use crate::diag::{TOO_LONG_PATH, TOO_MANY_INCLUDES, TOO_MANY_PATHS, TOO_MUCH_WORK};
use crate::eval::Machine;
use crate::names::Sym;
use crate::parser;
use crate::registry::Registry;
use crate::scope::{Outcome, Thing, Value};
use crate::tree::{Place, Uses};
use crate::unit::{BodyId, ExprId, Op, Read, Unit, Want};

/// How often a loop is replayed until its names stand for all that they may.
const ROUNDS: usize = 3;
/// How often all loops together are: nested loops multiply.
const MAX_ROUNDS: usize = 200;

/// Finds the sources that a template names.
pub trait Resolver {
    /// What goes wrong when it fails for reasons of its own.
    type Error;

    /// Returns the display name and source of template `name`, or `None` if there is none.
    ///
    /// Files whose numbers are in `skip` do not count: a template may extend one of its own name from a later loader.
    ///
    /// # Errors
    /// Whatever the resolver says; the extraction ends with it.
    fn resolve(&mut self, name: &str, skip: &[usize]) -> Result<Option<(String, String)>, Self::Error>;
}

/// A resolver that finds nothing.
pub struct Alone;

impl Resolver for Alone {
    type Error = std::convert::Infallible;

    fn resolve(&mut self, _: &str, _: &[usize]) -> Result<Option<(String, String)>, Self::Error> {
        Ok(None)
    }
}

/// Why there is no tree.
#[derive(Debug)]
pub enum Failure<E> {
    /// The template is malformed or beyond our limits.
    Template(Box<Refusal>),
    /// The resolver failed.
    Resolver(E),
}

/// An error and the place where a reader finds it.
#[derive(Debug)]
pub struct Refusal {
    /// What is wrong.
    pub error: Error,
    /// The template's name.
    pub file: Option<String>,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In characters.
    pub length: usize,
    /// The text of the line.
    pub source_line: String,
}

pub(crate) struct File {
    pub(crate) name: Option<String>,
    /// The name by which it was asked for, against which `./x` is relative.
    template: Option<String>,
    pub(crate) source: String,
    pub(crate) hash: String,
    pub(crate) lines: Lines,
    unit: Option<Rc<Unit>>,
}

/// A template that another one needs.
pub(crate) struct Dependency {
    pub(crate) kind: &'static str,
    pub(crate) name: Option<String>,
    pub(crate) expr: Option<String>,
    pub(crate) tag: Option<Sym>,
    pub(crate) only: bool,
    pub(crate) missing: bool,
    pub(crate) place: Place,
}

/// Code that may read names of the context behind our back.
pub(crate) struct ContextRead {
    pub(crate) tag: Sym,
    pub(crate) reads: Option<Vec<Sym>>,
    pub(crate) place: Place,
}

/// The blocks of a template and its parents.
#[derive(Default)]
struct Chain {
    blocks: FxHashMap<Sym, Vec<(Rc<Unit>, usize, BodyId)>>,
    active: FxHashMap<Sym, usize>,
}

/// A template, its parents, and whether the last of them is not known.
struct Lineage {
    files: Vec<(usize, Rc<Unit>)>,
    open: bool,
}

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

struct Active {
    file: usize,
    partial: Option<Sym>,
    depth: usize,
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

    fn add_file(&mut self, name: Option<String>, template: Option<String>, source: String) -> usize {
        let hash = format!("{:032x}", xxh3_128(source.as_bytes()));
        let lines = Lines::new(&source);
        self.files.push(File { name, template, source, hash, lines, unit: None });
        self.files.len() - 1
    }

    /// Returns the program of a file.
    fn unit(&mut self, file: usize) -> Outcomes<Rc<Unit>, R::Error> {
        let Some(known) = self.files.get_mut(file) else { return Ok(Rc::new(Unit::default())) };
        if let Some(unit) = &known.unit {
            return Ok(Rc::clone(unit));
        }
        let mut parsed = parser::parse(&known.source, known.template.as_deref(), file, self.registry, &mut self.machine.names)
            .map_err(|error| Trouble::Template(file, error))?;
        self.diags.append(&mut parsed.diags);
        merge(&mut self.unknown, &parsed.unknown);
        merge(&mut self.libraries, &parsed.libraries);
        let unit = Rc::new(parsed);
        known.unit = Some(Rc::clone(&unit));
        Ok(unit)
    }

    /// Returns the file of a template.
    fn resolve(&mut self, name: &str, skip: &[usize]) -> Outcomes<Option<usize>, R::Error> {
        let key = (name.to_owned(), skip.to_vec());
        if let Some(known) = self.resolved.get(&key) {
            return Ok(*known);
        }
        let found = self.resolver.resolve(name, skip).map_err(Trouble::Resolver)?;
        let file = found.map(|(display, source)| self.add_file(Some(display), Some(name.to_owned()), source));
        self.resolved.insert(key, file);
        Ok(file)
    }

    /// Returns a template and its parents, as far as they are known.
    fn lineage(&mut self, file: usize) -> Outcomes<Lineage, R::Error> {
        let mut lineage = Lineage { files: vec![(file, self.unit(file)?)], open: false };
        let mut skip = vec![file];
        while let Some((file, unit)) = lineage.files.last().map(|(file, unit)| (*file, Rc::clone(unit))) {
            let Some(extends) = &unit.extends else { break };
            if lineage.files.len() > MAX_INCLUDES {
                let message = format!("more than {MAX_INCLUDES} templates extend one another");
                return Err(Trouble::Template(file, Error::new(TOO_MANY_INCLUDES, extends.span, message)));
            }
            let parent = match &extends.name {
                Some(name) => self.resolve(name, &skip)?,
                None => None,
            };
            let place = Place { file, span: extends.span };
            let expr = extends.name.is_none().then(|| self.text(&unit, file, extends.expr));
            self.depend(Dependency {
                kind: "extends",
                name: extends.name.clone(),
                expr,
                tag: None,
                only: false,
                missing: parent.is_none() && extends.name.is_some(),
                place,
            });
            let Some(parent) = parent else {
                lineage.open = true;
                break;
            };
            skip.push(parent);
            let unit = self.unit(parent)?;
            lineage.files.push((parent, unit));
        }
        Ok(lineage)
    }

    /// Starts the root of a lineage, with the blocks of all.
    fn enter(&mut self, lineage: Lineage, then: Then) {
        let mut chain = Chain::default();
        if lineage.files.len() > 1 || lineage.open {
            for (file, unit) in &lineage.files {
                for (name, body) in &unit.blocks {
                    chain.blocks.entry(*name).or_default().push((Rc::clone(unit), *file, *body));
                }
            }
        }
        self.chains.push(chain);
        self.chain = self.chains.len() - 1;
        let mut files = lineage.files;
        let Some((file, unit)) = files.pop() else { return };
        let Some(top) = unit.top else { return };
        if !lineage.open {
            self.runs.push(Run { unit, file, body: top, at: 0, then });
            return;
        }
        self.escape_parent(file, &unit);
        // The parent is not known: each block may render, somewhere.
        files.push((file, unit));
        let mut then = Some(then);
        for (file, unit) in files {
            let Some(body) = unit.all_blocks else { continue };
            let outer = then.take().unwrap_or(Then::Nothing);
            self.runs.push(Run { unit: Rc::clone(&unit), file, body, at: usize::MAX, then: outer });
            self.run_maybe(&unit, file, body);
        }
    }

    /// Lets go of what a parent that is not known can see.
    fn escape_parent(&mut self, file: usize, unit: &Unit) {
        let Some(extends) = &unit.extends else { return };
        let place = Place { file, span: extends.span };
        if extends.name.is_none() {
            self.read(unit, file, extends.expr, Uses::ARG);
        }
        let tag = self.machine.names.intern("extends");
        self.escape_context(tag, None, place);
        self.warn(if extends.name.is_some() { MISSING } else { DYNAMIC }, "the parent template is not known", place);
    }

    fn run_maybe(&mut self, unit: &Rc<Unit>, file: usize, body: BodyId) {
        self.machine.conditions += 1;
        let mark = self.machine.scope.mark();
        self.runs.push(Run { unit: Rc::clone(unit), file, body, at: 0, then: Then::Maybe { mark } });
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

    fn next_arm(
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

    fn start_loop(&mut self, unit: &Rc<Unit>, file: usize, op: &Op, at: (BodyId, usize)) {
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
    fn next_round(&mut self, unit: &Rc<Unit>, file: usize, op: (BodyId, usize), element: Value, mark: usize, round: usize) {
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

    fn start_block(&mut self, unit: &Rc<Unit>, file: usize, name: Sym, body: BodyId) {
        if !self.start_override(name) {
            self.push_block(Rc::clone(unit), file, name, body, false);
        }
    }

    /// Starts the block of that name that is most derived and not running already; returns whether there is one.
    fn start_override(&mut self, name: Sym) -> bool {
        let Some(chain) = self.chains.get_mut(self.chain) else { return false };
        let active = chain.active.entry(name).or_insert(0);
        let Some((unit, file, body)) = chain.blocks.get(&name).and_then(|blocks| blocks.get(*active)) else { return false };
        *active += 1;
        let (unit, file, body) = (Rc::clone(unit), *file, *body);
        self.push_block(unit, file, name, body, true);
        true
    }

    fn push_block(&mut self, unit: Rc<Unit>, file: usize, name: Sym, body: BodyId, chained: bool) {
        self.machine.scope.push(false);
        let block = self.machine.known.block;
        self.machine.scope.bind(block, Value::of(Thing::Block { chain: self.chain, name }));
        self.runs.push(Run { unit, file, body, at: 0, then: Then::Block { name, chained } });
    }

    /// Renders the next block up if the expression is `block.super`.
    fn start_super(&mut self, unit: &Unit, expr: ExprId) {
        let Some(expr) = unit.expr(expr) else { return };
        let crate::expr::Operand::Path(path) = &expr.head else { return };
        let Some(head) = path.segments.first() else { return };
        let value = self.machine.scope.get(head.name);
        for thing in value.things {
            if let Thing::Block { chain, name } = thing
                && chain == self.chain
            {
                self.start_override(name);
            }
        }
    }

    fn push_scope(&mut self, unit: &Unit, file: usize, binds: &[(Sym, ExprId)], wall: bool) {
        let values: Vec<(Sym, Value)> = binds.iter().map(|(name, expr)| (*name, self.eval(unit, file, *expr, false))).collect();
        self.machine.scope.push(wall);
        for (name, value) in values {
            self.machine.bind_local(name, value);
        }
    }

    fn regroup(&mut self, unit: &Unit, file: usize, target: ExprId, key: ExprId, name: Sym) {
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

    fn include(&mut self, unit: &Rc<Unit>, file: usize, op: &Op) -> Outcomes<(), R::Error> {
        let Op::Include { template, name, binds, only, span } = op else { return Ok(()) };
        let place = Place { file, span: *span };
        let mut dependency =
            Dependency { kind: "include", name: name.clone(), expr: None, tag: None, only: *only, missing: false, place };
        let Some(name) = name else {
            self.read(unit, file, *template, Uses::ARG);
            dependency.expr = Some(self.text(unit, file, *template));
            self.depend(dependency);
            self.warn(DYNAMIC, "which template is included is only known when it renders", place);
            self.escape_include(unit, file, binds, *only, place);
            return Ok(());
        };
        let (path, partial) = match name.split_once('#') {
            Some((path, partial)) if self.registry.django >= (6, 0) => (path, Some(self.machine.names.intern(partial))),
            _ => (name.as_str(), None),
        };
        let found = match self.resolve(path, &[])? {
            Some(found) => self.usable(found, partial, place)?,
            None => None,
        };
        dependency.missing = found.is_none();
        self.depend(dependency);
        let Some((found, lineage)) = found else {
            self.warn(MISSING, &format!("template '{name}' cannot be read"), place);
            self.escape_include(unit, file, binds, *only, place);
            return Ok(());
        };
        if self.is_third_time(found, partial) {
            self.warn(RECURSIVE, &format!("template '{name}' includes itself"), place);
            self.cut(found, partial);
            self.escape_binds(unit, file, binds);
            return Ok(());
        }
        if self.active.len() > MAX_INCLUDES {
            let message = format!("templates include one another more than {MAX_INCLUDES} deep");
            return Err(Trouble::Template(file, Error::new(TOO_MANY_INCLUDES, *span, message)));
        }
        let depth = self.machine.scope.depth();
        self.push_scope(unit, file, binds, *only);
        self.active.push(Active { file: found, partial, depth });
        let then = Then::Include { chain: self.chain };
        match lineage {
            Some(lineage) => self.enter(lineage, then),
            None => self.enter_partial(found, partial, then)?,
        }
        Ok(())
    }

    /// Returns the file and, unless a partial is asked for, its lineage; `None` if it cannot be used.
    #[allow(clippy::type_complexity)]
    fn usable(
        &mut self,
        file: usize,
        partial: Option<Sym>,
        place: Place,
    ) -> Outcomes<Option<(usize, Option<Lineage>)>, R::Error> {
        let result = match partial {
            None => self.lineage(file).map(|lineage| Some((file, Some(lineage)))),
            Some(name) => self.unit(file).map(|unit| unit.partials.contains_key(&name).then_some((file, None))),
        };
        match result {
            Err(Trouble::Template(broken, error)) if !error.is_limit() => {
                if self.noted.insert(("broken", place.file, place.span.start)) {
                    self.diags.push(Diag {
                        severity: "error",
                        code: BROKEN,
                        message: error.message,
                        file: broken,
                        span: error.span,
                    });
                }
                Ok(None)
            }
            other => other,
        }
    }

    fn enter_partial(&mut self, file: usize, partial: Option<Sym>, then: Then) -> Outcomes<(), R::Error> {
        let unit = self.unit(file)?;
        self.chains.push(Chain::default());
        self.chain = self.chains.len() - 1;
        if let Some(body) = partial.and_then(|name| unit.partials.get(&name).copied()) {
            self.runs.push(Run { unit, file, body, at: 0, then });
        }
        Ok(())
    }

    /// Lets go of what a template that we do not know can see.
    fn escape_include(&mut self, unit: &Unit, file: usize, binds: &[(Sym, ExprId)], only: bool, place: Place) {
        self.escape_binds(unit, file, binds);
        if !only {
            let tag = self.machine.names.intern("include");
            self.escape_context(tag, None, place);
        }
    }

    fn escape_binds(&mut self, unit: &Unit, file: usize, binds: &[(Sym, ExprId)]) {
        for (_, expr) in binds {
            let value = self.eval(unit, file, *expr, false);
            self.machine.consume(&value, Uses::ESC, false);
        }
    }

    fn is_third_time(&self, file: usize, partial: Option<Sym>) -> bool {
        self.active.iter().filter(|active| active.file == file && active.partial == partial).count() > 1
    }

    /// Lets go of every name that was bound since the template was entered: deeper rounds read on from there.
    fn cut(&mut self, file: usize, partial: Option<Sym>) {
        let entered = self.active.iter().rev().find(|active| active.file == file && active.partial == partial);
        let depth = entered.map_or(0, |active| active.depth);
        let bound = self.machine.scope.bound_since(depth);
        self.machine.consume(&bound, Uses::ESC, true);
    }

    /// An inclusion tag: its template sees what the function returns, and the CSRF token.
    fn inclusion(&mut self, tag: Sym, template: Option<&str>, place: Place) -> Outcomes<(), R::Error> {
        let token = self.machine.name(self.machine.known.csrf_token);
        self.machine.consume(&token, Uses::OUT, true);
        let file = match template {
            Some(template) => self.resolve(template, &[])?,
            None => None,
        };
        self.depend(Dependency {
            kind: "inclusion_tag",
            name: template.map(str::to_owned),
            expr: None,
            tag: Some(tag),
            only: true,
            missing: file.is_none() && template.is_some(),
            place,
        });
        Ok(())
    }

    fn partial(&mut self, unit: &Rc<Unit>, file: usize, name: Sym, span: Span) {
        let place = Place { file, span };
        let body = unit.partials.get(&name).copied();
        self.depend(Dependency {
            kind: "partial",
            name: Some(self.machine.names.text(name).to_owned()),
            expr: None,
            tag: None,
            only: false,
            missing: body.is_none(),
            place,
        });
        let Some(body) = body else {
            let message = format!("Partial '{}' is not defined in the current template.", self.machine.names.text(name));
            return self.warn(NO_PARTIAL, &message, place);
        };
        if self.is_third_time(file, Some(name)) {
            self.warn(RECURSIVE, "the partial renders itself", place);
            return self.cut(file, Some(name));
        }
        self.active.push(Active { file, partial: Some(name), depth: self.machine.scope.depth() });
        self.runs.push(Run { unit: Rc::clone(unit), file, body, at: 0, then: Then::Partial });
    }

    /// Notes that code may read names of the context; behind a wall it only sees what was handed in.
    fn escape_context(&mut self, tag: Sym, reads: Option<&[Sym]>, place: Place) {
        let Some(reads) = reads else {
            if self.machine.scope.is_walled() {
                let visible = self.machine.scope.visible();
                self.machine.consume(&visible, Uses::ESC, false);
            } else if self.noted.insert(("context", place.file, place.span.start)) {
                self.context.push(ContextRead { tag, reads: None, place });
            }
            return;
        };
        for name in reads {
            let value = self.machine.name(*name);
            self.machine.consume(&value, Uses::ESC, false);
            self.machine.label(&value, tag);
        }
        if !self.machine.scope.is_walled() && self.noted.insert(("context", place.file, place.span.start)) {
            self.context.push(ContextRead { tag, reads: Some(reads.to_vec()), place });
        }
    }

    fn eval(&mut self, unit: &Unit, file: usize, expr: ExprId, maybe: bool) -> Value {
        unit.expr(expr).map(|expr| self.machine.eval(expr, file, maybe)).unwrap_or_default()
    }

    fn read(&mut self, unit: &Unit, file: usize, expr: ExprId, uses: Uses) {
        self.read_as(unit, file, Read { expr, want: Want::Use(uses), maybe: false });
    }

    fn read_as(&mut self, unit: &Unit, file: usize, read: Read) {
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

    fn text(&self, unit: &Unit, file: usize, expr: ExprId) -> String {
        let span = unit.expr(expr).map(|expr| expr.span).unwrap_or_default();
        let source = self.files.get(file).map_or("", |file| &file.source);
        source.get(span.start..span.start + span.len).unwrap_or("").to_owned()
    }

    fn depend(&mut self, dependency: Dependency) {
        let place = dependency.place;
        if self.noted.insert((dependency.kind, place.file, place.span.start)) {
            self.dependencies.push(dependency);
        }
    }

    fn warn(&mut self, code: &'static str, message: &str, place: Place) {
        if self.noted.insert((code, place.file, place.span.start)) {
            self.diags.push(Diag { severity: "warn", code, message: message.to_owned(), file: place.file, span: place.span });
        }
    }
}

fn merge(known: &mut Vec<String>, more: &[String]) {
    for name in more {
        if !known.contains(name) {
            known.push(name.clone());
        }
    }
}
