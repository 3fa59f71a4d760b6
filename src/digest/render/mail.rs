//! A digest as a letter: subject, plain text and HTML, and the headers that mailers look for.

use super::{Emphasis, html, text};
use crate::digest::Digest;

/// Columns of the plain text: what mailers show without wrapping (RFC 5322 asks for at most 78).
const COLUMNS: usize = 76;

/// A digest as a letter to its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
    /// Where readers can unsubscribe (RFC 2369), in angle brackets.
    pub unsubscribe: String,
}

/// Renders a digest for its reader, who unsubscribes by writing to `from`.
pub fn mail(digest: &Digest, from: &str) -> Letter {
    let footer = format!(
        "You get this because somebody subscribed {} to it. To stop these mails, reply with the \
         subject “unsubscribe”.",
        digest.reader
    );
    let mut plain = text(digest, COLUMNS, Emphasis::default());
    // Mailers take the rest for a signature and show it separately.
    plain += "\n-- \n";
    for line in textwrap::wrap(&footer, COLUMNS) {
        plain += &line;
        plain.push('\n');
    }
    Letter {
        subject: format!("akin: {}", digest.title()),
        text: plain,
        html: html(digest, &footer),
        unsubscribe: format!("<mailto:{from}?subject=unsubscribe>"),
    }
}
