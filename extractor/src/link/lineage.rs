//! Parents, and the blocks that children override.

use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};

use super::files::Code;
use super::includes::Candidate;
use super::notes::Dependency;
use super::{Linker, Outcomes, Then, Trouble};
use crate::diag::{DYNAMIC, Error, MISSING, TOO_MANY_INCLUDES};
use crate::names::Sym;
use crate::resolver::{Answer, Resolver};
use crate::tree::Uses;
use crate::unit::{BodyId, ExprId, Extends};
use crate::value::{Thing, Value};

/// The blocks of a template and its parents.
#[derive(Default)]
pub(super) struct Chain {
    blocks: FxHashMap<Sym, Blocks>,
}

/// The blocks of one name, the most derived one first, and how many of them are running.
#[derive(Default)]
struct Blocks {
    bodies: SmallVec<[(Code, BodyId); 2]>,
    running: usize,
}

/// A template, its parents, and whether the last of them is not known.
pub(super) struct Lineage {
    codes: SmallVec<[Code; 1]>,
    open: bool,
}

impl<R: Resolver> Linker<'_, R> {
    /// Returns a template and its parents, as far as they are known.
    pub(super) fn lineage(&mut self, file: usize) -> Outcomes<Lineage, R::Error> {
        let mut lineage = Lineage { codes: smallvec![self.code(file)?], open: false };
        // The files that were extended: Django begins to list them where it first looks a name up.
        let mut skip = SmallVec::new();
        while let Some(code) = lineage.codes.last().cloned() {
            let Some(extends) = &code.unit.extends else { break };
            if lineage.codes.len() > self.limits.includes {
                let message = format!("more than {} templates extend one another", self.limits.includes);
                return Err(Trouble::Template(code.file, Error::new(TOO_MANY_INCLUDES, extends.span, message)));
            }
            let Some(parent) = self.parent(&code, extends, &mut skip)? else {
                lineage.open = true;
                break;
            };
            lineage.codes.push(self.code(parent)?);
        }
        Ok(lineage)
    }

    /// Returns the file of the parent, if it is known.
    fn parent(&mut self, code: &Code, extends: &Extends, skip: &mut SmallVec<[usize; 2]>) -> Outcomes<Option<usize>, R::Error> {
        let mut dependency = Dependency::new("extends", false, code.place(extends.span));
        let target = if let Some(name) = extends.name {
            Some(Candidate { name, given: None })
        } else {
            self.read(code, extends.expr, Uses::ARG);
            dependency.expr = Some(self.text(code, extends.expr));
            match self.choose("extends", code, extends.expr)? {
                Answer::Unknown(why) => {
                    dependency.why = Some(why).filter(|why| !why.is_empty());
                    None
                }
                Answer::Any(choices) if choices.len() == 1 => {
                    choices.first().and_then(|targets| targets.first()).map(|target| self.candidate(target))
                }
                Answer::Any(_) => {
                    dependency.why = Some("there is more than one parent".to_owned());
                    None
                }
            }
        };
        let parent = match target {
            None => None,
            Some(Candidate { given: Some(number), .. }) => Some(number),
            Some(Candidate { name, given: None }) => {
                if skip.is_empty() {
                    skip.push(code.file);
                }
                let found = self.resolve(name, skip)?;
                skip.extend(found);
                found
            }
        };
        if let (None, Some(Candidate { name, .. })) = (parent, target) {
            let message = format!("parent template '{}' cannot be found", self.machine.names.text(name));
            self.warn(MISSING, message, dependency.place);
        } else if target.is_none() {
            let reason = dependency.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            let message = format!("which template is the parent is only known when it renders{reason}");
            self.warn(DYNAMIC, message, dependency.place);
        }
        dependency.missing = parent.is_none() && target.is_some();
        dependency.name = target.map(|target| target.name);
        self.depend(dependency);
        Ok(parent)
    }

    /// Starts the root of a lineage, with the blocks of all.
    pub(super) fn enter(&mut self, lineage: Lineage, then: Then) {
        let Lineage { mut codes, open } = lineage;
        let mut chain = Chain::default();
        if codes.len() > 1 || open {
            for code in &codes {
                self.steps += code.unit.blocks.len();
                for (name, body) in &code.unit.blocks {
                    chain.blocks.entry(*name).or_default().bodies.push((code.clone(), *body));
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

    /// Lets go of the blocks of a template that has rendered, and goes back to those around it.
    pub(super) fn pop_chain(&mut self, around: usize) {
        if let Some(chain) = self.chains.get_mut(self.chain) {
            *chain = Chain::default();
        }
        self.chain = around;
    }

    pub(super) fn push_chain(&mut self, chain: Chain) {
        self.chains.push(chain);
        self.chain = self.chains.len() - 1;
    }

    /// Starts every block of templates whose last parent is not known: each may render, somewhere.
    fn enter_blocks(&mut self, codes: SmallVec<[Code; 1]>, then: Then) {
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
        let tag = self.machine.names.intern("extends");
        self.escape_context(tag, None, place);
    }

    pub(super) fn start_block(&mut self, code: &Code, name: Sym, body: BodyId) {
        if !self.start_override(name) {
            self.push_block(code, name, body, false);
        }
    }

    /// Starts the block of that name that is most derived and not running already; returns whether there is one.
    fn start_override(&mut self, name: Sym) -> bool {
        let Some(chain) = self.chains.get_mut(self.chain) else { return false };
        let Some(blocks) = chain.blocks.get_mut(&name) else { return false };
        let Some((code, body)) = blocks.bodies.get(blocks.running).cloned() else { return false };
        blocks.running += 1;
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
        if chained && let Some(blocks) = self.chains.get_mut(self.chain).and_then(|chain| chain.blocks.get_mut(&name)) {
            blocks.running = blocks.running.saturating_sub(1);
        }
    }

    /// Renders the next block up if `block.super` is in the expression; once, if it is there more often.
    pub(super) fn start_super(&mut self, code: &Code, expr: ExprId) {
        let mut blocks: SmallVec<[Sym; 1]> = SmallVec::new();
        for owner in code.unit.exprs.owners_of(expr, self.machine.known.super_) {
            for thing in self.machine.scope.get(owner).things {
                match thing {
                    Thing::Block { chain, name } if chain == self.chain && !blocks.contains(&name) => blocks.push(name),
                    _ => {}
                }
            }
        }
        for name in blocks {
            self.start_override(name);
        }
    }
}
