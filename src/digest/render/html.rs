//! A digest as a page that is also a mail: inline styles, light and dark, nothing from elsewhere.

use askama::Template;

use crate::digest::{Brief, Digest, Entry};

#[derive(Template)]
#[template(path = "digest.html")]
struct HtmlPage<'a> {
    title: String,
    digest: &'a Digest,
    quiet: String,
    elsewhere: String,
    footer: &'a str,
}

#[derive(Template)]
#[template(path = "entry.html")]
struct HtmlPart<'a> {
    entry: &'a Entry,
}

#[derive(Template)]
#[template(
    source = "<p>{{ n_more }}: <code>{{ command }}</code></p>",
    ext = "html"
)]
struct HtmlRest<'a> {
    n_more: &'a str,
    command: &'a str,
}

// What the templates call.
fn byline(authors: &[String], categories: &[String]) -> String {
    super::byline(authors, categories)
}

fn also_in(entry: &Entry) -> String {
    super::also_in(entry)
}

fn dates(paper: &Brief) -> String {
    super::dates(paper)
}

/// Renders a digest as a whole page, with a line of text at its end if `footer` is not empty.
pub fn html(digest: &Digest, footer: &str) -> String {
    let page = HtmlPage {
        title: digest.title(),
        quiet: digest.quiet(),
        elsewhere: digest.elsewhere(),
        digest,
        footer,
    };
    page.render().expect("a digest is plain data")
}

/// Renders the line that counts further papers, for use in another document.
pub(super) fn rest(n_more: &str, command: &str) -> String {
    HtmlRest { n_more, command }
        .render()
        .expect("two texts are plain data")
}

/// Renders one entry, for use in another document.
pub(super) fn entry(entry: &Entry) -> String {
    HtmlPart { entry }.render().expect("an entry is plain data")
}
