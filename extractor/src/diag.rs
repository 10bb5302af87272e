//! Errors, warnings and limits.

use std::ops::Deref;

macro_rules! codes {
    ($($name:ident $code:literal $severity:ident $title:literal $help:expr;)*) => {
        $(#[cfg_attr(not(feature = "python"), allow(dead_code))]
        pub(crate) const $name: &str = $code;)*

        /// Every code in order: its severity, what it is about, and what to do where nothing better is known.
        pub(crate) const CODES: &[About] = &[$(About { code: $code, severity: stringify!($severity), title: $title, help: $help },)*];
    };
}

codes! {
    SYNTAX "DA001" error "a tag is written wrongly" None;
    INVALID_TAG "DA002" error "no such tag here" Some("correct its name, or load the library that has it");
    UNCLOSED "DA003" error "a tag is not closed" None;
    EXPRESSION "DA004" error "an expression is written wrongly" Some("write a name, a number or a \"text\", and filters: name|filter:argument");
    LIBRARY "DA005" error "no such library" Some("is the app that has it in INSTALLED_APPS?");
    RELATIVE "DA006" error "a relative name leads nowhere" Some("'./' is the folder of the template itself, '../' the one above; or write the whole name");
    NO_PARTIAL "DA007" error "no such partial" Some("define it with {% partialdef %} in the same template");
    FILTER "DA008" error "no such filter" Some("correct its name, or load the library that has it");
    NOT_IN_LIBRARY "DA009" error "a library does not have what is loaded from it" Some("load what it has, or all of it: {% load library %}");
    RECURSIVE "DA101" warn "a template includes itself" Some("deeper rounds are served with live objects");
    MISSING "DA102" warn "a template cannot be found" Some("is its name right, and its app in INSTALLED_APPS? Until it is there, all values stay live objects");
    DYNAMIC "DA103" warn "only a variable knows the template" Some("the context of a page may tell its name; where it does not, all values stay live objects");
    BROKEN "DA104" error "an included template is malformed" None;
    SKIPPED "DA105" warn "a tag that is not known may make sense of this" Some("what cannot be understood was left out: the tag that is not known may read any value anyway");
    TOO_LARGE "DA901" error "the template is too large" Some("raise DJUST_AST['MAX_TEMPLATE_BYTES']");
    TOO_DEEP "DA902" error "tags are nested too deep" Some("raise DJUST_AST['MAX_DEPTH']");
    TOO_MANY_PATHS "DA903" error "too many values are read" Some("raise DJUST_AST['MAX_PATHS']");
    TOO_MANY_INCLUDES "DA904" error "templates include one another too deep" Some("raise DJUST_AST['MAX_INCLUDES']");
    TOO_LONG_PATH "DA905" error "a path is too long" Some("bind a part of it to a name in the view");
    TOO_MUCH_WORK "DA906" error "the template renders too many parts" Some("include less in loops of includes");
    NOT_TEXT "DA907" error "the template is not text" Some("lone surrogates come from files that were decoded with errors=\"surrogateescape\"");
}

/// A kind of error or warning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) code: &'static str,
    pub(crate) severity: &'static str,
    #[cfg_attr(not(feature = "python"), allow(dead_code))]
    pub(crate) title: &'static str,
    pub(crate) help: Option<&'static str>,
}

/// Returns what is known of a code.
pub(crate) fn about(code: &str) -> Option<&'static About> {
    CODES.binary_search_by(|row| row.code.cmp(code)).ok().and_then(|row| CODES.get(row))
}

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
///
/// It is boxed, since nearly all results are none and should be small.
#[derive(Clone, Debug)]
pub struct Error(Box<Reason>);

/// What an [`Error`] says.
#[derive(Clone, Debug)]
pub struct Reason {
    /// `DA0..` for what Django refuses too, `DA9..` for our limits.
    pub code: &'static str,
    /// Django's words where Django has an error for it.
    pub message: String,
    /// What to do, if we know.
    pub help: Option<String>,
    /// Where.
    pub span: Span,
}

impl Deref for Error {
    type Target = Reason;

    fn deref(&self) -> &Reason {
        &self.0
    }
}

impl Error {
    #[cold]
    pub(crate) fn new(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self(Box::new(Reason { code, message: message.into(), help: None, span }))
    }

    #[cold]
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Returns the same with another code and help.
    pub(crate) fn recoded(mut self, code: &'static str, help: Option<String>) -> Self {
        (self.0.code, self.0.help) = (code, help);
        self
    }

    /// Returns what to do: what is known of this error, or else of its code.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.help.as_deref().or_else(|| about(self.code)?.help)
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
    pub(crate) error: Error,
    pub(crate) file: usize,
}
