//! Django's parser: turns the tokens of a file into its program, with frames of its own instead of recursion.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::diag::{Diag, Error, SKIPPED, SYNTAX, Span, TOO_DEEP, TOO_LARGE};
use crate::lexer::{Kind, Tags, Token, tags as tags_of};
use crate::limits::{Limits, MAX_WARNINGS};
use crate::lines::Lines;
use crate::names::{Names, Sym, SymSet};
use crate::registry::{Registry, TagSpec};
use crate::split::{Bit, Bits, split_contents};
use crate::tags::{self, Section, Turn};
use crate::tree::Uses;
use crate::unicode::first_word;
use crate::unit::{BodyId, ExprId, Op, Unit};

mod advice;
mod closers;
mod emit;
mod errors;
mod loaded;

pub(crate) use loaded::Loaded;

/// A block tag as the parser sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TagToken<'s> {
    pub(crate) command: &'s str,
    pub(crate) contents: &'s str,
    pub(crate) at: usize,
    pub(crate) span: Span,
    pub(crate) row: usize,
}

impl<'s> TagToken<'s> {
    /// Returns the bits, the tag's name first.
    pub(crate) fn bits(&self) -> Result<Bits<'s>, Error> {
        split_contents(self.contents, self.at)
    }

    /// Returns the words, the tag's name first, for tags that do not know quotes.
    pub(crate) fn words(&self) -> Bits<'s> {
        crate::unicode::words(self.contents).map(|(start, word)| Bit::new(word, self.at + start)).collect()
    }

    /// Returns where its name stands.
    pub(crate) fn name(&self) -> Span {
        Span::new(self.at, self.command.len())
    }

    #[cold]
    pub(crate) fn error(&self, message: impl Into<String>) -> Error {
        Error::new(SYNTAX, self.span, message)
    }
}

struct Frame<'s> {
    token: TagToken<'s>,
    section: Box<dyn Section>,
    /// Where the operations of its body start, among all that are pending.
    from: usize,
}

/// The state of the parser; tags see its public part.
pub(crate) struct Parser<'a> {
    pub(crate) names: &'a mut Names,
    pub(crate) unit: &'a mut Unit,
    pub(crate) template: Option<&'a str>,
    pub(crate) named_cycles: FxHashMap<Sym, (Vec<ExprId>, bool)>,
    pub(crate) any_cycle: bool,
    pub(crate) block_names: SymSet,
    pub(crate) loaded: Loaded<'a>,
    source: &'a str,
    tokens: Tags<'a>,
    /// How many tokens came so far.
    next: usize,
    frames: SmallVec<[Frame<'a>; 4]>,
    nontext: bool,
    super_name: Sym,
    closers: Option<FxHashMap<usize, usize>>,
    lines: Option<Lines>,
    file: usize,
    limits: Limits,
}

/// Reads the program of `source`, called `template`, which is file number `file`, to `unit`, which is empty.
pub(crate) fn parse(
    source: &str,
    template: Option<&str>,
    file: usize,
    registry: &Registry,
    names: &mut Names,
    limits: Limits,
    unit: &mut Unit,
) -> Result<(), Error> {
    if source.len() > limits.template_bytes {
        let message = format!("the template has {} bytes, more than {}", source.len(), limits.template_bytes);
        return Err(Error::new(TOO_LARGE, Span::default(), message));
    }
    let super_name = names.intern("super");
    unit.reserve(source.len() / 64);
    let mut parser = Parser {
        names,
        unit,
        template,
        named_cycles: FxHashMap::default(),
        any_cycle: false,
        block_names: SymSet::default(),
        loaded: Loaded::builtins(registry),
        source,
        tokens: tags_of(source, registry.dotall),
        next: 0,
        frames: SmallVec::new(),
        nontext: false,
        super_name,
        closers: None,
        lines: None,
        file,
        limits,
    };
    parser.run()
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), Error> {
        loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    if let Err(error) = self.recover(error) {
                        return Err(self.advise(error));
                    }
                }
            }
        }
        self.unit.top = Some(self.take_body(0));
        self.unit.add_all_blocks();
        Ok(())
    }

    /// Handles one token; returns whether there may be more.
    fn step(&mut self) -> Result<bool, Error> {
        let Some(token) = self.token() else {
            let Some(frame) = self.frames.last() else { return Ok(false) };
            let (opener, until) = (frame.token, frame.section.until().list().join(", "));
            return Err(self.unclosed(opener, &until));
        };
        match token.kind {
            Kind::Text | Kind::Comment => {}
            Kind::Var => {
                self.nontext = true;
                let span = Span::new(token.start, token.end - token.start);
                if token.contents.is_empty() {
                    let message = format!("Empty variable tag on line {}", self.line(token.start));
                    return Err(Error::new(SYNTAX, span, message).with_help("write a name between the braces"));
                }
                let expr = self.compile(&Bit::new(token.contents, token.at))?;
                self.read(expr, Uses::OUT);
            }
            Kind::Block => self.tag(token)?,
        }
        Ok(true)
    }

    fn tag(&mut self, token: Token<'a>) -> Result<(), Error> {
        let span = Span::new(token.start, token.end - token.start);
        let command = first_word(token.contents);
        if command.is_empty() {
            let message = format!("Empty block tag on line {}", self.line(token.start));
            return Err(Error::new(SYNTAX, span, message).with_help("write a tag between the braces"));
        }
        let tag = TagToken { command, contents: token.contents, at: token.at, span, row: self.next - 1 };
        if !self.unit.unknown.is_empty()
            && let Some(depth) = self.frames.iter().rposition(|frame| frame.section.closer() == Some(tag.row))
        {
            self.flatten(depth + 1);
        }
        if self.frames.last().is_some_and(|frame| frame.section.ends(command, tag.row)) {
            return self.turn(&tag);
        }
        let spec = self.loaded.tag(command);
        match spec {
            Some(TagSpec::Native(native)) => {
                if native.name != "extends" {
                    self.nontext = true;
                }
                (native.open)(self, &tag)
            }
            Some(TagSpec::Made(made)) => {
                self.nontext = true;
                tags::made::open(self, &tag, made)
            }
            Some(TagSpec::Specified(spec)) => {
                self.nontext = true;
                tags::specified::open(self, &tag, spec)
            }
            Some(TagSpec::Unknown) => {
                self.nontext = true;
                tags::unknown::open(self, &tag)
            }
            None => Err(self.invalid(&tag)),
        }
    }

    /// Hands a token for which the innermost tag waits to that tag.
    fn turn(&mut self, tag: &TagToken<'a>) -> Result<(), Error> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        let (section, from) = (std::mem::replace(&mut frame.section, Box::new(tags::Closed)), frame.from);
        let body = self.take_body(from);
        match section.turn(self, tag, body)? {
            Turn::Next(section) => {
                self.nontext = false;
                if let Some(top) = self.frames.last_mut() {
                    top.section = section;
                }
            }
            Turn::Close(op) => {
                self.frames.pop();
                self.nontext = true;
                self.unit.pending.extend(op);
            }
        }
        Ok(())
    }

    /// Returns the body of what is pending from `from` on.
    fn take_body(&mut self, from: usize) -> BodyId {
        self.unit.add_pending(from)
    }

    /// Goes on after an error where an unknown tag may have made sense of the token, since that tag may read everything anyway.
    fn recover(&mut self, error: Error) -> Result<(), Error> {
        if error.is_limit() || self.unit.unknown.is_empty() {
            return Err(error);
        }
        if self.tokens.clone().all(|token| token.kind == Kind::Text) {
            self.flatten(0);
        }
        if self.unit.diags.len() < MAX_WARNINGS {
            self.unit.diags.push(Diag { error: error.recoded(SKIPPED, None), file: self.file });
        }
        Ok(())
    }

    /// Ends the tags deeper than `depth`; what they had read so far may happen.
    fn flatten(&mut self, depth: usize) {
        while self.frames.len() > depth {
            let Some(frame) = self.frames.pop() else { break };
            let body = self.take_body(frame.from);
            self.unit.pending.push(Op::Maybe(body));
        }
    }

    /// Returns the next token that is no text.
    pub(crate) fn token(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.find(|token| token.kind != Kind::Text)?;
        self.next += 1;
        Some(token)
    }

    /// Opens a section that runs to the token it waits for.
    pub(crate) fn open(&mut self, tag: &TagToken<'a>, section: Box<dyn Section>) -> Result<(), Error> {
        if self.frames.len() >= self.limits.depth {
            return Err(Error::new(TOO_DEEP, tag.span, format!("tags are nested deeper than {}", self.limits.depth)));
        }
        self.frames.push(Frame { token: *tag, section, from: self.unit.pending.len() });
        self.nontext = false;
        Ok(())
    }

    /// Skips to the tag whose whole contents are `end`.
    pub(crate) fn skip_past(&mut self, tag: &TagToken<'a>, end: &str) -> Result<(), Error> {
        while let Some(token) = self.token() {
            if token.kind == Kind::Block && token.contents == end {
                return Ok(());
            }
        }
        Err(self.unclosed(*tag, end))
    }

    /// Returns whether anything but text came before in this list of nodes.
    pub(crate) fn has_nontext(&self) -> bool {
        self.nontext
    }

    /// Returns the row of the token that closes an unknown tag, if any does.
    pub(crate) fn closer_of(&mut self, row: usize) -> Option<usize> {
        let all = || tags_of(self.source, self.loaded.registry.dotall).filter(|token| token.kind != Kind::Text);
        self.closers.get_or_insert_with(|| closers::match_closers(all())).get(&row).copied()
    }

    /// Returns the line of a byte offset.
    pub(crate) fn line(&mut self, at: usize) -> usize {
        let source = self.source;
        self.lines.get_or_insert_with(|| Lines::new(source)).line(source, at)
    }
}
