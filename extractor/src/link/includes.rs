//! Templates and partials that render in the middle of others.

use std::slice;

use super::branches::At;
use super::files::Code;
use super::lineage::{Chain, Lineage};
use super::notes::Dependency;
use super::{Linker, Outcomes, Then, Trouble};
use crate::diag::{BROKEN, DYNAMIC, Error, MISSING, NO_PARTIAL, RECURSIVE, Span, TOO_MANY_INCLUDES};
use crate::names::Sym;
use crate::registry::Linked;
use crate::resolver::{Answer, Resolver, Target};
use crate::suggest::closest;
use crate::tree::{Place, Uses};
use crate::unit::{ExprId, Op};

pub(super) struct Active {
    pub(super) file: usize,
    pub(super) partial: Option<Sym>,
    pub(super) depth: usize,
}

/// The templates that a tag may still render, the next one last; `mark` is set where it renders one of several.
pub(super) struct Choices {
    code: Code,
    at: At,
    rest: Vec<Vec<Target>>,
    several: bool,
    mark: Option<usize>,
    chain: usize,
}

/// A template that was found, and its name.
struct Found {
    file: usize,
    partial: Option<Sym>,
    part: Part,
    name: String,
}

/// What of a template renders.
enum Part {
    Whole(Lineage),
    Partial,
}

impl<R: Resolver> Linker<'_, R> {
    pub(super) fn include(&mut self, code: &Code, at: At) -> Outcomes<(), R::Error> {
        let Some(Op::Include { template, name, binds, only, span }) = code.unit.op(at) else { return Ok(()) };
        let answer = if let Some(name) = name {
            Answer::Any(vec![vec![Target::Name(name.clone())]])
        } else {
            self.read(code, *template, Uses::ARG);
            self.choose("include", code, *template)?
        };
        match answer {
            Answer::Any(mut rest) => {
                rest.reverse();
                let several = rest.len() > 1;
                self.include_next(Choices { code: code.clone(), at, rest, several, mark: None, chain: self.chain })
            }
            Answer::Unknown(why) => {
                let place = code.place(*span);
                let expr = Some(self.text(code, *template));
                let why = Some(why).filter(|why| !why.is_empty());
                let reason = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                self.depend(Dependency { expr, why, ..Dependency::new("include", *only, place) });
                self.warn(DYNAMIC, &format!("which template is included is only known when it renders{reason}"), place);
                self.escape_include(code, binds, *only, place);
                Ok(())
            }
        }
    }

    /// Starts the next template that the tag may render, if there is one.
    fn include_next(&mut self, mut choices: Choices) -> Outcomes<(), R::Error> {
        let code = choices.code.clone();
        let Some(Op::Include { template, name, binds, only, span }) = code.unit.op(choices.at) else { return Ok(()) };
        let place = code.place(*span);
        while let Some(targets) = choices.rest.pop() {
            let depth = self.machine.scope.depth();
            choices.mark = choices.several.then(|| self.machine.scope.mark());
            self.machine.conditions += usize::from(choices.several);
            self.push_scope(&code, binds, *only);
            let found = self.first_of(&targets, place)?;
            let named = found.as_ref().map_or_else(|| named(&targets), |found| found.name.clone());
            let expr = name.is_none().then(|| self.text(&code, *template));
            let missing = found.is_none();
            self.depend(Dependency { name: Some(named.clone()), expr, missing, ..Dependency::new("include", *only, place) });
            let Some(Found { file, partial, part, .. }) = found else {
                self.leave_include(choices.mark);
                self.escape_include(&code, binds, *only, place);
                continue;
            };
            if self.is_third_time(file, partial) {
                self.leave_include(choices.mark);
                self.warn(RECURSIVE, &format!("template '{named}' includes itself"), place);
                self.cut(file, partial);
                self.escape_binds(&code, binds);
                continue;
            }
            if self.active.len() > self.limits.includes {
                let message = format!("templates include one another more than {} deep", self.limits.includes);
                return Err(Trouble::Template(code.file, Error::new(TOO_MANY_INCLUDES, *span, message)));
            }
            self.active.push(Active { file, partial, depth });
            let then = Then::Include(choices);
            match part {
                Part::Whole(lineage) => self.enter(lineage, then),
                Part::Partial => self.enter_partial(file, partial, then)?,
            }
            return Ok(());
        }
        Ok(())
    }

    pub(super) fn end_include(&mut self, choices: Choices) -> Outcomes<(), R::Error> {
        self.leave_include(choices.mark);
        self.pop_chain(choices.chain);
        self.active.pop();
        self.include_next(choices)
    }

    fn leave_include(&mut self, mark: Option<usize>) {
        self.machine.scope.pop();
        if let Some(mark) = mark {
            self.end_maybe(mark);
        }
    }

    /// Returns the first of some templates that there is.
    fn first_of(&mut self, targets: &[Target], place: Place) -> Outcomes<Option<Found>, R::Error> {
        let mut there = false;
        for target in targets {
            let (file, partial, name) = match target {
                Target::Given { number, name, .. } => (Some(*number), None, name),
                Target::Name(name) => {
                    let (path, partial) = match name.split_once('#') {
                        Some((path, partial)) if self.registry.django >= (6, 0) => {
                            // Django takes `a.html#` for all of it.
                            (path, (!partial.is_empty()).then(|| self.machine.names.intern(partial)))
                        }
                        _ => (name.as_str(), None),
                    };
                    (self.resolve(path, &[])?, partial, name)
                }
            };
            let Some(file) = file else { continue };
            there = true;
            if let Some(part) = self.usable(file, partial, place)? {
                return Ok(Some(Found { file, partial, part, name: name.clone() }));
            }
        }
        if !there {
            self.warn(MISSING, &format!("template '{}' cannot be found", named(targets)), place);
        }
        Ok(None)
    }

    /// Returns what of a file renders; `None` if it cannot be used.
    fn usable(&mut self, file: usize, partial: Option<Sym>, place: Place) -> Outcomes<Option<Part>, R::Error> {
        let result = match partial {
            None => self.lineage(file).map(|lineage| Some(Part::Whole(lineage))),
            Some(name) => self.code(file).map(|code| {
                let found = code.unit.partials.contains_key(&name);
                if !found {
                    self.no_partial(&code, name, place);
                }
                found.then_some(Part::Partial)
            }),
        };
        match result {
            Err(Trouble::Template(broken, error)) if !error.is_limit() => {
                if self.noted.insert(("broken", place.file, place.span.start)) {
                    let help = error.advice().map(str::to_owned);
                    self.note(broken, error.recoded(BROKEN, help));
                }
                Ok(None)
            }
            other => other,
        }
    }

    fn enter_partial(&mut self, file: usize, partial: Option<Sym>, then: Then) -> Outcomes<(), R::Error> {
        let code = self.code(file)?;
        self.push_chain(Chain::default());
        if let Some(body) = partial.and_then(|name| code.unit.partials.get(&name).copied()) {
            self.run(&code, body, then);
        }
        Ok(())
    }

    /// Lets go of what a template that we do not know can see.
    fn escape_include(&mut self, code: &Code, binds: &[(Sym, ExprId)], only: bool, place: Place) {
        self.escape_binds(code, binds);
        if !only {
            let tag = self.machine.names.intern("include");
            self.escape_context(tag, None, place);
        }
    }

    fn escape_binds(&mut self, code: &Code, binds: &[(Sym, ExprId)]) {
        for (_, expr) in binds {
            let value = self.eval(code, *expr, false);
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
    pub(super) fn inclusion(&mut self, tag: Sym, template: Option<&Linked>, place: Place) -> Outcomes<(), R::Error> {
        let token = self.machine.name(self.machine.known.csrf_token);
        self.machine.consume(&token, Uses::OUT, true);
        let (names, object) = match template {
            None => (&[][..], None),
            Some(Linked::Name(name)) => (slice::from_ref(name), None),
            Some(Linked::Names(names)) => (names.as_slice(), None),
            Some(Linked::Object { object }) => (&[][..], object.as_ref()),
        };
        let mut found = None;
        for name in names {
            if self.resolve(name, &[])?.is_some() {
                found = Some(name);
                break;
            }
        }
        self.depend(Dependency {
            name: found.or(names.first()).or(object).cloned(),
            tag: Some(tag),
            missing: found.is_none() && !names.is_empty(),
            ..Dependency::new("inclusion_tag", true, place)
        });
        Ok(())
    }

    pub(super) fn partial(&mut self, code: &Code, name: Sym, span: Span) {
        let place = code.place(span);
        let body = code.unit.partials.get(&name).copied();
        self.depend(Dependency {
            name: Some(self.machine.names.text(name).to_owned()),
            missing: body.is_none(),
            ..Dependency::new("partial", false, place)
        });
        let Some(body) = body else { return self.no_partial(code, name, place) };
        if self.is_third_time(code.file, Some(name)) {
            self.warn(RECURSIVE, "the partial renders itself", place);
            return self.cut(code.file, Some(name));
        }
        self.active.push(Active { file: code.file, partial: Some(name), depth: self.machine.scope.depth() });
        self.run(code, body, Then::Partial);
    }

    fn no_partial(&mut self, code: &Code, name: Sym, place: Place) {
        let message = format!("Partial '{}' is not defined in the current template.", self.machine.names.text(name));
        let error = self.near_partial(code, self.machine.names.text(name), Error::new(NO_PARTIAL, place.span, message));
        self.note_once(place, error);
    }

    /// Returns the error, with the partial of the file that may have been meant.
    pub(super) fn near_partial(&self, code: &Code, name: &str, error: Error) -> Error {
        let mut known: Vec<&str> = code.unit.partials.keys().map(|known| self.machine.names.text(*known)).collect();
        known.sort_unstable();
        match closest(name, known) {
            Some(meant) => error.with_help(format!("did you mean '{meant}'?")),
            None => error,
        }
    }
}

/// Returns what a tag asked for.
fn named(targets: &[Target]) -> String {
    let names = targets.iter().map(|target| match target {
        Target::Name(name) | Target::Given { name, .. } => name.as_str(),
    });
    names.collect::<Vec<_>>().join("', '")
}
