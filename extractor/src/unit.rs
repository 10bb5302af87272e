//! One file as a program: what it reads, binds and renders, in order; names are not resolved yet.

use rustc_hash::FxHashMap;

use crate::diag::{Diag, Span};
use crate::expr::Expr;
use crate::names::Sym;
use crate::tree::Uses;

/// An expression of a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExprId(u32);

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

/// A read of an expression; `maybe` if an operand before it decides whether it is read at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) expr: ExprId,
    pub(crate) want: Want,
    pub(crate) maybe: bool,
}

/// What a template does.
#[derive(Debug)]
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
        vars: Vec<Sym>,
        sequence: ExprId,
        body: BodyId,
        empty: Option<BodyId>,
    },
    If {
        arms: Vec<(Vec<Read>, BodyId)>,
        otherwise: Option<BodyId>,
    },
    /// A body that always runs.
    Run(BodyId),
    /// A body that may run.
    Maybe(BodyId),
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
        name: Option<String>,
        binds: Vec<(Sym, ExprId)>,
        only: bool,
        span: Span,
    },
    Inclusion {
        tag: Sym,
        template: Option<String>,
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
    /// Code that reads these names of the context, or any.
    Context {
        tag: Sym,
        reads: Option<Vec<Sym>>,
        span: Span,
    },
}

/// How a template names its parent.
#[derive(Debug)]
pub(crate) struct Extends {
    pub(crate) expr: ExprId,
    pub(crate) name: Option<String>,
    pub(crate) span: Span,
}

/// A parsed file.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    exprs: Vec<Expr>,
    bodies: Vec<Vec<Op>>,
    pub(crate) top: Option<BodyId>,
    /// Every block, for a parent that is not known.
    pub(crate) all_blocks: Option<BodyId>,
    pub(crate) extends: Option<Extends>,
    pub(crate) blocks: Vec<(Sym, BodyId)>,
    pub(crate) partials: FxHashMap<Sym, BodyId>,
    pub(crate) unknown: Vec<String>,
    pub(crate) libraries: Vec<String>,
    pub(crate) diags: Vec<Diag>,
}

impl Unit {
    /// Returns an empty program with room for what so many tokens usually make.
    pub(crate) fn with_capacity(tokens: usize) -> Self {
        Self { exprs: Vec::with_capacity(tokens / 2 + 1), bodies: Vec::with_capacity(8), ..Self::default() }
    }

    pub(crate) fn expr(&self, id: ExprId) -> Option<&Expr> {
        self.exprs.get(id.0 as usize)
    }

    pub(crate) fn expr_mut(&mut self, id: ExprId) -> Option<&mut Expr> {
        self.exprs.get_mut(id.0 as usize)
    }

    pub(crate) fn add_expr(&mut self, expr: Expr) -> ExprId {
        self.exprs.push(expr);
        ExprId(u32::try_from(self.exprs.len() - 1).unwrap_or(u32::MAX))
    }

    pub(crate) fn body(&self, id: BodyId) -> &[Op] {
        self.bodies.get(id.0 as usize).map_or(&[], |ops| ops)
    }

    pub(crate) fn op(&self, (body, row): (BodyId, usize)) -> Option<&Op> {
        self.body(body).get(row)
    }

    pub(crate) fn add_body(&mut self, ops: Vec<Op>) -> BodyId {
        self.bodies.push(ops);
        BodyId(u32::try_from(self.bodies.len() - 1).unwrap_or(u32::MAX))
    }
}
