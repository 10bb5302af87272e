//! What filters read and return.

use smallvec::SmallVec;

use super::Machine;
use crate::diag::Span;
use crate::expr::{Call, Operand};
use crate::filters::Rule;
use crate::tree::{Place, Uses};
use crate::value::{Thing, Value};

/// How many things a value may be before we stop telling them apart.
const MAX_THINGS: usize = 32;

impl Machine {
    /// Returns what a filter may return.
    pub(super) fn apply(&mut self, value: Value, call: &Call, argument: &Value, file: usize, maybe: bool) -> Value {
        let filter = call.filter;
        self.label(&value, call.label);
        if filter.rule == Rule::Format {
            let uses = if self.formats_plainly(call) { filter.input } else { Uses::ESC };
            self.consume(&value, uses, maybe);
        } else if filter.input != Uses::NONE {
            self.consume(&value, filter.input, maybe);
        }
        self.consume(argument, filter.argument, maybe);
        match filter.rule {
            Rule::New | Rule::Format => Value::default(),
            Rule::Perhaps => Value { maybe: true, ..value },
            Rule::Either => self.either(value, argument),
            Rule::Sorted => {
                self.sort_key(&value, call, file, maybe);
                let element = self.element(&value, file);
                let element = self.keep(element);
                Value { things: SmallVec::from_elem(Thing::List(element), 1), ..value }
            }
            Rule::Slice => {
                let part = |thing: &Thing| match thing {
                    Thing::Node(id) => Some(Thing::Part(*id)),
                    Thing::Text(_) => None,
                    other => Some(*other),
                };
                Value { things: value.things.iter().filter_map(part).collect(), ..value }
            }
            Rule::First => self.item(&value, 0),
            Rule::Element => self.element(&value, file),
            Rule::Elements => {
                let element = self.element(&value, file);
                self.consume(&element, Uses::OUT, maybe);
                Value::default()
            }
            Rule::Join => {
                let element = self.element(&value, file);
                self.consume(&element, Uses::OUT, maybe);
                Value { maybe: true, ..value }
            }
            Rule::YesNo => match &call.argument {
                None => Value::default(),
                Some(Operand::Text { text, .. }) if self.names.text(*text).contains(',') => Value::default(),
                Some(_) => Value { maybe: true, ..value },
            },
        }
    }

    /// Returns one value that is either; if it may be too many things, they are all let go.
    pub(crate) fn either(&mut self, mut value: Value, other: &Value) -> Value {
        value.merge(other);
        value.maybe = true;
        if value.things.len() > MAX_THINGS {
            self.consume(&value, Uses::ESC, false);
            value.things.clear();
        }
        value
    }

    fn formats_plainly(&self, call: &Call) -> bool {
        matches!(&call.argument, Some(Operand::Text { text, .. })
            if !self.names.text(*text).contains(['r', 'a', '(']))
    }

    /// Reads the path by which `dictsort` sorts.
    fn sort_key(&mut self, value: &Value, call: &Call, file: usize, maybe: bool) {
        let mut element = self.element(value, file);
        let Some(Operand::Text { text, .. }) = &call.argument else {
            return self.consume(&element, Uses::ESC, maybe);
        };
        let key = self.names.text(*text).to_owned();
        for part in key.split('.') {
            let name = self.names.intern(part);
            let index = part.chars().next().is_some_and(|c| c.is_ascii_digit());
            element = self.step(&element, name, index, Place { file, span: Span::default() });
        }
        self.consume(&element, Uses::CMP, maybe);
    }
}
