//! Errors and warnings, and the way from a byte offset to a line and a column.

use memchr::memchr_iter;

/// The largest source, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 1 << 20;
/// How deep tags may nest in one file.
pub const MAX_DEPTH: usize = 500;
/// How many values a template may read.
pub const MAX_PATHS: usize = 5_000;
/// How deep templates may include one another, and how long a chain of parents may be.
pub const MAX_INCLUDES: usize = 20;
/// How many steps a path may have, elements of loops included.
pub const MAX_SEGMENTS: usize = 64;
/// How many operations a link may replay.
pub const MAX_STEPS: usize = 1_000_000;

pub(crate) const SYNTAX: &str = "DA001";
pub(crate) const INVALID_TAG: &str = "DA002";
pub(crate) const UNCLOSED: &str = "DA003";
pub(crate) const EXPRESSION: &str = "DA004";
pub(crate) const LIBRARY: &str = "DA005";
pub(crate) const RELATIVE: &str = "DA006";
pub(crate) const NO_PARTIAL: &str = "DA007";
pub(crate) const RECURSIVE: &str = "DA101";
pub(crate) const MISSING: &str = "DA102";
pub(crate) const DYNAMIC: &str = "DA103";
pub(crate) const BROKEN: &str = "DA104";
pub(crate) const SKIPPED: &str = "DA105";
pub(crate) const TOO_LARGE: &str = "DA901";
pub(crate) const TOO_DEEP: &str = "DA902";
pub(crate) const TOO_MANY_PATHS: &str = "DA903";
pub(crate) const TOO_MANY_INCLUDES: &str = "DA904";
pub(crate) const TOO_LONG_PATH: &str = "DA905";
pub(crate) const TOO_MUCH_WORK: &str = "DA906";

/// Where something is written: a byte range of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Byte offset of the first byte.
    pub start: usize,
    /// Number of bytes.
    pub len: usize,
}

impl Span {
    pub(crate) fn new(start: usize, len: usize) -> Self {
        Self { start, len }
    }
}

/// Why a source was refused, without the file, which only the caller knows.
#[derive(Clone, Debug)]
pub struct Error {
    /// `DA0..` for what Django refuses too, `DA9..` for our limits.
    pub code: &'static str,
    /// Django's words where Django has an error for it.
    pub message: String,
    /// What to do, if we know.
    pub help: Option<String>,
    /// Where.
    pub span: Span,
}

impl Error {
    pub(crate) fn new(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, span }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Returns whether the template is well-formed but larger than we want to read.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        self.code.starts_with("DA9")
    }
}

/// Something worth knowing that did not stop the extraction.
#[derive(Clone, Debug)]
pub(crate) struct Diag {
    pub(crate) severity: &'static str,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) file: usize,
    pub(crate) span: Span,
}

/// Finds line and column (in characters, from 1) of byte offsets in one source.
#[derive(Debug)]
pub struct Lines {
    starts: Vec<usize>,
    /// Characters before every `STRIDE` bytes; empty for ASCII.
    chars: Vec<usize>,
}

const STRIDE: usize = 512;

impl Lines {
    /// Returns the index of `source`.
    #[must_use]
    pub fn new(source: &str) -> Self {
        let mut starts = Vec::with_capacity(source.len() / 24 + 8);
        starts.push(0);
        starts.extend(memchr_iter(b'\n', source.as_bytes()).map(|at| at + 1));
        let mut chars = Vec::new();
        if !source.is_ascii() {
            let mut count = 0;
            for chunk in source.as_bytes().chunks(STRIDE) {
                chars.push(count);
                count += count_chars(chunk);
            }
        }
        Self { starts, chars }
    }

    /// Returns the line of `at`, from 1.
    #[must_use]
    pub fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// Returns line, column and length in characters of `span`.
    #[must_use]
    pub fn position(&self, source: &str, span: Span) -> (usize, usize, usize) {
        let line = self.line(span.start);
        let start = line.checked_sub(1).and_then(|row| self.starts.get(row)).copied().unwrap_or(0);
        let first = self.chars_before(source, span.start);
        let column = first - self.chars_before(source, start) + 1;
        (line, column, self.chars_before(source, span.start + span.len) - first)
    }

    /// Returns the text of a line without its end.
    #[must_use]
    pub fn text<'s>(&self, source: &'s str, line: usize) -> &'s str {
        let start = line.checked_sub(1).and_then(|row| self.starts.get(row)).copied().unwrap_or(0);
        let end = self.starts.get(line).map_or(source.len(), |next| next - 1);
        source.get(start..end).unwrap_or("")
    }

    fn chars_before(&self, source: &str, at: usize) -> usize {
        let at = at.min(source.len());
        match self.chars.get(at / STRIDE) {
            None if self.chars.is_empty() => at,
            None => {
                self.chars.last().copied().unwrap_or(0) + count_chars(&source.as_bytes()[(self.chars.len() - 1) * STRIDE..at])
            }
            Some(before) => before + count_chars(&source.as_bytes()[at / STRIDE * STRIDE..at]),
        }
    }
}

fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}
