//! One file as a program: what it reads, binds and renders, in order; names are not resolved yet.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diag::{
    Diag, Error, INVALID_TAG, LIBRARY, MAX_DEPTH, MAX_TEMPLATE_BYTES, SKIPPED, SYNTAX, Span, TOO_DEEP, TOO_LARGE, UNCLOSED,
};
use crate::diag::{EXPRESSION, Lines};
use crate::expr::{self, Expr, Filters, Operand};
use crate::filters::Filter;
use crate::lexer::{Kind, Token, lex};
use crate::names::{Names, Sym};
use crate::registry::{Library, Registry, TagSpec};
use crate::split::{Bit, split_contents};
use crate::tags::{self, Section, Turn};
use crate::tree::Uses;

/// An expression of a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExprId(u32);

/// A list of operations of a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyId(u32);

/// What is wanted of the value of an expression.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Want {
    /// The value itself, used so.
    Use(Uses),
    /// A look for a member: `x in value`.
    Members,
    /// Language codes, or pairs that start with one.
    Languages,
}

/// A read of an expression; `maybe` if an operand before it decides whether it is read at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) expr: ExprId,
    pub(crate) want: Want,
    pub(crate) maybe: bool,
}

/// What a template does.
#[derive(Debug)]
pub(crate) enum Op {
    Read(Read),
    /// The name of the tag or filter which an escaping expression goes to.
    Escape {
        expr: ExprId,
        tag: Sym,
    },
    /// `block.super`, if that is what the expression reads.
    Super(ExprId),
    With {
        binds: Vec<(Sym, ExprId)>,
        body: BodyId,
    },
    For {
        vars: Vec<Sym>,
        sequence: ExprId,
        body: BodyId,
        empty: Option<BodyId>,
    },
    If {
        arms: Vec<(Vec<Read>, BodyId)>,
        otherwise: Option<BodyId>,
    },
    /// A body that always runs.
    Run(BodyId),
    /// A body that may run.
    Maybe(BodyId),
    /// Binds a value of no interest.
    Assign(Sym),
    Cycle {
        values: Vec<ExprId>,
        name: Sym,
    },
    Regroup {
        target: ExprId,
        key: ExprId,
        name: Sym,
    },
    Block {
        name: Sym,
        body: BodyId,
    },
    Include {
        template: ExprId,
        name: Option<String>,
        binds: Vec<(Sym, ExprId)>,
        only: bool,
        span: Span,
    },
    Inclusion {
        tag: Sym,
        template: Option<String>,
        span: Span,
    },
    Partial {
        name: Sym,
        span: Span,
    },
    /// A top-level name, dots and all.
    Key {
        name: Sym,
        uses: Uses,
        maybe: bool,
        span: Span,
    },
    /// Code that reads these names of the context, or any.
    Context {
        tag: Sym,
        reads: Option<Vec<Sym>>,
        span: Span,
    },
}

/// How a template names its parent.
#[derive(Debug)]
pub(crate) struct Extends {
    pub(crate) expr: ExprId,
    pub(crate) name: Option<String>,
    pub(crate) span: Span,
}

/// A parsed file.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    pub(crate) exprs: Vec<Expr>,
    pub(crate) bodies: Vec<Vec<Op>>,
    pub(crate) top: Option<BodyId>,
    /// Every block, for a parent that is not known.
    pub(crate) all_blocks: Option<BodyId>,
    pub(crate) extends: Option<Extends>,
    pub(crate) blocks: Vec<(Sym, BodyId)>,
    pub(crate) partials: FxHashMap<Sym, BodyId>,
    pub(crate) unknown: Vec<String>,
    pub(crate) libraries: Vec<String>,
    pub(crate) diags: Vec<Diag>,
}

impl Unit {
    pub(crate) fn expr(&self, id: ExprId) -> Option<&Expr> {
        self.exprs.get(id.0 as usize)
    }

    pub(crate) fn body(&self, id: BodyId) -> &[Op] {
        self.bodies.get(id.0 as usize).map_or(&[], |ops| ops)
    }
}

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
    /// Returns the first bit, the tag's name, and the other bits.
    pub(crate) fn bits(&self) -> Result<Vec<Bit<'s>>, Error> {
        split_contents(self.contents, self.at)
    }

    /// Returns the words after the tag's name, for tags that do not know quotes.
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

enum Loaded<'a> {
    All(&'a Library),
    Some(&'a Library, Vec<String>),
}

/// Django's parser, with frames of its own instead of recursion.
pub(crate) struct Parser<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) names: &'a mut Names,
    pub(crate) unit: Unit,
    pub(crate) template: Option<&'a str>,
    pub(crate) named_cycles: FxHashMap<Sym, (Vec<ExprId>, bool)>,
    pub(crate) any_cycle: bool,
    pub(crate) block_names: FxHashSet<Sym>,
    source: &'a str,
    loaded: Vec<Loaded<'a>>,
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
    let parser = Parser {
        registry,
        names,
        unit: Unit::default(),
        template,
        named_cycles: FxHashMap::default(),
        any_cycle: false,
        block_names: FxHashSet::default(),
        source,
        loaded: vec![Loaded::All(&registry.builtins)],
        tokens: lex(source, registry.dotall),
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
        let spec = self.find_tag(command);
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

    /// Adds an operation to the body that is being read.
    pub(crate) fn emit(&mut self, op: Op) {
        self.ops.push(op);
    }

    /// Adds a read of a value itself.
    pub(crate) fn read(&mut self, expr: ExprId, uses: Uses) {
        self.emit(Op::Read(Read { expr, want: Want::Use(uses), maybe: false }));
    }

    /// Adds a read of each bit as an argument.
    pub(crate) fn argument(&mut self, bit: &Bit<'_>, uses: Uses) -> Result<(), Error> {
        let expr = self.compile(bit)?;
        self.read(expr, uses);
        Ok(())
    }

    /// Adds a binding of a name to a value of no interest.
    pub(crate) fn assign(&mut self, name: &str) {
        let name = self.names.intern(name);
        self.emit(Op::Assign(name));
    }

    /// Returns a body of these operations.
    pub(crate) fn body(&mut self, ops: Vec<Op>) -> BodyId {
        let id = BodyId(u32::try_from(self.unit.bodies.len()).unwrap_or(u32::MAX));
        self.unit.bodies.push(ops);
        id
    }

    /// Returns the expression that a bit is, as `parser.compile_filter`.
    pub(crate) fn compile(&mut self, bit: &Bit<'_>) -> Result<ExprId, Error> {
        self.compile_text(&bit.text, bit.at)
    }

    /// Returns the expression that `text` is.
    pub(crate) fn compile_text(&mut self, text: &str, at: usize) -> Result<ExprId, Error> {
        let expr = expr::parse(text, at, &Scope { registry: self.registry, loaded: &self.loaded }, self.names)?;
        Ok(self.add(expr))
    }

    /// Notes that the first name of an expression is not written, but the rest is, from `at`.
    pub(crate) fn start_at(&mut self, id: ExprId, at: usize) {
        if let Some(Expr { head: Operand::Path(path), .. }) = self.unit.exprs.get_mut(id.0 as usize) {
            path.start = at;
        }
    }

    fn add(&mut self, expr: Expr) -> ExprId {
        let id = ExprId(u32::try_from(self.unit.exprs.len()).unwrap_or(u32::MAX));
        let is_super =
            matches!(&expr.head, Operand::Path(path) if path.segments.iter().skip(1).any(|step| step.name == self.super_name));
        self.unit.exprs.push(expr);
        if is_super {
            self.emit(Op::Super(id));
        }
        id
    }

    /// Returns the bindings at the front of `bits` and how many bits they take, as `token_kwargs`.
    pub(crate) fn keywords(&mut self, bits: &[Bit<'_>], legacy: bool) -> Result<(Vec<(Sym, ExprId)>, usize), Error> {
        let mut binds: Vec<(Sym, ExprId)> = Vec::new();
        let modern = bits.first().is_some_and(|bit| bit.keyword().0.is_some());
        let mut used = 0;
        if !modern && !legacy {
            return Ok((binds, used));
        }
        while let Some(bit) = bits.get(used) {
            let (name, value, width) = match (bit.keyword(), bits.get(used + 1), bits.get(used + 2)) {
                ((Some(name), value), _, _) if modern => (name, value, 1),
                (_, Some(word), Some(name)) if !modern && *word == "as" => (&*name.text, bit.clone(), 3),
                _ => break,
            };
            let name = self.names.intern(name);
            let value = self.compile(&value)?;
            binds.push((name, value));
            used += width;
            if !modern {
                if bits.get(used).is_none_or(|word| *word != "and") {
                    break;
                }
                used += 1;
            }
        }
        Ok((binds, used))
    }

    /// Returns what the loaded libraries say of a tag; the last one loaded wins.
    fn find_tag(&self, name: &str) -> Option<&'a TagSpec> {
        self.loaded.iter().rev().find_map(|loaded| match loaded {
            Loaded::All(library) => library.tags.get(name),
            Loaded::Some(library, only) => only.iter().any(|known| known == name).then(|| library.tags.get(name)).flatten(),
        })
    }

    /// Loads a library, or a part of it.
    pub(crate) fn load(&mut self, label: &Bit<'_>, only: Option<&[Bit<'_>]>) -> Result<(), Error> {
        let registry = self.registry;
        let Some(library) = registry.libraries.get(&*label.text) else {
            let known: Vec<&str> = registry.libraries.keys().map(String::as_str).collect();
            let message = format!("'{}' is not a registered tag library. Must be one of:\n{}", label.text, known.join("\n"));
            return Err(Error::new(LIBRARY, label.span(), message));
        };
        if !self.unit.libraries.iter().any(|known| known == &label.text) {
            self.unit.libraries.push(label.text.to_string());
        }
        let Some(only) = only else {
            self.loaded.push(Loaded::All(library));
            return Ok(());
        };
        for bit in only {
            if !library.tags.contains_key(&*bit.text) && !library.filters.contains_key(&*bit.text) {
                let message = format!("'{}' is not a valid tag or filter in tag library '{}'", bit.text, label.text);
                return Err(Error::new(LIBRARY, bit.span(), message));
            }
        }
        self.loaded.push(Loaded::Some(library, only.iter().map(|bit| bit.text.to_string()).collect()));
        Ok(())
    }

    /// Returns whether anything but text came before in this list of nodes.
    pub(crate) fn has_nontext(&self) -> bool {
        self.nontext
    }

    /// Returns the row of the token that closes an unknown tag, if any does.
    pub(crate) fn closer_of(&mut self, row: usize) -> Option<usize> {
        let tokens = &self.tokens;
        self.closers.get_or_insert_with(|| match_closers(tokens)).get(&row).copied()
    }

    /// Returns the line of a byte offset.
    pub(crate) fn line(&mut self, at: usize) -> usize {
        let source = self.source;
        self.lines.get_or_insert_with(|| Lines::new(source)).line(at)
    }

    /// Returns Django's error for a tag that is not known, or not expected here.
    pub(crate) fn invalid(&mut self, tag: &TagToken<'_>) -> Error {
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
        let error = Error::new(INVALID_TAG, tag.span, message);
        match self.registry.providers(command, false).as_slice() {
            [] => error,
            labels => error.with_help(format!("add {{% load {} %}}", labels.join(" %} or {% load "))),
        }
    }

    fn unclosed(&mut self, tag: TagToken<'_>, until: &str) -> Error {
        let line = self.line(tag.span.start);
        let message = format!("Unclosed tag on line {line}: '{}'. Looking for one of: {until}.", tag.command);
        Error::new(UNCLOSED, tag.span, message)
    }
}

/// The filters that are loaded where an expression stands.
struct Scope<'p, 'a> {
    registry: &'a Registry,
    loaded: &'p [Loaded<'a>],
}

impl Filters for Scope<'_, '_> {
    fn find(&self, name: &str, span: Span) -> Result<Filter, Error> {
        let found = self.loaded.iter().rev().find_map(|loaded| match loaded {
            Loaded::All(library) => library.filters.get(name),
            Loaded::Some(library, only) => only.iter().any(|known| known == name).then(|| library.filters.get(name)).flatten(),
        });
        found.copied().ok_or_else(|| {
            let error = Error::new(EXPRESSION, span, format!("Invalid filter: '{name}'"));
            match self.registry.providers(name, true).as_slice() {
                [] => error,
                labels => error.with_help(format!("add {{% load {} %}}", labels.join(" %} or {% load "))),
            }
        })
    }

    fn old_numbers(&self) -> bool {
        self.registry.django < (6, 0)
    }
}

/// Returns the filters of the builtin libraries, for expressions outside of a template.
pub(crate) fn builtin_filters(registry: &Registry) -> impl Filters + '_ {
    Builtins { registry, loaded: [Loaded::All(&registry.builtins)] }
}

struct Builtins<'a> {
    registry: &'a Registry,
    loaded: [Loaded<'a>; 1],
}

impl Filters for Builtins<'_> {
    fn find(&self, name: &str, span: Span) -> Result<Filter, Error> {
        Scope { registry: self.registry, loaded: &self.loaded }.find(name, span)
    }

    fn old_numbers(&self) -> bool {
        self.registry.django < (6, 0)
    }
}

/// Returns which tag `end<name>` or `end_<name>` closes, by rows: the innermost one of that name that is open.
fn match_closers(tokens: &[Token<'_>]) -> FxHashMap<usize, usize> {
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut by_name: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
    let mut closers = FxHashMap::default();
    for (row, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Block) {
        let Some((_, command)) = crate::unicode::words(token.contents).next() else { continue };
        let names = command.strip_prefix("end").map(|name| (name, name.strip_prefix('_').unwrap_or(name)));
        let target = names.and_then(|(plain, bare)| {
            [plain, bare].into_iter().find(|name| by_name.get(name).is_some_and(|rows| !rows.is_empty()))
        });
        let Some(target) = target else {
            open.push((command, row));
            by_name.entry(command).or_default().push(row);
            continue;
        };
        while let Some((name, opener)) = open.pop() {
            by_name.entry(name).or_default().pop();
            if name == target {
                closers.insert(opener, row);
                break;
            }
        }
    }
    closers
}

/// Returns the file's name made absolute, by Django's rules for `./` and `../`.
pub(crate) fn relative(template: Option<&str>, bit: &Bit<'_>, recursion: bool) -> Result<Option<String>, Error> {
    let refuse = |message: String| Err(Error::new(crate::diag::RELATIVE, bit.span(), message));
    let name = bit.text.trim_matches(['\'', '"']);
    if !name.starts_with("./") && !name.starts_with("../") {
        return Ok(None);
    }
    let Some(template) = template else {
        return refuse(format!("The relative path {} cannot be evaluated due to an unknown template origin.", bit.text));
    };
    let current = template.trim_start_matches('/');
    let folder = current.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(name.split('/')).filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." && parts.last().is_some_and(|last| *last != "..") {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let joined = parts.join("/");
    if joined.starts_with("../") {
        return refuse(format!(
            "The relative path '{}' points outside the file hierarchy that template '{template}' is in.",
            bit.text
        ));
    }
    if !recursion && joined == current {
        return refuse(format!(
            "The relative path '{}' was translated to template name '{template}', the same template in which the tag appears.",
            bit.text
        ));
    }
    Ok(Some(joined))
}
