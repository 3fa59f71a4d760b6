//! Whether the text in place of an abstract, or a comment, says that the paper was withdrawn.
//!
//! arXiv has no field for it: authors write it in place of the abstract, or into the comment. A
//! notice is a sentence whose subject is the paper itself, and that goes on as notices do:
//!
//! ```text
//! this paper (on X) has been withdrawn by the author due to …
//! paper withdrawn, superseded by …        withdrawn by arXiv
//! the authors have withdrawn this paper
//! ```
//!
//! Other withdrawals (deposits, drugs, consent, children, an earlier version) do not hide a paper.
//! A missed notice costs a needless hit, a false one costs the paper.

/// Number of characters that are examined.
const LOOKED_AT: usize = 240;

/// The common part of all notices.
const STEM: &str = "withdr";

/// The words of a notice.
const WITHDRAWN: &str = "withdrawn";

/// What authors call a paper of theirs.
const WORKS: [&str; 17] = [
    "paper",
    "article",
    "submission",
    "manuscript",
    "preprint",
    "eprint",
    "e-print",
    "note",
    "work",
    "text",
    "comment",
    "letter",
    "contribution",
    "document",
    "version",
    "report",
    "thesis",
];

/// Words that may be between the paper and its notice.
const AUXILIARIES: [&str; 29] = [
    "am",
    "has",
    "have",
    "had",
    "been",
    "was",
    "is",
    "being",
    "be",
    "now",
    "hereby",
    "temporarily",
    "permanently",
    "therefore",
    "thus",
    "unfortunately",
    "already",
    "voluntarily",
    "currently",
    "will",
    "must",
    "should",
    "to",
    "since",
    "also",
    "completely",
    "formally",
    "officially",
    "subsequently",
];

/// Words before a work that is the paper itself.
const DETERMINERS: [&str; 8] = [
    "this", "the", "my", "our", "present", "arxiv", "entire", "whole",
];

/// Words that open a notice's sentence before its subject.
const OPENERS: [&str; 6] = [
    "that",
    "unfortunately",
    "note",
    "notice",
    "regrettably",
    "currently",
];

/// Words that a notice goes on with.
const REASONS: [&str; 16] = [
    "due",
    "because",
    "since",
    "as",
    "for",
    "pending",
    "until",
    "in",
    "at",
    "owing",
    "after",
    "on",
    "temporarily",
    "and",
    "while",
    "upon",
];

/// Who takes papers back.
const WITHDRAWERS: [&str; 16] = [
    "author",
    "authors",
    "author(s)",
    "arxiv",
    "submitter",
    "me",
    "us",
    "admin",
    "administrators",
    "administration",
    "editor",
    "editors",
    "publisher",
    "first",
    "corresponding",
    "moderators",
];

/// Where a paper is withdrawn from; from a journal it may have gone to another.
const ARCHIVES: [&str; 8] = [
    "arxiv",
    "arxiv.org",
    "archive",
    "archives",
    "publication",
    "circulation",
    "server",
    "repository",
];

/// Characters that end a clause.
const CLAUSE_ENDS: [char; 9] = ['.', ';', ':', ',', '(', '[', '-', '–', '—'];

/// Whether the text in place of an abstract says that the paper it belongs to was withdrawn.
pub(crate) fn says_withdrawn(text: &str) -> bool {
    let Some(start) = beginning(text) else {
        return false;
    };
    let first = start.trim_start_matches(|c: char| !c.is_alphanumeric());
    // `Due to an error in the proof, this paper has been withdrawn.`
    let has_reason_first = ["due to ", "because of ", "owing to ", "as a result of "]
        .iter()
        .any(|reason| first.starts_with(reason));
    let clause = first.split_once(", ").filter(|_| has_reason_first);
    let mut sentences = start.split(". ").skip(1);
    is_notice(first)
        || clause.is_some_and(|(_, clause)| is_notice(clause))
        || sentences.any(is_whole_notice)
}

/// Whether a comment on a paper says that it was withdrawn: one of its clauses is a notice.
pub(crate) fn comment_says_withdrawn(comment: &str) -> bool {
    let Some(start) = beginning(comment) else {
        return false;
    };
    let clauses = start
        .char_indices()
        .filter(|(_, c)| CLAUSE_ENDS.contains(c))
        .map(|(at, c)| &start[at + c.len_utf8()..]);
    std::iter::once(&*start)
        .chain(clauses)
        .any(|clause| is_notice(clause.trim_start_matches(|c: char| !c.is_alphanumeric())))
}

/// The beginning of a text in lower case, without the headings of notices; `None` if it mentions no
/// withdrawal.
fn beginning(text: &str) -> Option<String> {
    let end = text
        .char_indices()
        .nth(LOOKED_AT)
        .map_or(text.len(), |(at, _)| at);
    let start = &text[..end];
    let mut words = start.as_bytes().windows(STEM.len());
    if !words.any(|word| word.eq_ignore_ascii_case(STEM.as_bytes())) {
        return None;
    }
    let mut lower = without_asides(&start.to_lowercase());
    for head in ["admin note:", "%auto-ignore", "none.", "[", "note:"] {
        let bare = lower.trim_start();
        if let Some(rest) = bare.strip_prefix(head) {
            lower = rest.to_owned();
        }
    }
    Some(lower)
}

/// A text without its parts in parentheses or in quotes: `this paper (on X) has been withdrawn`.
fn without_asides(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0_usize;
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '(' if !text.contains("author(s)") => depth += 1,
            ')' if depth > 0 => depth -= 1,
            '"' | '“' | '”' => quoted = !quoted,
            _ if depth == 0 && !quoted => out.push(c),
            _ => {}
        }
    }
    // What nothing closes was no aside.
    if depth > 0 || quoted {
        text.to_owned()
    } else {
        out
    }
}

/// Whether a text in lower case begins with a notice.
fn is_notice(text: &str) -> bool {
    let mut words = text.split_whitespace().peekable();
    while words
        .next_if(|word| OPENERS.contains(&bare(word)))
        .is_some()
    {}
    let rest: Vec<&str> = words.collect();
    is_of_subject(&rest) || is_of_authors(&rest)
}

/// Whether a later sentence, in lower case, says that this paper has been withdrawn by its author.
fn is_whole_notice(sentence: &str) -> bool {
    let sentence = sentence.trim_start();
    let rest = [
        "this paper ",
        "this article ",
        "this submission ",
        "the paper ",
    ]
    .iter()
    .find_map(|start| sentence.strip_prefix(start));
    rest.is_some_and(|rest| {
        [
            "has been withdrawn by ",
            "is withdrawn by ",
            "was withdrawn by ",
        ]
        .iter()
        .any(|said| rest.starts_with(said))
            && is_notice(sentence)
    })
}

/// `this paper has been withdrawn …`, `paper withdrawn …`, `withdrawn …`.
fn is_of_subject(words: &[&str]) -> bool {
    let mut at = 0;
    while words.get(at).is_some_and(|word| DETERMINERS.contains(word)) {
        at += 1;
    }
    let has_work = words
        .get(at)
        .is_some_and(|word| WORKS.contains(&bare(word)));
    if at > 0 && !has_work {
        return false;
    }
    at += usize::from(has_work);
    let after_work = at;
    while has_work
        && words
            .get(at)
            .is_some_and(|word| AUXILIARIES.contains(&bare(word)))
    {
        at += 1;
    }
    match words.get(at) {
        Some(word) if bare(word) == WITHDRAWN => goes_on(word, &words[at + 1..]),
        // `this paper on X has been withdrawn by the authors`.
        _ if has_work && after_work > 1 => is_withdrawn_by_authors(&words[after_work..]),
        _ => false,
    }
}

/// Whether a sentence says, after other words, that something has been withdrawn by the authors.
fn is_withdrawn_by_authors(words: &[&str]) -> bool {
    let sentence = words.split_inclusive(|word| word.ends_with('.')).next();
    let sentence = sentence.unwrap_or(words);
    sentence.windows(4).any(|four| {
        let is_passive = matches!(four[0], "been" | "was" | "is");
        let by = four[2] == "by" && (four[3] == "the" || WITHDRAWERS.contains(&bare(four[3])));
        is_passive && four[1] == WITHDRAWN && by
    }) && sentence
        .iter()
        .any(|word| matches!(bare(word), "author" | "authors" | "arxiv" | "author(s)"))
}

/// `the authors have withdrawn this paper`.
fn is_of_authors(words: &[&str]) -> bool {
    let at = usize::from(words.first() == Some(&"the"));
    let is_author = words.get(at).is_some_and(|word| {
        matches!(
            *word,
            "author" | "authors" | "we" | "i" | "arxiv" | "submitter"
        )
    });
    let rest = words.get(at + 1..).unwrap_or_default();
    let n_auxiliaries = rest
        .iter()
        .take_while(|word| AUXILIARIES.contains(word))
        .count();
    let said = &rest[n_auxiliaries..];
    is_author
        && said
            .first()
            .is_some_and(|word| matches!(*word, WITHDRAWN | "withdraw" | "withdrawing"))
        && said
            .get(1)
            .is_some_and(|word| DETERMINERS.contains(word) || *word == "their")
        && said.get(2).is_some_and(|word| WORKS.contains(&bare(word)))
}

/// Whether the text after `withdrawn` and its punctuation continues a notice.
fn goes_on(word: &str, rest: &[&str]) -> bool {
    if word.ends_with(|c: char| !c.is_alphanumeric()) {
        return true;
    }
    let Some((first, more)) = rest.split_first() else {
        return true;
    };
    let person = |words: &[&str]| {
        let skipped = words
            .iter()
            .take_while(|word| matches!(**word, "the" | "its" | "one" | "all" | "of" | "an"))
            .count();
        words
            .get(skipped)
            .is_some_and(|word| WITHDRAWERS.contains(&bare(word)))
    };
    match *first {
        "by" => person(more),
        "from" => more
            .iter()
            .take(3)
            .any(|word| ARCHIVES.contains(&bare(word))),
        // `withdrawn and anxious children`.
        "and" => more
            .first()
            .is_some_and(|word| matches!(*word, "replaced" | "superseded" | "will" | "has")),
        other => !other.starts_with(char::is_alphanumeric) || REASONS.contains(&bare(other)),
    }
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    match bare {
        "author(s" => "author(s)",
        _ => bare,
    }
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
            "This paper on the boundary condition has been withdrawn by the authors, due to an error.",
            "This article has been withdrawn at the request of the author(s) and/or editor.",
            "Unfortunately, this paper has been withdrawn since Theorem 2 is false.",
            "The authors have withdrawn this paper.",
            "We have withdrawn the paper because of an error.",
            "This paper is withdrawn. A new version will come.",
            "This paper has been withdrawn from arXiv.",
            "This paper has been withdrawn by the author(s).",
            "This paper has been withdrawn by the author(s), due a crucial sign error in Eqn. 1",
            "The authors have withdrawn their manuscript.",
            "Due to an error in the proof, this paper has been withdrawn.",
            "Withdrawn and replaced by two related manuscripts.",
            "We withdraw this paper because of an error in Lemma 2.",
            "I am withdrawing this paper",
            "This Thesis has been withdrawn by the author",
            "We prove Q. This paper has been withdrawn by the author due to an error in Lemma 3.",
        ] {
            assert!(says_withdrawn(text), "{text}");
        }
        for text in [
            "",
            "When a plate is withdrawn from a liquid bath, a film forms.",
            "In this paper we study a bank. Deposits are withdrawn at random.",
            "Withdrawal benefits are valued.",
            "12 pages, to appear in Physical Review",
            "This paper examines drugs withdrawn from the market between 1990 and 2010.",
            "The article asks why consent was withdrawn by one in nine participants of a trial.",
            "This work studies bank runs, in which deposits are withdrawn within hours.",
            "In this paper we study patients from whom life support was withdrawn.",
            "Withdrawn and anxious children were followed for six years by their teachers.",
            "Withdrawn children were followed for six years.",
            "This preprint compares water withdrawn by cities and by farms.",
            "This work uses CSF withdrawn by lumbar puncture.",
            "Letters of intent that were withdrawn are studied.",
            "Comment on withdrawn candidates in elections.",
            "This paper proposes a model of withdrawn behaviour in children.",
            "This article reviews medicines withdrawn because of harm to the heart.",
            "This paper models deposits that are withdrawn in a panic.",
            "Blood was withdrawn from rats. This paper tells how.",
            "We study treatment of patients withdrawn from dialysis. This article is a review.",
            "The text withdrawn from the second edition is printed here.",
            "The authors have withdrawn blood from rats.",
            "We study markets. This paper was withdrawn money from a bank.",
            "We withdraw the money and count it.",
            "Rice grows. The paper has been withdrawn from a mill by the workers.",
        ] {
            assert!(!says_withdrawn(text), "{text}");
        }
    }

    #[test]
    fn a_comment_is_a_notice_where_it_speaks_of_the_paper() {
        for text in [
            "Withdrawn",
            "paper withdrawn by author, superseded by 2001.00009",
            "This paper has been withdrawn",
            "12 pages, 3 figures, withdrawn due to an error in eq. (5)",
            "10 pages. This paper has been withdrawn by the author",
            "withdrawn, see arXiv:2401.00001",
            "This paper has been withdrawn by the author(s). 12 pages, 3 figures",
        ] {
            assert!(comment_says_withdrawn(text), "{text}");
        }
        for text in [
            "This work was withdrawn from ICLR and resubmitted",
            "the previous version of this paper was withdrawn from a journal",
            "This paper corrects an earlier withdrawn article",
            "12 pages, on deposits, withdrawn money and banks",
            "Replaces 2001.00009, which was withdrawn",
            "Extended version of a withdrawn paper",
        ] {
            assert!(!comment_says_withdrawn(text), "{text}");
        }
    }
}
