//! Django's parser: turns the tokens of a file into its program, with frames of its own instead of recursion.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diag::{Diag, Error, Lines, MAX_DEPTH, MAX_TEMPLATE_BYTES, SKIPPED, SYNTAX, Span, TOO_DEEP, TOO_LARGE};
use crate::lexer::{Kind, Token, lex};
use crate::names::{Names, Sym};
use crate::registry::{Registry, TagSpec};
use crate::split::{Bit, split_contents};
use crate::tags::{self, Section, Turn};
use crate::tree::Uses;
use crate::unit::{ExprId, Op, Unit};

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
    pub(crate) fn bits(&self) -> Result<Vec<Bit<'s>>, Error> {
        split_contents(self.contents, self.at)
    }

    /// Returns the words, the tag's name first, for tags that do not know quotes.
    pub(crate) fn words(&self) -> Vec<Bit<'s>> {
        crate::unicode::words(self.contents).map(|(start, word)| Bit::new(word, self.at + start)).collect()
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> Error {
        Error::new(SYNTAX, self.span, message)
    }
}

struct Frame<'s> {
    token: TagToken<'s>,
    section: Box<dyn Section>,
    ops: Vec<Op>,
}

/// The state of the parser; tags see its public part.
pub(crate) struct Parser<'a> {
    pub(crate) names: &'a mut Names,
    pub(crate) unit: Unit,
    pub(crate) template: Option<&'a str>,
    pub(crate) named_cycles: FxHashMap<Sym, (Vec<ExprId>, bool)>,
    pub(crate) any_cycle: bool,
    pub(crate) block_names: FxHashSet<Sym>,
    pub(crate) loaded: Loaded<'a>,
    source: &'a str,
    tokens: Vec<Token<'a>>,
    next: usize,
    frames: Vec<Frame<'a>>,
    ops: Vec<Op>,
    nontext: bool,
    super_name: Sym,
    closers: Option<FxHashMap<usize, usize>>,
    lines: Option<Lines>,
    file: usize,
}

/// Returns the program of `source`, called `template`, which is file number `file`.
pub(crate) fn parse(
    source: &str,
    template: Option<&str>,
    file: usize,
    registry: &Registry,
    names: &mut Names,
) -> Result<Unit, Error> {
    if source.len() > MAX_TEMPLATE_BYTES {
        let message = format!("the template has {} bytes, more than {MAX_TEMPLATE_BYTES}", source.len());
        return Err(Error::new(TOO_LARGE, Span::default(), message));
    }
    let super_name = names.intern("super");
    let tokens = lex(source, registry.dotall);
    let parser = Parser {
        names,
        unit: Unit::with_capacity(tokens.len()),
        template,
        named_cycles: FxHashMap::default(),
        any_cycle: false,
        block_names: FxHashSet::default(),
        loaded: Loaded::builtins(registry),
        source,
        tokens,
        next: 0,
        frames: Vec::new(),
        ops: Vec::new(),
        nontext: false,
        super_name,
        closers: None,
        lines: None,
        file,
    };
    parser.run()
}

impl<'a> Parser<'a> {
    fn run(mut self) -> Result<Unit, Error> {
        loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => self.recover(error)?,
            }
        }
        let top = std::mem::take(&mut self.ops);
        self.unit.top = Some(self.body(top));
        let blocks = self.unit.blocks.iter().map(|(name, body)| Op::Block { name: *name, body: *body }).collect();
        self.unit.all_blocks = Some(self.body(blocks));
        Ok(self.unit)
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
                    return Err(Error::new(SYNTAX, span, message));
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
        let Some((_, command)) = crate::unicode::words(token.contents).next() else {
            let message = format!("Empty block tag on line {}", self.line(token.start));
            return Err(Error::new(SYNTAX, span, message));
        };
        let tag = TagToken { command, contents: token.contents, at: token.at, span, row: self.next - 1 };
        if !self.unit.unknown.is_empty()
            && let Some(depth) = self.frames.iter().rposition(|frame| frame.section.closer() == Some(tag.row))
        {
            self.flatten(depth + 1);
        }
        if self.frames.last().is_some_and(|frame| frame.section.ends(command, tag.row)) {
            return self.turn(&tag);
        }
        if self.frames.last().is_some_and(|frame| frame.section.absorbs(command, tag.row)) {
            return Ok(());
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
            Some(TagSpec::Unknown) => {
                self.nontext = true;
                tags::unknown::open(self, &tag)
            }
            None => Err(self.invalid(&tag)),
        }
    }

    /// Hands a token for which the innermost tag waits to that tag.
    fn turn(&mut self, tag: &TagToken<'a>) -> Result<(), Error> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let ops = std::mem::take(&mut self.ops);
        let body = self.body(ops);
        self.frames.push(Frame { token: frame.token, section: Box::new(tags::Closed), ops: frame.ops });
        match frame.section.turn(self, tag, body)? {
            Turn::Next(section) => {
                self.nontext = false;
                if let Some(top) = self.frames.last_mut() {
                    top.section = section;
                }
            }
            Turn::Close(op) => {
                if let Some(frame) = self.frames.pop() {
                    let late = std::mem::replace(&mut self.ops, frame.ops);
                    self.ops.extend(late);
                }
                self.nontext = true;
                self.ops.extend(op);
            }
        }
        Ok(())
    }

    /// Goes on after an error where an unknown tag may have made sense of the token, since that tag may read everything anyway.
    fn recover(&mut self, error: Error) -> Result<(), Error> {
        if error.is_limit() || self.unit.unknown.is_empty() {
            return Err(error);
        }
        if self.next >= self.tokens.len() {
            self.flatten(0);
        }
        self.unit.diags.push(Diag { severity: "warn", code: SKIPPED, message: error.message, file: self.file, span: error.span });
        Ok(())
    }

    /// Ends the tags deeper than `depth`; what they had read so far may happen.
    fn flatten(&mut self, depth: usize) {
        while self.frames.len() > depth {
            let Some(frame) = self.frames.pop() else { break };
            let inner = std::mem::replace(&mut self.ops, frame.ops);
            let body = self.body(inner);
            self.ops.push(Op::Maybe(body));
        }
    }

    /// Returns the next token.
    pub(crate) fn token(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.next).copied();
        self.next += usize::from(token.is_some());
        token
    }

    /// Opens a section that runs to the token it waits for.
    pub(crate) fn open(&mut self, tag: &TagToken<'a>, section: Box<dyn Section>) -> Result<(), Error> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(Error::new(TOO_DEEP, tag.span, format!("tags are nested deeper than {MAX_DEPTH}")));
        }
        let ops = std::mem::take(&mut self.ops);
        self.frames.push(Frame { token: *tag, section, ops });
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
        let tokens = &self.tokens;
        self.closers.get_or_insert_with(|| closers::match_closers(tokens)).get(&row).copied()
    }

    /// Returns the line of a byte offset.
    pub(crate) fn line(&mut self, at: usize) -> usize {
        let source = self.source;
        self.lines.get_or_insert_with(|| Lines::new(source)).line(at)
    }
}
