//! The ends of tags of which nothing is known.

use rustc_hash::FxHashMap;

use crate::lexer::{Kind, Token};
use crate::unicode::first_word;

/// Returns which tag `end<name>` or `end_<name>` closes, by rows: the innermost one of that name that is open.
pub(super) fn match_closers<'s>(tokens: impl Iterator<Item = Token<'s>>) -> FxHashMap<usize, usize> {
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut by_name: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
    let mut closers = FxHashMap::default();
    for (row, token) in tokens.enumerate().filter(|(_, token)| token.kind == Kind::Block && !token.contents.is_empty()) {
        let command = first_word(token.contents);
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
