//! Names of templates that only the context knows: what is asked about them, and the files of the answer.

use super::files::Code;
use super::{Linker, Outcomes, Trouble};
use crate::expr::{Call, Exprs, Operand};
use crate::resolver::{Answer, Question, Resolver, Source, Target};
use crate::tree::Uses;
use crate::unit::ExprId;
use crate::value::Thing;

impl<R: Resolver> Linker<'_, R> {
    /// Returns the templates that an expression may name where it is replayed, or why nobody knows.
    pub(super) fn choose(&mut self, kind: &'static str, code: &Code, expr: ExprId) -> Outcomes<Answer, R::Error> {
        let Some(question) = self.question(kind, code, expr) else {
            return Ok(Answer::Unknown("the template makes the name itself".to_owned()));
        };
        if let Some(answer) = self.seen.answers.get(&question) {
            return Ok(answer.clone());
        }
        let answer = self.resolver.choose(&question).map_err(Trouble::Resolver)?;
        if let Answer::Any(choices) = &answer {
            for target in choices.iter().flatten() {
                if let Target::Given { number, name, template, source } = target
                    && *number == self.files.len()
                {
                    self.add_file(Some(name.clone()), template.clone(), source.clone().into());
                }
            }
        }
        self.seen.answers.insert(question, answer.clone());
        Ok(answer)
    }

    fn question(&mut self, kind: &'static str, code: &Code, expr: ExprId) -> Option<Question> {
        let exprs = &code.unit.exprs;
        let expr = exprs.get(expr)?;
        let head = self.sources(exprs, &expr.head, code.file)?;
        let calls = exprs.calls(expr).iter().map(|call| self.call(exprs, call, code.file)).collect::<Option<_>>()?;
        Some(Question { kind, file: code.file, head, calls })
    }

    fn call(&mut self, exprs: &Exprs, call: &Call, file: usize) -> Option<(String, Option<Vec<Source>>)> {
        if call.filter.input.has(Uses::ESC) {
            return None;
        }
        let label = self.machine.names.text(call.label);
        let name = label.split_once(':').map_or(label, |(name, _)| name).to_owned();
        match &call.argument {
            None => Some((name, None)),
            Some(argument) => Some((name, Some(self.sources(exprs, argument, file)?))),
        }
    }

    /// Returns where the value of an operand comes from, if all of it is the context's or a literal.
    fn sources(&mut self, exprs: &Exprs, operand: &Operand, file: usize) -> Option<Vec<Source>> {
        if let Operand::Text { text, translated } = operand {
            return (!translated).then(|| vec![Source::Text(self.machine.names.text(*text).to_owned())]);
        }
        let value = self.machine.operand(exprs, operand, file);
        if value.maybe || value.things.is_empty() {
            return None;
        }
        let names = &self.machine.names;
        let tree = &self.machine.tree;
        let source = |thing: &Thing| match thing {
            Thing::Text(text) => Some(Source::Text(names.text(*text).to_owned())),
            Thing::Node(id) => {
                let steps = tree.steps(*id).into_iter();
                Some(Source::Path(steps.map(|step| step.map(|name| names.text(name).to_owned())).collect()))
            }
            _ => None,
        };
        value.things.iter().map(source).collect()
    }
}
