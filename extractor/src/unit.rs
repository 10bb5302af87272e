//! One file as a program: what it reads, binds and renders, in order; names are not resolved yet.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::diag::{Diag, Span};
pub(crate) use crate::expr::ExprId;
use crate::expr::Exprs;
use crate::names::Sym;
use crate::registry::Linked;
use crate::tree::Uses;

/// A list of operations of a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyId(u32);

/// What is wanted of the value of an expression.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Want {
    /// The value itself, used so.
    Use(Uses),
    /// A look for a member: `x in value`.
    Members,
    /// Language codes, or pairs that start with one.
    Languages,
}

/// A read of an expression.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) expr: ExprId,
    pub(crate) want: Want,
    /// An operand before it decides whether it is read at all.
    pub(crate) maybe: bool,
    /// The page goes on where a filter misses its argument, without what comes after.
    pub(crate) lenient: bool,
}

impl Read {
    /// Returns a read of the value itself that certainly happens.
    pub(crate) fn of(expr: ExprId, uses: Uses) -> Self {
        Self { expr, want: Want::Use(uses), maybe: false, lenient: false }
    }
}

/// The reads of a condition, in their order.
pub(crate) type Reads = SmallVec<[Read; 2]>;

/// The conditions of an `if` and what each is for.
pub(crate) type Arms = SmallVec<[(Reads, BodyId); 1]>;

/// What a template does.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Read(Read),
    /// The name of the tag or filter which an escaping expression goes to.
    Escape {
        expr: ExprId,
        tag: Sym,
    },
    /// `block.super`, if that is what the expression reads.
    Super(ExprId),
    With {
        binds: Vec<(Sym, ExprId)>,
        body: BodyId,
    },
    For {
        vars: SmallVec<[Sym; 2]>,
        sequence: ExprId,
        body: BodyId,
        empty: Option<BodyId>,
    },
    If {
        arms: Arms,
        otherwise: Option<BodyId>,
    },
    /// A body that always runs.
    Run(BodyId),
    /// A body that may run.
    Maybe(BodyId),
    /// A body that may run, and more than once.
    Again(BodyId),
    /// Binds a value of no interest.
    Assign(Sym),
    Cycle {
        values: Vec<ExprId>,
        name: Sym,
    },
    Regroup {
        target: ExprId,
        key: ExprId,
        name: Sym,
    },
    Block {
        name: Sym,
        body: BodyId,
    },
    Include {
        template: ExprId,
        name: Option<Sym>,
        binds: Vec<(Sym, ExprId)>,
        only: bool,
        span: Span,
    },
    Inclusion {
        tag: Sym,
        template: Option<Linked>,
        span: Span,
    },
    Partial {
        name: Sym,
        span: Span,
    },
    /// A top-level name, dots and all.
    Key {
        name: Sym,
        uses: Uses,
        maybe: bool,
        span: Span,
    },
    /// Code that reads these names of the context, or any, and may set some.
    Context {
        tag: Sym,
        reads: Option<Vec<Sym>>,
        writes: bool,
        span: Span,
    },
}

/// How a template names its parent.
#[derive(Clone, Debug)]
pub(crate) struct Extends {
    pub(crate) expr: ExprId,
    pub(crate) name: Option<Sym>,
    pub(crate) span: Span,
}

/// A parsed file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    pub(crate) exprs: Exprs,
    ops: Vec<Op>,
    /// The operations of bodies that have not ended.
    pub(crate) pending: Vec<Op>,
    /// Where the operations of each body start and end.
    bodies: Vec<(usize, usize)>,
    pub(crate) top: Option<BodyId>,
    /// Every block, for a parent that is not known.
    pub(crate) all_blocks: Option<BodyId>,
    pub(crate) extends: Option<Extends>,
    pub(crate) blocks: Vec<(Sym, BodyId)>,
    pub(crate) partials: FxHashMap<Sym, BodyId>,
    /// The tags of which nothing is known, and the libraries that are loaded.
    pub(crate) unknown: Vec<Sym>,
    pub(crate) libraries: Vec<Sym>,
    pub(crate) diags: Vec<Diag>,
}

impl Unit {
    /// Makes room for what so many tags usually make.
    pub(crate) fn reserve(&mut self, tags: usize) {
        self.exprs.reserve(tags);
        self.ops.reserve(tags);
        self.bodies.reserve(tags / 2 + 2);
    }

    /// Empties the program but for its room.
    pub(crate) fn clear(&mut self) {
        let Self { exprs, ops, pending, bodies, blocks, partials, unknown, libraries, diags, top, all_blocks, extends } = self;
        exprs.clear();
        ops.clear();
        pending.clear();
        bodies.clear();
        blocks.clear();
        partials.clear();
        unknown.clear();
        libraries.clear();
        diags.clear();
        (*top, *all_blocks, *extends) = (None, None, None);
    }

    /// Returns where an operation is written, if that is known.
    pub(crate) fn span(&self, op: &Op) -> Option<Span> {
        let expr = match op {
            Op::Include { span, .. }
            | Op::Inclusion { span, .. }
            | Op::Partial { span, .. }
            | Op::Key { span, .. }
            | Op::Context { span, .. } => return Some(*span),
            Op::Read(read) => read.expr,
            Op::Escape { expr, .. } | Op::Super(expr) => *expr,
            Op::For { sequence, .. } => *sequence,
            Op::If { arms, .. } => arms.first()?.0.first()?.expr,
            Op::With { binds, .. } => binds.first()?.1,
            Op::Cycle { values, .. } => *values.first()?,
            Op::Regroup { target, .. } => *target,
            Op::Run(_) | Op::Maybe(_) | Op::Again(_) | Op::Assign(_) | Op::Block { .. } => return None,
        };
        self.exprs.get(expr).map(|expr| expr.span)
    }

    pub(crate) fn op(&self, (body, row): (BodyId, usize)) -> Option<&Op> {
        let (start, end) = *self.bodies.get(body.0 as usize)?;
        self.ops.get(start..end)?.get(row)
    }

    /// Returns the body of what is pending from `from` on.
    pub(crate) fn add_pending(&mut self, from: usize) -> BodyId {
        let start = self.ops.len();
        self.ops.extend(self.pending.drain(from..));
        self.end_body(start)
    }

    pub(crate) fn add_body(&mut self, ops: impl IntoIterator<Item = Op>) -> BodyId {
        let start = self.ops.len();
        self.ops.extend(ops);
        self.end_body(start)
    }

    /// Adds the body that renders every block.
    pub(crate) fn add_all_blocks(&mut self) {
        let start = self.ops.len();
        self.ops.extend(self.blocks.iter().map(|(name, body)| Op::Block { name: *name, body: *body }));
        self.all_blocks = Some(self.end_body(start));
    }

    fn end_body(&mut self, start: usize) -> BodyId {
        self.bodies.push((start, self.ops.len()));
        BodyId(u32::try_from(self.bodies.len() - 1).unwrap_or(u32::MAX))
    }
}
