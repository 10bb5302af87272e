//! Templates and partials that render in the middle of others.

use super::files::Code;
use super::lineage::{Chain, Lineage};
use super::notes::Dependency;
use super::{Linker, Outcomes, Then, Trouble};
use crate::diag::{BROKEN, DYNAMIC, Diag, Error, MAX_INCLUDES, MISSING, NO_PARTIAL, RECURSIVE, Span, TOO_MANY_INCLUDES};
use crate::names::Sym;
use crate::resolver::Resolver;
use crate::tree::{Place, Uses};
use crate::unit::{ExprId, Op};

pub(super) struct Active {
    pub(super) file: usize,
    pub(super) partial: Option<Sym>,
    pub(super) depth: usize,
}

impl<R: Resolver> Linker<'_, R> {
    pub(super) fn include(&mut self, code: &Code, op: &Op) -> Outcomes<(), R::Error> {
        let Op::Include { template, name, binds, only, span } = op else { return Ok(()) };
        let place = code.place(*span);
        let mut dependency =
            Dependency { kind: "include", name: name.clone(), expr: None, tag: None, only: *only, missing: false, place };
        let Some(name) = name else {
            self.read(code, *template, Uses::ARG);
            dependency.expr = Some(self.text(code, *template));
            self.depend(dependency);
            self.warn(DYNAMIC, "which template is included is only known when it renders", place);
            self.escape_include(code, binds, *only, place);
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
            self.escape_include(code, binds, *only, place);
            return Ok(());
        };
        if self.is_third_time(found, partial) {
            self.warn(RECURSIVE, &format!("template '{name}' includes itself"), place);
            self.cut(found, partial);
            self.escape_binds(code, binds);
            return Ok(());
        }
        if self.active.len() > MAX_INCLUDES {
            let message = format!("templates include one another more than {MAX_INCLUDES} deep");
            return Err(Trouble::Template(code.file, Error::new(TOO_MANY_INCLUDES, *span, message)));
        }
        let depth = self.machine.scope.depth();
        self.push_scope(code, binds, *only);
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
            Some(name) => self.code(file).map(|code| code.unit.partials.contains_key(&name).then_some((file, None))),
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
    pub(super) fn inclusion(&mut self, tag: Sym, template: Option<&str>, place: Place) -> Outcomes<(), R::Error> {
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

    pub(super) fn partial(&mut self, code: &Code, name: Sym, span: Span) {
        let place = code.place(span);
        let body = code.unit.partials.get(&name).copied();
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
        if self.is_third_time(code.file, Some(name)) {
            self.warn(RECURSIVE, "the partial renders itself", place);
            return self.cut(code.file, Some(name));
        }
        self.active.push(Active { file: code.file, partial: Some(name), depth: self.machine.scope.depth() });
        self.run(code, body, Then::Partial);
    }
}
