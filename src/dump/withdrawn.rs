//! Whether what stands in place of an abstract, or a comment, says that the paper was withdrawn.
//!
//! arXiv has no field for it: authors write it where the abstract was, or into the comment. Only
//! what a text begins with is looked at, and the paper itself must be what is withdrawn: plates
//! are withdrawn from baths, and deposits from banks.

/// Characters that are looked at.
const LOOKED_AT: usize = 160;

/// Characters between the work and what is said of it.
const MAX_GAP: usize = 60;

/// What is said of it.
const WITHDRAWN: &str = "withdrawn";

/// What authors call a paper of theirs.
const WORKS: [&str; 11] = [
    "paper",
    "article",
    "submission",
    "manuscript",
    "preprint",
    "eprint",
    "note",
    "work",
    "text",
    "comment",
    "letter",
];

/// What stands before the notice itself.
const HEADS: [&str; 3] = ["admin note:", "%auto-ignore", "none."];

/// Whether a text says that the paper it belongs to was withdrawn.
pub(super) fn says_withdrawn(text: &str) -> bool {
    let end = text
        .char_indices()
        .nth(LOOKED_AT)
        .map_or(text.len(), |(at, _)| at);
    let start = &text[..end];
    let mut words = start.as_bytes().windows(WITHDRAWN.len());
    if !words.any(|word| word.eq_ignore_ascii_case(WITHDRAWN.as_bytes())) {
        return false;
    }
    let lower = start.to_lowercase();
    let mut rest = lower.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '%');
    for head in HEADS {
        rest = rest.strip_prefix(head).unwrap_or(rest).trim_start();
    }
    if rest.starts_with(WITHDRAWN) && !rest.starts_with("withdrawn from") {
        return true;
    }
    let is_work_before = |at: usize| {
        let before = &rest[..at];
        let last = WORKS.iter().filter_map(|work| {
            let work_at = before.rfind(work)?;
            let determiner = before[..work_at].trim_end().rsplit(' ').next();
            let is_its_own =
                work_at == 0 || matches!(determiner, Some("this" | "the" | "my" | "our"));
            (is_its_own && at - work_at <= MAX_GAP).then_some(work_at)
        });
        // The work must be what the sentence is about.
        last.max()
            .is_some_and(|work_at| !before[work_at..].contains(". "))
    };
    rest.match_indices(WITHDRAWN)
        .any(|(at, _)| is_work_before(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withdrawn_paper_is_told_from_one_about_withdrawal() {
        for text in [
            "This paper has been withdrawn by the author due to an error in Lemma 3.",
            "The paper was withdrawn due to a crucial error.",
            "Withdrawn by authors.",
            "- Paper withdrawn by the author - CMOS sensors are considered",
            "Admin note: withdrawn by arXiv admin because of a pseudonym",
            "This submission has been temporarily withdrawn",
            "%auto-ignore This paper has been withdrawn",
            "This paper (concerning the boundary condition) has been withdrawn by the author.",
        ] {
            assert!(says_withdrawn(text), "{text}");
        }
        for text in [
            "",
            "When a plate is withdrawn from a liquid bath, a film forms.",
            "In this paper we study a bank. Deposits are withdrawn at random.",
            "Withdrawal benefits are valued.",
            "12 pages, to appear in Physical Review",
        ] {
            assert!(!says_withdrawn(text), "{text}");
        }
    }
}
