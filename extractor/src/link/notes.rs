//! What a link finds besides values: other templates, code that may read anything, warnings.

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::Linker;
use crate::diag::{Diag, Error};
use crate::limits::MAX_WARNINGS;
use crate::names::Sym;
use crate::resolver::{Answer, Question, Resolver};
use crate::tree::{Place, Uses};

/// What a link met once and need not look up, or say, again.
#[derive(Default)]
pub(crate) struct Seen {
    /// The files of templates, by their names and the files that do not count.
    pub(super) resolved: FxHashMap<(Sym, SmallVec<[usize; 2]>), Option<usize>>,
    pub(super) answers: FxHashMap<Question, Answer>,
    pub(super) notes: FxHashSet<(&'static str, usize, usize)>,
    dependencies: FxHashSet<(&'static str, usize, usize, Option<Sym>)>,
}

impl Seen {
    pub(super) fn clear(&mut self) {
        let Self { resolved, answers, notes, dependencies } = self;
        resolved.clear();
        answers.clear();
        notes.clear();
        dependencies.clear();
    }
}

/// A template that another one needs.
pub(crate) struct Dependency {
    pub(crate) kind: &'static str,
    pub(crate) name: Option<Sym>,
    pub(crate) expr: Option<String>,
    pub(crate) tag: Option<Sym>,
    pub(crate) only: bool,
    pub(crate) missing: bool,
    /// Why nobody knows its name.
    pub(crate) why: Option<String>,
    pub(crate) place: Place,
}

impl Dependency {
    /// Returns a dependency of which nothing more is known.
    pub(super) fn new(kind: &'static str, only: bool, place: Place) -> Self {
        Self { kind, name: None, expr: None, tag: None, only, missing: false, why: None, place }
    }
}

/// Code that may read names of the context behind our back.
pub(crate) struct ContextRead {
    pub(crate) tag: Sym,
    pub(crate) reads: Option<Vec<Sym>>,
    pub(crate) place: Place,
}

impl<R: Resolver> Linker<'_, R> {
    /// Notes that code may read names of the context; behind a wall it only sees what was handed in.
    pub(super) fn escape_context(&mut self, tag: Sym, reads: Option<&[Sym]>, place: Place) {
        let Some(reads) = reads else {
            if self.machine.scope.is_walled() {
                self.steps += self.machine.scope.size();
                let visible = self.machine.scope.visible();
                self.machine.consume(&visible, Uses::ESC, false);
            } else if self.seen.notes.insert(("context", place.file, place.span.start)) {
                self.context.push(ContextRead { tag, reads: None, place });
            }
            return;
        };
        if reads.is_empty() {
            return;
        }
        for name in reads {
            let value = self.machine.name(*name);
            self.machine.consume(&value, Uses::ESC, false);
            self.machine.label(&value, tag);
        }
        if !self.machine.scope.is_walled() && self.seen.notes.insert(("context", place.file, place.span.start)) {
            self.context.push(ContextRead { tag, reads: Some(reads.to_vec()), place });
        }
    }

    pub(super) fn depend(&mut self, dependency: Dependency) {
        // One expression, or one tag, may stand for several templates.
        let Place { file, span } = dependency.place;
        if self.seen.dependencies.insert((dependency.kind, file, span.start, dependency.name)) {
            self.dependencies.push(dependency);
        }
    }

    pub(super) fn warn(&mut self, code: &'static str, message: String, place: Place) {
        self.note_once(place, Error::new(code, place.span, message));
    }

    pub(super) fn note_once(&mut self, place: Place, error: Error) {
        if self.seen.notes.insert((error.code, place.file, place.span.start)) {
            self.note(place.file, error);
        }
    }

    pub(super) fn note(&mut self, file: usize, error: Error) {
        if self.diags.len() < MAX_WARNINGS {
            self.diags.push(Diag { error, file });
        }
    }
}
