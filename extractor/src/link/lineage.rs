//! Parents, and the blocks that children override.

use rustc_hash::FxHashMap;

use super::files::Code;
use super::notes::Dependency;
use super::{Linker, Outcomes, Then, Trouble};
use crate::diag::{DYNAMIC, Error, MAX_INCLUDES, MISSING, TOO_MANY_INCLUDES};
use crate::expr::Operand;
use crate::names::Sym;
use crate::resolver::Resolver;
use crate::tree::Uses;
use crate::unit::{BodyId, ExprId};
use crate::value::{Thing, Value};

/// The blocks of a template and its parents, and how many of each name are running.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) blocks: FxHashMap<Sym, Vec<(Code, BodyId)>>,
    pub(super) active: FxHashMap<Sym, usize>,
}

/// A template, its parents, and whether the last of them is not known.
pub(super) struct Lineage {
    codes: Vec<Code>,
    open: bool,
}

impl<R: Resolver> Linker<'_, R> {
    /// Returns a template and its parents, as far as they are known.
    pub(super) fn lineage(&mut self, file: usize) -> Outcomes<Lineage, R::Error> {
        let mut lineage = Lineage { codes: vec![self.code(file)?], open: false };
        let mut skip = vec![file];
        while let Some(code) = lineage.codes.last().cloned() {
            let Some(extends) = &code.unit.extends else { break };
            if lineage.codes.len() > MAX_INCLUDES {
                let message = format!("more than {MAX_INCLUDES} templates extend one another");
                return Err(Trouble::Template(code.file, Error::new(TOO_MANY_INCLUDES, extends.span, message)));
            }
            let parent = match &extends.name {
                Some(name) => self.resolve(name, &skip)?,
                None => None,
            };
            let expr = extends.name.is_none().then(|| self.text(&code, extends.expr));
            self.depend(Dependency {
                kind: "extends",
                name: extends.name.clone(),
                expr,
                tag: None,
                only: false,
                missing: parent.is_none() && extends.name.is_some(),
                place: code.place(extends.span),
            });
            let Some(parent) = parent else {
                lineage.open = true;
                break;
            };
            skip.push(parent);
            lineage.codes.push(self.code(parent)?);
        }
        Ok(lineage)
    }

    /// Starts the root of a lineage, with the blocks of all.
    pub(super) fn enter(&mut self, lineage: Lineage, then: Then) {
        let Lineage { mut codes, open } = lineage;
        let mut chain = Chain::default();
        if codes.len() > 1 || open {
            for code in &codes {
                for (name, body) in &code.unit.blocks {
                    chain.blocks.entry(*name).or_default().push((code.clone(), *body));
                }
            }
        }
        self.push_chain(chain);
        if open {
            self.enter_blocks(codes, then);
        } else if let Some(code) = codes.pop()
            && let Some(top) = code.unit.top
        {
            self.run(&code, top, then);
        }
    }

    pub(super) fn push_chain(&mut self, chain: Chain) {
        self.chains.push(chain);
        self.chain = self.chains.len() - 1;
    }

    /// Starts every block of templates whose last parent is not known: each may render, somewhere.
    fn enter_blocks(&mut self, codes: Vec<Code>, then: Then) {
        if let Some(code) = codes.last() {
            self.escape_parent(code);
        }
        let mut then = Some(then);
        for code in codes {
            let Some(body) = code.unit.all_blocks else { continue };
            self.run_after(&code, body, then.take().unwrap_or(Then::Nothing));
            self.run_maybe(&code, body);
        }
    }

    /// Lets go of what a parent that is not known can see.
    fn escape_parent(&mut self, code: &Code) {
        let Some(extends) = &code.unit.extends else { return };
        let place = code.place(extends.span);
        if extends.name.is_none() {
            self.read(code, extends.expr, Uses::ARG);
        }
        let tag = self.machine.names.intern("extends");
        self.escape_context(tag, None, place);
        self.warn(if extends.name.is_some() { MISSING } else { DYNAMIC }, "the parent template is not known", place);
    }

    pub(super) fn start_block(&mut self, code: &Code, name: Sym, body: BodyId) {
        if !self.start_override(name) {
            self.push_block(code, name, body, false);
        }
    }

    /// Starts the block of that name that is most derived and not running already; returns whether there is one.
    fn start_override(&mut self, name: Sym) -> bool {
        let Some(chain) = self.chains.get_mut(self.chain) else { return false };
        let active = chain.active.entry(name).or_insert(0);
        let Some((code, body)) = chain.blocks.get(&name).and_then(|blocks| blocks.get(*active)).cloned() else { return false };
        *active += 1;
        self.push_block(&code, name, body, true);
        true
    }

    fn push_block(&mut self, code: &Code, name: Sym, body: BodyId, chained: bool) {
        self.machine.scope.push(false);
        let block = self.machine.known.block;
        self.machine.scope.bind(block, Value::of(Thing::Block { chain: self.chain, name }));
        self.run(code, body, Then::Block { name, chained });
    }

    pub(super) fn end_block(&mut self, name: Sym, chained: bool) {
        self.machine.scope.pop();
        if chained && let Some(active) = self.chains.get_mut(self.chain).and_then(|chain| chain.active.get_mut(&name)) {
            *active = active.saturating_sub(1);
        }
    }

    /// Renders the next block up if the expression is `block.super`.
    pub(super) fn start_super(&mut self, code: &Code, expr: ExprId) {
        let Some(expr) = code.unit.expr(expr) else { return };
        let Operand::Path(path) = &expr.head else { return };
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
}
