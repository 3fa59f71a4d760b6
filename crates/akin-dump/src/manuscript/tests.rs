//! Drafts as people write them.

use super::*;

fn check(text: &str, title: &str, abstract_text: &str) {
    let expected = Manuscript {
        title: title.to_owned(),
        abstract_text: abstract_text.to_owned(),
    };
    assert_eq!(Manuscript::read(text), expected, "{text}");
}

#[test]
fn latex_has_a_title_and_an_abstract() {
    check(
        r"\documentclass{article}
\newcommand{\sys}{Akin} \def\half{$\frac12$}
% \title{Not this}
\title[Short]{Finding \emph{papers} with \sys{}\thanks{To nobody.} \\ in Erd\H{o}s graphs}
\begin{document}\maketitle
\begin{abstract}
  We show 50\% more~\cite{knuth} of what \textbf{\sys} finds, % or so
  with \half{} the time---see \href{http://a.b}{the page} and $x_{1} \in \mathcal{X}$.
\end{abstract}
\section{Introduction} Not this.
\end{document}",
        "Finding papers with Akin in Erdős graphs",
        "We show 50% more of what Akin finds, with $\\frac12$ the time—see the page and \
         $x_{1} \\in \\mathcal{X}$.",
    );
    check(r"\title{Only a title}", "Only a title", "");
    check(
        r"\documentclass{article} \begin{document} Some words, no abstract. \end{document}",
        "",
        "Some words, no abstract.",
    );
    check(
        r"\title{A} \abstract{Of {braces} and \{ others.}",
        "A",
        r"Of {braces} and { others.",
    );
    check(r"\title{Unclosed", "", r"\title{Unclosed");
}

#[test]
fn markdown_has_a_heading_or_front_matter() {
    check(
        "# Finding **papers**\n\nAnn Lee\n\n## Abstract\n\nWe find `akin` ones.\nAll of them.\n\n## 1. Introduction\n\nNot this.\n",
        "Finding papers",
        "We find akin ones. All of them.",
    );
    check(
        "---\ntitle: \"Finding papers: how\"\nabstract: |\n  We find.\n\n  All.\nauthor: Ann\n---\n\n# Introduction\n\nNot this.\n",
        "Finding papers: how",
        "We find. All.",
    );
    check(
        "# Finding papers\n\nWe find them.\n",
        "Finding papers",
        "We find them.",
    );
    check("#hashtag is no heading\n", "", "#hashtag is no heading");
}

#[test]
fn plain_text_and_that_of_a_pdf_have_a_line_that_says_abstract() {
    check(
        "arXiv:2401.00001v1 [cs.IR] 1 Jan 2024\n\nFinding Papers\nThat Are Akin\n\nAnn Lee, Bo Li\n\nAbstract\nWe find what is re-\nlated to state-of-the-art pa-\npers.\n\n1 Introduction\nNot this.\n\u{c}2\n",
        "Finding Papers That Are Akin",
        "We find what is related to state-of-the-art papers.",
    );
    check(
        "Finding Papers\n\nAbstract—We find them. Keywords are found too.\nKeywords: search\n",
        "Finding Papers",
        "We find them. Keywords are found too.",
    );
    check(
        "Finding Papers\n\nA B S T R A C T\n\nWe find them.\n\nI. INTRODUCTION\nNot this.",
        "Finding Papers",
        "We find them.",
    );
    check(
        "Abstract interpretation of programs",
        "",
        "Abstract interpretation of programs",
    );
    check(
        "A sentence.\n\nAnd one more.",
        "",
        "A sentence. And one more.",
    );
    check("", "", "");
}

#[test]
fn a_draft_is_a_paper_without_an_id_of_its_own() {
    let paper = Manuscript::read("# A title\n\nWords.\n").into_paper();
    assert_eq!(paper.passage(), "A title. Words.");
    let paper = Manuscript::read("Just words, of no more than a line.").into_paper();
    assert_eq!(paper.passage(), "Just words, of no more than a line.");
    assert!(paper.id.is_made());
}

#[test]
fn lines_that_end_in_cr_are_lines() {
    let text = "# Tides in narrow inlets\n\n## Abstract\n\nTides were measured.\n\n## Introduction\n\nMore.\n";
    assert_eq!(
        Manuscript::read(&text.replace('\n', "\r")),
        Manuscript::read(text)
    );
}

/// Reads a text that opens something many times, and twice as often: the time is no more than about
/// twice as long.
fn check_linear(once: &str) {
    let time = |n: usize| {
        let text = once.repeat(n);
        let of_one = || {
            let start = std::time::Instant::now();
            Manuscript::read(&text);
            start.elapsed()
        };
        (0..3).map(|_| of_one()).min().expect("three times")
    };
    let n = 30_000 / once.len();
    let (some, many) = (time(n), time(8 * n));
    let limit = 24 * some + std::time::Duration::from_millis(100);
    assert!(many < limit, "{once}: {some:?}, eightfold {many:?}");
}

#[test]
fn what_is_opened_and_never_closed_takes_linear_time() {
    for once in [
        r"\title{",
        r"\title[",
        r"\title ",
        r"\title{a}",
        r"\title{\emph{",
        r"\abstract{",
        r"\begin{abstract}",
        r"\begin{document}",
        r"\begin{abstract}\emph{",
        r"\begin{abstract}\emph[",
        r"\begin{abstract}$",
        r"\title{a\cite",
        r"\title{x}\newcommand{",
        r"\title{x}\newcommand*",
        r"\title{x}\def\a{",
        r"\title{x}\def\a",
        r"\title{x}%",
        r"\section{",
        "# a\n",
        "---\ntitle: ",
        "Abstract\n",
        "Abstract\n\n",
        "{",
        "$",
        "<",
        "&",
        "&amp",
        "[",
        "`",
        "*",
        "-\n",
        "\\",
        "^{",
        "_",
        "<b>",
        "</b>",
        "<!--",
        "\\'",
        "~",
        "\u{301}",
    ] {
        check_linear(once);
        check_linear(&format!("\\title{{a}}\\begin{{abstract}}{once}"));
    }
    let nested = format!(
        r"\title{{{}{}}}",
        r"\emph{".repeat(100_000),
        "}".repeat(100_000)
    );
    assert_eq!(Manuscript::read(&nested).title, "");
}

#[test]
fn macros_that_mean_one_another_do_not_fill_memory() {
    let long = "word ".repeat(1000);
    let text = format!(
        r"\def\a{{{long}}}\def\b{{{}}}\def\c{{{}}}\title{{{}}}",
        r"\a".repeat(1000),
        r"\b".repeat(1000),
        r"\c".repeat(1000),
    );
    assert!(Manuscript::read(&text).title.len() < 500_000);
}
