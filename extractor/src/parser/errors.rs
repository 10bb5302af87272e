//! What Django says of a tag that is not known, not expected here, or never closed.

use super::{Parser, TagToken};
use crate::diag::{Error, INVALID_TAG, UNCLOSED};

impl Parser<'_> {
    /// Returns Django's error for a tag that is not known, or not expected here.
    pub(super) fn invalid(&mut self, tag: &TagToken<'_>) -> Error {
        let until = self.frames.last().map_or_else(Vec::new, |frame| frame.section.until().list());
        self.invalid_with(tag, tag.command, &until.iter().map(|until| format!("'{until}'")).collect::<Vec<_>>())
    }

    pub(crate) fn invalid_with(&mut self, tag: &TagToken<'_>, command: &str, until: &[String]) -> Error {
        let line = self.line(tag.span.start);
        let expected = match until {
            [] => String::new(),
            [only] => format!(", expected {only}"),
            [first @ .., last] => format!(", expected {} or {last}", first.join(", ")),
        };
        let message =
            format!("Invalid block tag on line {line}: '{command}'{expected}. Did you forget to register or load this tag?");
        Error::new(INVALID_TAG, tag.name(), message)
    }

    pub(super) fn unclosed(&mut self, tag: TagToken<'_>, until: &str) -> Error {
        let line = self.line(tag.span.start);
        let message = format!("Unclosed tag on line {line}: '{}'. Looking for one of: {until}.", tag.command);
        let closer = until.rsplit(", ").next().unwrap_or(until);
        Error::new(UNCLOSED, tag.span, message).with_help(format!("close it with {{% {closer} %}}"))
    }
}
