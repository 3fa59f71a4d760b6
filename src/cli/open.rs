//! `akin open`: the page of a paper, in the browser.

use std::io::Write;

use akin::library::Library;
use clap::Args;
use serde_json::json;

use super::context::Context;
use super::fault::Failure;
use super::outcome::Outcome;
use super::{layout, output, terminal};

/// Open a paper's page in the browser
///
/// akin itself fetches nothing, so this works with --offline too. The browser is $BROWSER, or the
/// system's own (xdg-open, open, start).
#[derive(Debug, Args)]
pub(super) struct OpenArgs {
    /// Any spelling of its id
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Open the PDF: of papers at arXiv, PubMed Central and the ACL Anthology
    #[arg(long)]
    pdf: bool,
    /// Print the address, and open nothing
    #[arg(long)]
    print: bool,
}

pub(super) fn run(args: &OpenArgs, context: &Context) -> Result<Outcome, Failure> {
    let library = context.library()?;
    let mut outcome = Outcome::Done;
    let mut out = terminal::stdout();
    for id in &args.ids {
        let (shown, address) = match address(&library, id, args.pdf) {
            // The others are still opened.
            Err(fault) if !fault.is_everybodys() => {
                fault.print();
                outcome = Outcome::Partly;
                continue;
            }
            found => found?,
        };
        if context.json {
            layout::json_line(&mut out, &json!({"id": shown, "url": address}))?;
        } else if args.print {
            writeln!(out, "{address}")?;
        }
        if args.print {
            continue;
        }
        context.note(&format!("opening {address}"));
        opener::open_browser(&address).map_err(|error| {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            Failure::usage(format!(
                "no browser could be started: {error}{why}; --print prints the address"
            ))
        })?;
    }
    out.flush()?;
    Ok(outcome)
}

/// The id of a paper as it is shown, and the address to open.
fn address(library: &Library, id: &str, is_pdf: bool) -> Result<(String, String), Failure> {
    let paper = library.find(id).map_err(Failure::Akin)?.paper;
    let shown = output::spelt(library, &paper.id)?.to_string();
    let found = match is_pdf {
        true => paper.pdf_address(),
        false => paper.address(),
    };
    match (found, paper.address()) {
        (Some(address), _) => Ok((shown, address)),
        (None, Some(page)) => Err(Failure::usage(format!(
            "{shown} has no PDF that akin knows of; its page is {page}"
        ))),
        (None, None) => Err(Failure::usage(format!(
            "{shown} has no address: none of its ids names a page"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use akin::Error;

    use super::*;

    #[test]
    fn an_unknown_paper_does_not_stop_the_others() {
        let unknown = Failure::Akin(Error::UnknownPaper { id: "x".to_owned() });
        assert!(!unknown.is_everybodys());
        assert!(!Failure::usage("x has no address").is_everybodys());
    }
}
