//! The files of a link and their programs, each read once.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_128;

use super::{Linker, Outcomes, Trouble};
use crate::diag::Span;
use crate::limits::MAX_WARNINGS;
use crate::lines::Lines;
use crate::names::Sym;
use crate::parser;
use crate::resolver::Resolver;
use crate::tree::Place;
use crate::unit::{ExprId, Unit};

pub(crate) struct File<'r> {
    pub(crate) name: Option<String>,
    /// The name by which it was asked for, against which `./x` is relative.
    template: Option<String>,
    pub(crate) source: Cow<'r, str>,
    lines: OnceCell<Lines>,
    pub(super) unit: Option<Rc<Unit>>,
}

impl File<'_> {
    pub(crate) fn hash(&self) -> u128 {
        xxh3_128(self.source.as_bytes())
    }

    pub(crate) fn lines(&self) -> &Lines {
        self.lines.get_or_init(|| Lines::new(&self.source))
    }

    /// Returns line, column and length in characters of `span`.
    pub(crate) fn position(&self, span: Span) -> (usize, usize, usize) {
        self.lines().position(&self.source, span)
    }
}

/// The program of a file.
#[derive(Clone)]
pub(super) struct Code {
    pub(super) unit: Rc<Unit>,
    pub(super) file: usize,
}

impl Code {
    pub(super) fn place(&self, span: Span) -> Place {
        Place { file: self.file, span }
    }
}

impl<'r, R: Resolver> Linker<'r, R> {
    pub(super) fn add_file(&mut self, name: Option<String>, template: Option<String>, source: Cow<'r, str>) -> usize {
        self.files.push(File { name, template, source, lines: OnceCell::new(), unit: None });
        self.files.len() - 1
    }

    /// Returns the program of a file.
    pub(super) fn code(&mut self, file: usize) -> Outcomes<Code, R::Error> {
        let Some(known) = self.files.get_mut(file) else { return Ok(Code { unit: Rc::default(), file }) };
        if let Some(unit) = &known.unit {
            return Ok(Code { unit: Rc::clone(unit), file });
        }
        let mut unit = self.units.pop().unwrap_or_default();
        // Nothing else has it, so it is not copied.
        let parsed = Rc::make_mut(&mut unit);
        parser::parse(
            &known.source,
            known.template.as_deref(),
            file,
            self.registry,
            &mut self.machine.names,
            self.limits,
            parsed,
        )
        .map_err(|error| Trouble::Template(file, error))?;
        self.diags.append(&mut parsed.diags);
        self.diags.truncate(MAX_WARNINGS);
        merge(&mut self.unknown, &parsed.unknown);
        merge(&mut self.libraries, &parsed.libraries);
        known.unit = Some(Rc::clone(&unit));
        Ok(Code { unit, file })
    }

    /// Returns the file of a template.
    pub(super) fn resolve(&mut self, name: Sym, skip: &[usize]) -> Outcomes<Option<usize>, R::Error> {
        let key = (name, SmallVec::from_slice(skip));
        if let Some(known) = self.seen.resolved.get(&key) {
            return Ok(*known);
        }
        let name = self.machine.names.text(name);
        let file = match self.resolver.resolve(name, skip).map_err(Trouble::Resolver)? {
            Some((display, source)) => {
                let template = name.to_owned();
                Some(self.add_file(Some(display), Some(template), source.into()))
            }
            None => None,
        };
        self.seen.resolved.insert(key, file);
        Ok(file)
    }

    /// Returns an expression as it is written.
    pub(super) fn text(&self, code: &Code, expr: ExprId) -> String {
        let span = code.unit.exprs.get(expr).map(|expr| expr.span).unwrap_or_default();
        let source = self.files.get(code.file).map_or("", |file| &file.source);
        source.get(span.start..span.start + span.len).unwrap_or("").to_owned()
    }
}

fn merge(known: &mut SmallVec<[Sym; 4]>, more: &[Sym]) {
    for name in more {
        if !known.contains(name) {
            known.push(*name);
        }
    }
}
