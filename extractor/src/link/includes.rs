//! Templates and partials that render in the middle of others.

use std::slice;

use smallvec::{SmallVec, smallvec};

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
    rest: SmallVec<[Candidates; 1]>,
    several: bool,
    mark: Option<usize>,
    chain: usize,
}

/// A template that a tag may render: its name, and its file if it did not come by name.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub(super) name: Sym,
    pub(super) given: Option<usize>,
}

/// The first of these that there is.
type Candidates = SmallVec<[Candidate; 1]>;

/// A template that was found, and its name.
struct Found {
    file: usize,
    partial: Option<Sym>,
    part: Part,
    name: Sym,
}

/// What of a template renders.
enum Part {
    Whole(Lineage),
    Partial,
}

impl<R: Resolver> Linker<'_, R> {
    pub(super) fn include(&mut self, code: &Code, at: At) -> Outcomes<(), R::Error> {
        let Some(Op::Include { template, name, binds, only, span }) = code.unit.op(at) else { return Ok(()) };
        if let Some(name) = *name {
            let only = smallvec![Candidate { name, given: None }];
            return self.include_any(code, at, smallvec![only]);
        }
        self.read(code, *template, Uses::ARG);
        match self.choose("include", code, *template)? {
            Answer::Any(choices) => {
                let candidates = |targets: Vec<Target>| targets.iter().map(|target| self.candidate(target)).collect();
                let rest = choices.into_iter().rev().map(candidates).collect();
                self.include_any(code, at, rest)
            }
            Answer::Unknown(why) => {
                let place = code.place(*span);
                let expr = Some(self.text(code, *template));
                let why = Some(why).filter(|why| !why.is_empty());
                let reason = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                self.depend(Dependency { expr, why, ..Dependency::new("include", *only, place) });
                self.warn(DYNAMIC, format!("which template is included is only known when it renders{reason}"), place);
                self.escape_include(code, binds, *only, place);
                Ok(())
            }
        }
    }

    /// Returns the candidate that a resolver names.
    pub(super) fn candidate(&mut self, target: &Target) -> Candidate {
        let (name, given) = match target {
            Target::Name(name) => (name, None),
            Target::Given { number, name, .. } => (name, Some(*number)),
        };
        Candidate { name: self.machine.names.intern(name), given }
    }

    /// Starts the templates that the tag may render, the last one first.
    fn include_any(&mut self, code: &Code, at: At, rest: SmallVec<[Candidates; 1]>) -> Outcomes<(), R::Error> {
        let several = rest.len() > 1;
        self.include_next(Choices { code: code.clone(), at, rest, several, mark: None, chain: self.chain })
    }

    /// Starts the next template that the tag may render, if there is one.
    fn include_next(&mut self, mut choices: Choices) -> Outcomes<(), R::Error> {
        let code = choices.code.clone();
        let Some(Op::Include { template, name, binds, only, span }) = code.unit.op(choices.at) else { return Ok(()) };
        let place = code.place(*span);
        while let Some(candidates) = choices.rest.pop() {
            let depth = self.machine.scope.depth();
            choices.mark = choices.several.then(|| self.machine.scope.mark());
            self.machine.conditions += usize::from(choices.several);
            self.push_scope(&code, binds, *only);
            let found = self.first_of(&candidates, place)?;
            let named = match &found {
                Some(found) => found.name,
                None => self.named(&candidates),
            };
            let expr = name.is_none().then(|| self.text(&code, *template));
            let missing = found.is_none();
            self.depend(Dependency { name: Some(named), expr, missing, ..Dependency::new("include", *only, place) });
            let Some(Found { file, partial, part, .. }) = found else {
                self.leave_include(choices.mark);
                self.escape_include(&code, binds, *only, place);
                continue;
            };
            if self.is_third_time(file, partial) {
                self.leave_include(choices.mark);
                let message = format!("template '{}' includes itself", self.machine.names.text(named));
                self.warn(RECURSIVE, message, place);
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
    fn first_of(&mut self, candidates: &[Candidate], place: Place) -> Outcomes<Option<Found>, R::Error> {
        let mut there = false;
        for Candidate { name, given } in candidates.iter().copied() {
            let (file, partial) = if given.is_some() {
                (given, None)
            } else {
                let (path, partial) = self.split_partial(name);
                (self.resolve(path, &[])?, partial)
            };
            let Some(file) = file else { continue };
            there = true;
            if let Some(part) = self.usable(file, partial, place)? {
                return Ok(Some(Found { file, partial, part, name }));
            }
        }
        if !there {
            let named = self.named(candidates);
            let message = format!("template '{}' cannot be found", self.machine.names.text(named));
            self.warn(MISSING, message, place);
        }
        Ok(None)
    }

    /// Returns the name of a template and that of one of its partials, if it names one.
    fn split_partial(&mut self, name: Sym) -> (Sym, Option<Sym>) {
        let names = &mut self.machine.names;
        let Some((path, partial)) = names.text(name).split_once('#').filter(|_| self.registry.django >= (6, 0)) else {
            return (name, None);
        };
        let (path, partial) = (path.to_owned(), partial.to_owned());
        // Django takes `a.html#` for all of it.
        (names.intern(&path), (!partial.is_empty()).then(|| names.intern(&partial)))
    }

    /// Returns what a tag asked for.
    fn named(&mut self, candidates: &[Candidate]) -> Sym {
        if let [only] = candidates {
            return only.name;
        }
        let names = &mut self.machine.names;
        let all: Vec<&str> = candidates.iter().map(|candidate| names.text(candidate.name)).collect();
        let all = all.join("', '");
        names.intern(&all)
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
                if self.seen.notes.insert(("broken", place.file, place.span.start)) {
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
        let (mut first, mut found) = (None, None);
        for name in names {
            let name = self.machine.names.intern(name);
            first.get_or_insert(name);
            if self.resolve(name, &[])?.is_some() {
                found = Some(name);
                break;
            }
        }
        let object = object.map(|object| self.machine.names.intern(object));
        self.depend(Dependency {
            name: found.or(first).or(object),
            tag: Some(tag),
            missing: found.is_none() && !names.is_empty(),
            ..Dependency::new("inclusion_tag", true, place)
        });
        Ok(())
    }

    pub(super) fn partial(&mut self, code: &Code, name: Sym, span: Span) {
        let place = code.place(span);
        let body = code.unit.partials.get(&name).copied();
        self.depend(Dependency { name: Some(name), missing: body.is_none(), ..Dependency::new("partial", false, place) });
        let Some(body) = body else { return self.no_partial(code, name, place) };
        if self.is_third_time(code.file, Some(name)) {
            self.warn(RECURSIVE, "the partial renders itself".to_owned(), place);
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
