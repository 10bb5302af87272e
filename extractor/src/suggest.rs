//! What someone may have meant who wrote a name that does not exist.

/// Longer names are not compared: the work for one error stays small, whatever the template says.
const LONGEST: usize = 48;

/// Returns the candidate that is nearest to `word`, if any is near; of equally near ones the first.
pub(crate) fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word: Vec<char> = word.chars().take(LONGEST + 1).collect();
    if word.len() > LONGEST {
        return None;
    }
    let most = (word.len() / 3).max(1);
    let near = candidates.into_iter().filter_map(|candidate| {
        let letters: Vec<char> = candidate.chars().take(LONGEST).collect();
        let far = distance(&word, &letters);
        (far <= most && far < letters.len()).then_some((far, candidate))
    });
    near.min().map(|(_, candidate)| candidate)
}

/// Returns how many letters must be added, dropped, replaced, or swapped with the next one.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut above: Vec<usize> = Vec::new();
    let mut before: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = Vec::with_capacity(before.len());
        row.push(i + 1);
        for (j, b) in right.iter().enumerate() {
            let mut least = (before[j] + usize::from(a != b)).min(before[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                least = least.min(above[j - 1] + 1);
            }
            row.push(least);
        }
        above = std::mem::replace(&mut before, row);
    }
    before.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_slips_of_the_keyboard() {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        for (left, right, far) in [
            ("", "", 0),
            ("if", "fi", 1),
            ("inlcude", "include", 1),
            ("dafault", "default", 1),
            ("for", "empty", 5),
            ("é", "e", 1),
        ] {
            assert_eq!(distance(&letters(left), &letters(right)), far, "{left} {right}");
            assert_eq!(distance(&letters(right), &letters(left)), far, "{right} {left}");
        }
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["date", "default", "humanize", "if", "now"];
        for (word, meant) in
            [("hummanize", Some("humanize")), ("fi", Some("if")), ("nope", None), ("x", None), ("datte", Some("date"))]
        {
            assert_eq!(closest(word, known), meant, "{word}");
        }
        assert_eq!(closest(&"x".repeat(1 << 20), known), None);
    }
}
