//! The expression of `{% if %}`: Django's top-down operator precedence parser, with a stack of its own.

use smallvec::{SmallVec, smallvec};

use crate::diag::Error;
use crate::parser::{Parser, TagToken};
use crate::split::Bit;
use crate::tree::Uses;
use crate::unit::{ExprId, Read, Reads, Want};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Not,
    In,
    Is,
    Compare,
}

impl Operator {
    fn binding(self) -> u8 {
        match self {
            Operator::Or => 6,
            Operator::And => 7,
            Operator::Not => 8,
            Operator::In => 9,
            Operator::Is | Operator::Compare => 10,
        }
    }

    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "or" => Operator::Or,
            "and" => Operator::And,
            "not" => Operator::Not,
            "in" | "not in" => Operator::In,
            "is" | "is not" => Operator::Is,
            "==" | "!=" | ">" | ">=" | "<" | "<=" => Operator::Compare,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy)]
enum Node {
    Leaf(ExprId),
    Not(usize),
    Infix(Operator, usize, usize),
}

enum Word<'b> {
    Operator(Operator, &'b str),
    Operand(ExprId, &'b str),
}

type Words<'b> = SmallVec<[Word<'b>; 4]>;
type Nodes = SmallVec<[Node; 4]>;

/// Returns the reads of the tag's condition in the order in which they happen.
pub(super) fn condition(parser: &mut Parser<'_>, tag: &TagToken<'_>) -> Result<Reads, Error> {
    let bits = tag.bits()?;
    if let [_, only] = bits.as_slice()
        && Operator::of(&only.text).is_none()
    {
        let read = Read { lenient: true, ..Read::of(parser.compile(only)?, Uses::BOOL) };
        return Ok(smallvec![read]);
    }
    let words = words(parser, bits.get(1..).unwrap_or(&[]))?;
    let (nodes, root) = tree(tag, &words)?;
    Ok(reads(parser, &nodes, root))
}

fn words<'b>(parser: &mut Parser<'_>, bits: &'b [Bit<'_>]) -> Result<Words<'b>, Error> {
    let mut words = Words::new();
    let mut bits = bits.iter().peekable();
    while let Some(bit) = bits.next() {
        let pair = match (&*bit.text, bits.peek()) {
            ("is", Some(next)) if **next == "not" => Some("is not"),
            ("not", Some(next)) if **next == "in" => Some("not in"),
            _ => None,
        };
        if pair.is_some() {
            bits.next();
        }
        let word = pair.unwrap_or(&bit.text);
        words.push(match Operator::of(word) {
            Some(operator) => Word::Operator(operator, word),
            None => Word::Operand(parser.compile(bit)?, word),
        });
    }
    Ok(words)
}

/// Returns the nodes of the expression and the index of its root.
fn tree(tag: &TagToken<'_>, words: &[Word<'_>]) -> Result<(Nodes, usize), Error> {
    let mut nodes = Nodes::new();
    let mut pending: SmallVec<[(Operator, Option<usize>); 4]> = SmallVec::new();
    let mut words = words.iter().peekable();
    loop {
        match words.next() {
            None => return Err(tag.error("Unexpected end of expression in if tag.")),
            Some(Word::Operator(Operator::Not, _)) => {
                pending.push((Operator::Not, None));
                continue;
            }
            Some(Word::Operator(_, word)) => {
                return Err(tag.error(format!("Not expecting '{word}' in this position in if tag.")));
            }
            Some(Word::Operand(expr, _)) => nodes.push(Node::Leaf(*expr)),
        }
        let mut left = nodes.len() - 1;
        loop {
            let right = pending.last().map_or(0, |(operator, _)| operator.binding());
            match words.peek() {
                Some(Word::Operator(operator, word)) if right < operator.binding() => {
                    if *operator == Operator::Not {
                        return Err(tag.error(format!("Not expecting '{word}' as infix operator in if tag.")));
                    }
                    pending.push((*operator, Some(left)));
                    words.next();
                    break;
                }
                rest => {
                    let Some((operator, first)) = pending.pop() else {
                        return match rest {
                            None => Ok((nodes, left)),
                            Some(Word::Operator(_, word) | Word::Operand(_, word)) => {
                                Err(tag.error(format!("Unused '{word}' at end of if expression.")))
                            }
                        };
                    };
                    nodes.push(match first {
                        None => Node::Not(left),
                        Some(first) => Node::Infix(operator, first, left),
                    });
                    left = nodes.len() - 1;
                }
            }
        }
    }
}

/// Walks the expression: the right side of `and` and `or` may not be read, nor that of an operator whose left one fails.
fn reads(parser: &Parser<'_>, nodes: &[Node], root: usize) -> Reads {
    let mut reads = Reads::new();
    let mut todo: SmallVec<[(usize, Want, bool); 4]> = smallvec![(root, Want::Use(Uses::BOOL), false)];
    while let Some((at, want, maybe)) = todo.pop() {
        match nodes.get(at) {
            None => {}
            Some(Node::Leaf(expr)) => reads.push(Read { expr: *expr, want, maybe, lenient: true }),
            Some(Node::Not(inner)) => todo.push((*inner, Want::Use(Uses::BOOL), maybe)),
            Some(Node::Infix(operator, left, right)) => {
                let (first, second, later) = match operator {
                    // The value of `a or b` may itself be compared or looked into.
                    Operator::Or | Operator::And => (also_bool(want), want, true),
                    Operator::In => (Want::Use(Uses::CMP), Want::Members, maybe),
                    Operator::Is => {
                        let constant = |at: usize| is_constant(parser, nodes.get(at));
                        let want = if constant(*left) || constant(*right) { Uses::CMP } else { Uses::ESC };
                        (Want::Use(want), Want::Use(want), maybe)
                    }
                    Operator::Compare | Operator::Not => (Want::Use(Uses::CMP), Want::Use(Uses::CMP), maybe),
                };
                let later = later || fails(parser, nodes.get(*left));
                todo.push((*right, second, later));
                todo.push((*left, first, maybe));
            }
        }
    }
    reads
}

fn also_bool(want: Want) -> Want {
    match want {
        Want::Use(uses) => Want::Use(uses.and(Uses::BOOL)),
        other => other,
    }
}

/// Returns whether an operand may have no value at all, which makes the whole operation false.
fn fails(parser: &Parser<'_>, node: Option<&Node>) -> bool {
    matches!(node, Some(Node::Leaf(expr)) if parser.unit.exprs.fails(*expr, parser.names))
}

fn is_constant(parser: &Parser<'_>, node: Option<&Node>) -> bool {
    let Some(Node::Leaf(expr)) = node else { return false };
    parser.unit.exprs.bare_name(*expr).is_some_and(|name| ["None", "True", "False"].contains(&parser.names.text(name)))
}
