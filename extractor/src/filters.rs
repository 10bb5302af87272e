//! What each filter of Django does with its input.

use crate::tree::Uses;

/// What a filter needs of its input and its argument, and what comes out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    /// Smallest and largest number of arguments, the input included; `None` is not checked.
    pub(crate) arity: Option<(u8, u8)>,
    pub(crate) rule: Rule,
    pub(crate) input: Uses,
    pub(crate) argument: Uses,
    /// Whether it has a result for whatever it is given.
    pub(crate) total: bool,
}

/// How the result follows from the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A new value of no interest.
    New,
    /// Some of the elements, in their order.
    Slice,
    /// The input, if it is not what the filter is for.
    Perhaps,
    /// The input or the argument.
    Either,
    /// A list of all elements, sorted by a path that the argument names.
    Sorted,
    /// The first element.
    First,
    /// Some element.
    Element,
    /// Text of each element.
    Elements,
    /// Text of all elements, or the input if they cannot be joined.
    Join,
    /// The input unless the argument has a comma.
    YesNo,
    /// `%`-formatting: the object itself may be asked for its representation.
    Format,
}

impl Filter {
    /// Returns the filter of which nothing but its arity is known.
    pub(crate) fn unknown(arity: Option<(u8, u8)>) -> Self {
        Self { arity, rule: Rule::New, input: Uses::ESC, argument: Uses::ESC, total: false }
    }
}

/// Returns Django's filter `name`.
pub(crate) fn native(name: &str) -> Filter {
    TABLE.binary_search_by(|row| row.0.cmp(name)).ok().and_then(|row| TABLE.get(row)).map_or(Filter::unknown(None), |row| {
        Filter {
            arity: Some(row.1),
            rule: row.2,
            input: row.3,
            argument: if row.2 == Rule::Either && name == "add" { Uses::ARG.and(Uses::NUM) } else { Uses::ARG },
            total: TOTAL.contains(&name),
        }
    })
}

/// The filters that raise for no value and no argument.
const TOTAL: &[&str] = &[
    "add",
    "addslashes",
    "capfirst",
    "default",
    "default_if_none",
    "escape",
    "filesizeformat",
    "force_escape",
    "length",
    "lower",
    "safe",
    "slugify",
    "striptags",
    "title",
    "upper",
    "wordcount",
];

type Row = (&'static str, (u8, u8), Rule, Uses);

const OUT: Uses = Uses::OUT;
const NUM: Uses = Uses::NUM;
const OUT_NUM: Uses = Uses::OUT.and(Uses::NUM);
const LEN_NUM: Uses = Uses::LEN.and(Uses::NUM);

/// Sorted by name.
#[rustfmt::skip]
static TABLE: &[Row] = &[
    ("add", (2, 2), Rule::Either, NUM),
    ("addslashes", (1, 1), Rule::New, OUT),
    ("apnumber", (1, 1), Rule::Perhaps, NUM),
    ("capfirst", (1, 1), Rule::New, OUT),
    ("center", (2, 2), Rule::New, OUT),
    ("cut", (2, 2), Rule::New, OUT),
    ("date", (1, 2), Rule::New, OUT),
    ("default", (2, 2), Rule::Either, Uses::BOOL),
    ("default_if_none", (2, 2), Rule::Either, Uses::CMP),
    ("dictsort", (2, 2), Rule::Sorted, Uses::ITER),
    ("dictsortreversed", (2, 2), Rule::Sorted, Uses::ITER),
    ("divisibleby", (2, 2), Rule::New, NUM),
    ("escape", (1, 1), Rule::New, OUT),
    ("escapejs", (1, 1), Rule::New, OUT),
    ("escapeseq", (1, 1), Rule::Elements, Uses::ITER),
    ("filesizeformat", (1, 1), Rule::New, NUM),
    ("first", (1, 1), Rule::First, Uses::NONE),
    ("floatformat", (1, 2), Rule::New, OUT_NUM),
    ("force_escape", (1, 1), Rule::New, OUT),
    ("get_digit", (2, 2), Rule::Perhaps, NUM),
    ("intcomma", (1, 2), Rule::New, OUT_NUM),
    ("intword", (1, 1), Rule::Perhaps, NUM),
    ("iriencode", (1, 1), Rule::New, OUT),
    ("join", (2, 3), Rule::Join, Uses::ITER),
    ("json_script", (1, 2), Rule::New, Uses::ESC),
    ("language_bidi", (1, 1), Rule::New, OUT),
    ("language_name", (1, 1), Rule::New, OUT),
    ("language_name_local", (1, 1), Rule::New, OUT),
    ("language_name_translated", (1, 1), Rule::New, OUT),
    ("last", (1, 1), Rule::Element, Uses::ITER),
    ("length", (1, 1), Rule::New, Uses::LEN),
    ("linebreaks", (1, 2), Rule::New, OUT),
    ("linebreaksbr", (1, 2), Rule::New, OUT),
    ("linenumbers", (1, 2), Rule::New, OUT),
    ("ljust", (2, 2), Rule::New, OUT),
    ("localize", (1, 1), Rule::New, OUT),
    ("localtime", (1, 1), Rule::New, OUT),
    ("lower", (1, 1), Rule::New, OUT),
    ("make_list", (1, 1), Rule::New, OUT),
    ("naturalday", (1, 2), Rule::Perhaps, OUT),
    ("naturaltime", (1, 1), Rule::Perhaps, OUT),
    ("ordinal", (1, 1), Rule::Perhaps, NUM),
    ("phone2numeric", (1, 1), Rule::New, OUT),
    ("pluralize", (1, 2), Rule::New, LEN_NUM),
    ("pprint", (1, 1), Rule::New, Uses::ESC),
    ("random", (1, 1), Rule::Element, Uses::ITER.and(Uses::LEN)),
    ("rjust", (2, 2), Rule::New, OUT),
    ("safe", (1, 1), Rule::New, OUT),
    ("safeseq", (1, 1), Rule::Elements, Uses::ITER),
    ("slice", (2, 2), Rule::Slice, Uses::NONE),
    ("slugify", (1, 1), Rule::New, OUT),
    ("stringformat", (2, 2), Rule::Format, OUT_NUM),
    ("striptags", (1, 1), Rule::New, OUT),
    ("time", (1, 2), Rule::New, OUT),
    ("timesince", (1, 2), Rule::New, OUT),
    ("timeuntil", (1, 2), Rule::New, OUT),
    ("timezone", (2, 2), Rule::New, OUT),
    ("title", (1, 1), Rule::New, OUT),
    ("truncatechars", (2, 2), Rule::New, OUT),
    ("truncatechars_html", (2, 2), Rule::New, OUT),
    ("truncatewords", (2, 2), Rule::New, OUT),
    ("truncatewords_html", (2, 2), Rule::New, OUT),
    ("unlocalize", (1, 1), Rule::New, OUT),
    ("unordered_list", (1, 2), Rule::New, Uses::ESC),
    ("upper", (1, 1), Rule::New, OUT),
    ("urlencode", (1, 2), Rule::New, OUT),
    ("urlize", (1, 2), Rule::New, OUT),
    ("urlizetrunc", (2, 3), Rule::New, OUT),
    ("utc", (1, 1), Rule::New, OUT),
    ("wordcount", (1, 1), Rule::New, OUT),
    ("wordwrap", (2, 2), Rule::New, OUT),
    ("yesno", (1, 2), Rule::YesNo, Uses::BOOL),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
    }
}
