//! What is done to text, kind by kind.

use super::*;

fn check(text: &str, expected: &str) {
    assert_eq!(clean(text), expected, "{text:?}");
}

#[test]
fn clean_text_is_borrowed() {
    for text in [
        "",
        "On X.",
        "  padded ",
        "cost: 5 {x} $y$",
        "Schrödinger 方程",
    ] {
        assert!(matches!(clean(text), Cow::Borrowed(_)), "{text}");
        check(text, text.trim());
    }
}

#[test]
fn white_space_is_one_space() {
    check(
        "  hard\n  wrapped\r\n\ttext\u{a0}\u{2003}here \n",
        "hard wrapped text here",
    );
    check("$a\n  +b$", "$a +b$");
}

#[test]
fn control_and_invisible_characters_go() {
    check("a\0b\u{7f}c\u{85}d\u{ad}e\u{200b}f\u{feff}", "abc def");
    check("\u{feff}x\u{1b}[0m", "x[0m");
}

#[test]
fn unicode_is_composed() {
    check("Schro\u{308}dinger", "Schrödinger");
    check("e\u{301} A\u{30a}", "é Å");
}

#[test]
fn tex_letters_become_unicode_outside_maths_only() {
    check(
        r#"Poincar\'{e} and Schr\"odinger"#,
        "Poincaré and Schrödinger",
    );
    check(
        r"$\'e$ \'e \(\'e\) \[\'e\] $$\'e$$",
        r"$\'e$ é \(\'e\) \[\'e\] $$\'e$$",
    );
    check(r"D{\l}otko--{\L}o\'s", "Dłotko--Łoś");
    check(r"S\~{a}o Paulo", "São Paulo");
}

#[test]
fn a_dollar_that_nothing_closes_is_money() {
    check(r"costs $5 at the Caf\'e", "costs $5 at the Café");
    check(r"$a\$b$ \'e \$5 \'e", r"$a\$b$ é \$5 é");
}

#[test]
fn escapes_are_undone_outside_maths() {
    check(r"P\&L 10\% a\_b \#P $\%$", r"P&L 10% a_b #P $\%$");
    check(r"D\O \ are, 5\,km, ma\-nage", "DØ are, 5 km, manage");
    check(r"a \\ b \\'e \\[2pt] c", r"a b \\'e c");
    check(r"a\/ b\@. \{x\} http:\/\/x.y", "a b. {x} http://x.y");
    check(r#"he said \"no\" and \"uber"#, "he said \"no\" and über");
}

#[test]
fn a_tie_is_a_space_and_an_about_is_not() {
    check(
        "5~GeV, Fig.~3, J.~Doe, x~\\cite{y}",
        "5 GeV, Fig. 3, J. Doe, x [y]",
    );
    check("z~2, ~10 km, (~5), 10~20", "z~2, ~10 km, (~5), 10~20");
    check(
        r"http://x.edu/~doe and /\~doe and /\~{}doe",
        "http://x.edu/~doe and /~doe and /~doe",
    );
}

#[test]
fn entities_are_resolved_in_every_spelling() {
    check(
        "A &amp; B &lt;i&gt; &amp;lt; &#39;x&#39; $a &lt; b$",
        "A & B <i> < 'x' $a < b$",
    );
    for title in [
        "Cats &amp dogs",
        "Cats &Amp; dogs",
        "Cats &AMP; dogs",
        "Cats &amp;amp; dogs",
        "Cats &Amp dogs",
        "Cats \\&amp; dogs",
    ] {
        check(title, "Cats & dogs");
    }
    check("p &amp;lt; 0.05 in cats", "p < 0.05 in cats");
    check("p &lt 0.05, a &lt b, a&lt;b", "p < 0.05, a < b, a<b");
    check("Caf&eacute of cats", "Café of cats");
    check("The cat&#39s whiskers", "The cat's whiskers");
    check("&LT;i&GT;cats&LT;/i&GT;", "cats");
    check("&amp;lt;i&amp;gt;cats&amp;lt;/i&amp;gt;", "cats");
    check(
        "&epsi; &ccaron; &Zcaron;a&ThinSpace;b &inodot;",
        "ε č Ža b ı",
    );
    check("AT&T and R&D, Q&A; S&P", "AT&T and R&D, Q&A; S&P");
    check("a&nbsp;b & c; AT&T", "a b & c; AT&T");
}

#[test]
fn tags_go_with_and_without_a_space() {
    check("The <i>E. coli</i> H<sub>2</sub>O", "The E. coli H2O");
    check(
        "<jats:title>Aim</jats:title><jats:p>We test.</jats:p><p>It works.</p>",
        "Aim We test. It works.",
    );
    check("one<br/>two<BR>three", "one two three");
    check(
        "&lt;p&gt;An &lt;I&gt;in vivo&lt;/I&gt; test&lt;/p&gt;",
        "An in vivo test",
    );
    check("<a href=\"http://x\">y</a> $a<sub>2</sub>$", "y $a2$");
    check("One.<p>Two.", "One. Two.");
}

#[test]
fn what_is_less_than_something_stays() {
    for text in [
        "a < b and c > d",
        "p<0.05",
        "the mean <x> and <p> of <b>",
        "$a<b$ and $<p>$",
        "List<T>",
        "x<i and j>k",
    ] {
        check(text, text);
    }
}

#[test]
fn a_formula_that_is_said_twice_is_said_once() {
    check(
        "of <tex-math>$$a$$</tex-math> <mml:math><mml:mi>a</mml:mi></mml:math> only",
        "of $$a$$ only",
    );
    check(
        "is \\documentclass[12pt]{minimal} \\usepackage{x} \\begin{document}$$b$$\\end{document}.",
        "is $$b$$.",
    );
    check(r"\documentclass{x} alone", r"\documentclass{x} alone");
}

#[test]
fn an_abstract_loses_its_heading_and_what_stands_for_nothing() {
    let check = |text: &str, expected: &str| assert_eq!(clean_abstract(text), expected);
    check(
        "<jats:title>Abstract</jats:title><jats:p>We show.</jats:p>",
        "We show.",
    );
    check("Abstract: We <i>show</i>.", "We show.");
    check("[No abstract available]", "");
    check("Abstract interpretation", "Abstract interpretation");
}

#[test]
fn odd_ends_do_not_trip() {
    for text in [
        "\\", "a\\", "<", "a<", "</", "&l", "$", "$$", "$$$", "{", "&", "~", "\\~", "\\(",
        "\\[ \\", "$\\", "$\\é$",
    ] {
        check(text, text);
    }
}

#[test]
fn looks_go_and_what_they_dress_stays() {
    check(
        r"the \emph{full} {\it in vivo\/} \textit {x} {\em {y}}",
        "the full in vivo x y",
    );
    check(
        r"\textbf{\textit{a} $b_{1}$} {\bf 91}, \bf{7} \sc",
        "a $b_{1}$ 91, 7",
    );
    check(r"\url{http://x.y/~z} \mbox{a b}", "http://x.y/~z a b");
    check(
        r"\href{http://x.y}{the page} \texorpdfstring{$\alpha$}{alpha}",
        "the page alpha",
    );
    check(r"the \emph command {x}", r"the \emph command {x}");
    check(r"\emph{never ends", r"\emph{never ends");
    check(r"{\emph{a}b} {a\it b}", r"{ab} {ab}");
}

#[test]
fn what_points_elsewhere_is_named_in_brackets() {
    check(
        r"in~\cite{HKP04}, \citep[Thm. 2]{A, B} and [\cite{C}]",
        "in [HKP04], [A, B, Thm. 2] and [C]",
    );
    check(r"problem\cite{x}. \ref{a} \cite", r"problem [x]. [a] \cite");
    check(r"x\label{a}\thanks{By Y} y", "x y");
    check(
        r"word\footnote{ We mean {\it it}. } and \footnote{}",
        "word (We mean it.) and ()",
    );
}

#[test]
fn symbols_are_written_out() {
    check(r"{\mu}m, \beta-decay, \alpha x", "μm, β-decay, α x");
    check(
        r#"23 \AA and 5 {\AA} and {\AA}ngstr\"om"#,
        "23 Å and 5 Å and Ångström",
    );
    check(
        r"90^\circ, 1{\deg}, 45^{\circ}C, \deg f",
        "90°, 1°, 45°C, deg f",
    );
    check(r"O(n\log n) \ldots, a \leq b", "O(n log n) …, a ≤ b");
    check(r"{\textquoteright}s a\textendash b", "’s a–b");
    check(
        r"\ensuremath{\alpha}-decay of \ensuremath{x_1}",
        "α-decay of $x_1$",
    );
    check(r"a\char21{}b \char`\%{} \char'101", "a–b % A");
    check(r"\frac{\alpha}{2} \mathbb{R}", r"\frac{α}{2} \mathbb{R}");
    check(r"\lq\lq x\rq\rq", "“x”");
    check(r"\{beta}-decay of \{a, b\}", "β-decay of {a, b}");
}

#[test]
fn quotes_of_tex_are_quotes() {
    check("the ``action'' of ''x y''", "the “action” of “x y”");
    check("f'' and zf''(z)/f'", "f'' and zf''(z)/f'");
    check("(``x'')", "(“x”)");
    check(
        "``nuclear star\" matter, `a' it's",
        "“nuclear star\" matter, `a' it's",
    );
    check("$f''$ $``$", "$f''$ $``$");
}

#[test]
fn environments_of_maths_stay_and_those_of_text_go() {
    check(
        r"If \begin{align*} \alpha &:=\emph{x} \\ y \end{align*} then \emph{z}",
        r"If \begin{align*} \alpha &:=\emph{x} \\ y \end{align*} then z",
    );
    check(
        r"We \begin{itemize} \item a \item[(ii)] b \end{itemize} c",
        "We • a (ii) b c",
    );
    check(r"\begin{align} \emph{x}", r"\begin{align} x");
    check(
        r"\begin{foo} \emph{x} \end{foo}",
        r"\begin{foo} x \end{foo}",
    );
}

#[test]
fn conditionals_are_decided() {
    for (text, expected) in [
        (r"Ga\ifmmode \check{s}\else \v{s}\fi{}par", "Gašpar"),
        (r"Fran\ifmmode \mbox{\c{c}}\else \c{c}\fi{}ois", "François"),
        (r"P{\ifmmode \acute{e}\else \'{e}\fi}rez", "Pérez"),
        (r"Bo\ifmmode \dot{z}\else \.{z}\fi{}ena", "Bożena"),
        (r#"M\ifmmode\ddot{u}\else\"{u}\fi{}ller"#, "Müller"),
        (r"Ni\ifmmode \tilde{n}\else \~{n}\fi{}o", "Niño"),
        (r"{\ifmmode \sim\else \textasciitilde\fi}10", "~10"),
        (r"$x\ifmmode \sim\else y\fi{}z$", r"$x\sim z$"),
        (r"\ifmmode a \else b", r"\ifmmode a \else b"),
    ] {
        check(text, expected);
    }
}

#[test]
fn what_is_raised_is_not_glued_to_a_number() {
    check(
        "10<sup>3</sup> 10<sup>−6</sup>M cm<sup>-1</sup> R<sup>2</sup> (x+1)<sup>2</sup>",
        "10^3 10^−6M cm^-1 R^2 (x+1)^2",
    );
    check(
        "2<sup>n</sup> 2<sup>n-1</sup> 2<sup>-ΔCt</sup> e<sup>x</sup>",
        "2^n 2^(n-1) 2^-ΔCt ex",
    );
    check(
        "SO<sub>4</sub><sup>2-</sup> word<sup>1,2</sup>",
        "SO4^2- word^1,2",
    );
    check(
        "CO<sub>2</sub> Ca<sup>2+</sup> <sup>13</sup>C 1<sup>st</sup> CD4<sup>+</sup>",
        "CO2 Ca2+ 13C 1st CD4+",
    );
    check("10<sub>2</sub> log<sub>10</sub>3", "10_2 log10 3");
    check(
        r"10\textsuperscript{3} M\textsuperscript{c}Donald",
        "10^3 McDonald",
    );
    check("10&lt;sup&gt;3&lt;/sup&gt; <sup>never", "10^3 never");
    check(
        "<mml:math><mml:msup><mml:mn>10</mml:mn><mml:mn>3</mml:mn></mml:msup></mml:math> M",
        "10^3 M",
    );
    check("a <math><msup><mi>x</math> b", "a x b");
}

#[test]
fn braces_of_bibtex_go() {
    let check = |text: &str, expected: &str| assert_eq!(clean_bibtex(text), expected, "{text}");
    check(
        "On {DNA} and {{RNA}} of {\\it E. coli}",
        "On DNA and RNA of E. coli",
    );
    check("{\\emph{In vivo}} \\textbf{x}", "In vivo x");
    check("plain", "plain");
    check(
        r#"G{\"o}del, {S\o}ren, \v{S}im{\'{e}}n, {\"Uber}"#,
        "Gödel, Søren, Šimén, Über",
    );
    check(
        r"a {\textless} b\textendash c {\textquoteright}s",
        "a < b–c ’s",
    );
    check(r"{\&} 5\% \{x\} a{\_}b", "& 5% {x} a_b");
    check(
        r"{$\mathbb{R}^{n}$} {and} $${x}$$",
        r"$\mathbb{R}^{n}$ and $${x}$$",
    );
    check(
        r"{\frac{1}{2}} \alpha {y} \hat {x}",
        r"\frac{1}{2} α y \hat x",
    );
    check(r"$5 and {x}", "$5 and x");
    check(r"A {\&}amp$\mathsemicolon$ B {\&}amp; C", "A & B & C");
    for (text, expected) in [
        ("{a", "a"),
        ("a}", "a"),
        ("a\\{", "a{"),
        ("\\é{", "\\é"),
        ("{$", "$"),
    ] {
        check(text, expected);
    }
}
