//! Papers in a citation style, such as APA: `akin cite --style`. Only in builds with the feature `styles`.
//!
//! In: papers as BibTeX, and the name of a style of CSL. Out: one text a paper, as a reference list has it.
//! hayagriva formats; it brings its styles and locales along.

use hayagriva::archive::{ArchivedStyle, locales};
use hayagriva::citationberg::{IndependentStyle, Style};
use hayagriva::{
    BibliographyDriver, BibliographyItem, BibliographyRequest, BufWriteFormat, CitationItem,
    CitationRequest,
};

use super::fault::Failure;

/// The reference list of entries in BibTeX, a text an entry.
pub(super) fn references(bibtex: &str, style: &str) -> Result<Vec<String>, Failure> {
    let style = named(style)?;
    let library = hayagriva::io::from_biblatex_str(bibtex).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::usage(format!(
            "a citation cannot be styled: {}",
            errors.join("; ")
        ))
    })?;
    let locales = locales();
    let mut driver = BibliographyDriver::new();
    for entry in library.iter() {
        let items = vec![CitationItem::with_entry(entry)];
        driver.citation(CitationRequest::from_items(items, &style, &locales));
    }
    let rendered = driver.finish(BibliographyRequest {
        style: &style,
        locale: None,
        locale_files: &locales,
    });
    let items = rendered.bibliography.map(|list| list.items);
    let items = items.ok_or_else(|| Failure::usage("this style has no reference list"))?;
    Ok(items.iter().map(text).collect())
}

/// A style by its name.
fn named(name: &str) -> Result<IndependentStyle, Failure> {
    let style = ArchivedStyle::by_name(name).map(ArchivedStyle::get);
    match style {
        Some(Style::Independent(style)) => Ok(style),
        _ => {
            let mut names: Vec<&str> = ArchivedStyle::all()
                .iter()
                .filter_map(|style| style.names().last().copied())
                .collect();
            names.sort_unstable();
            Err(Failure::usage(format!(
                "the style {name:?} is not known; there are {}",
                names.join(", ")
            )))
        }
    }
}

/// An item with its number or label, if the style has one.
fn text(item: &BibliographyItem) -> String {
    let mut text = String::new();
    // Writing into a text cannot fail.
    if let Some(first) = &item.first_field {
        let _ = first.write_buf(&mut text, BufWriteFormat::Plain);
        text.push(' ');
    }
    let _ = item.content.write_buf(&mut text, BufWriteFormat::Plain);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: &str = "% written by akin\n@article{m,\n  title = {Moss on {GPU} roofs},\n  \
        author = {van den Berg, Jan and {The Moss Group}},\n  year = {1999},\n  month = may,\n  \
        journal = {Annals of Moss},\n  volume = {7},\n  doi = {10.1000/moss},\n}\n";

    #[test]
    fn a_paper_is_styled() {
        let apa = references(ENTRIES, "apa").unwrap();
        assert_eq!(apa.len(), 1);
        for part in [
            "van den Berg, J.",
            "The Moss Group",
            "1999",
            "Moss on GPU roofs",
            "Annals of Moss",
        ] {
            assert!(apa[0].contains(part), "{part}: {}", apa[0]);
        }
        let ieee = references(ENTRIES, "ieee").unwrap();
        assert!(ieee[0].starts_with("[1] "), "{ieee:?}");
        assert!(references(ENTRIES, "nonesuch").is_err());
    }
}
