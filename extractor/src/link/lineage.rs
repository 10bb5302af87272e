//! Parents, and the blocks that children override.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::notes::Dependency;
use super::{Linker, Outcomes, Run, Then, Trouble};
use crate::diag::{DYNAMIC, Error, MAX_INCLUDES, MISSING, TOO_MANY_INCLUDES};
use crate::expr::Operand;
use crate::names::Sym;
use crate::resolver::Resolver;
use crate::scope::{Thing, Value};
use crate::tree::{Place, Uses};
use crate::unit::{BodyId, ExprId, Unit};

/// The blocks of a template and its parents.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) blocks: FxHashMap<Sym, Vec<(Rc<Unit>, usize, BodyId)>>,
    pub(super) active: FxHashMap<Sym, usize>,
}

/// A template, its parents, and whether the last of them is not known.
pub(super) struct Lineage {
    pub(super) files: Vec<(usize, Rc<Unit>)>,
    pub(super) open: bool,
}

impl<R: Resolver> Linker<'_, R> {
    /// Returns a template and its parents, as far as they are known.
    pub(super) fn lineage(&mut self, file: usize) -> Outcomes<Lineage, R::Error> {
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
    pub(super) fn enter(&mut self, lineage: Lineage, then: Then) {
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

    pub(super) fn start_block(&mut self, unit: &Rc<Unit>, file: usize, name: Sym, body: BodyId) {
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
    pub(super) fn start_super(&mut self, unit: &Unit, expr: ExprId) {
        let Some(expr) = unit.expr(expr) else { return };
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
