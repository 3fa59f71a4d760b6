//! Every format of dumps: one row each.
//!
//! The format of a dump is the first that recognises it, family by family: magic numbers, JSON,
//! XML, tagged text, then everything else ([`sniff`](crate::sniff)).

use std::fmt;

use crate::format::{FormatReader, Framing, Spec};
use crate::{json, page, table, tagged, xml};

/// Makes [`Format`] and the table of formats from the same rows.
macro_rules! formats {
    ($($(#[$doc:meta])+ $variant:ident = $spec:expr,)+) => {
        /// The format of a dump.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Format {
            $($(#[$doc])+ $variant,)+
        }

        /// Every format, in the order in which they are tried.
        const ALL: &[Format] = &[$(Format::$variant),+];

        impl Format {
            pub(crate) fn spec(self) -> &'static Spec {
                match self {
                    $(Format::$variant => const { &$spec },)+
                }
            }
        }
    };
}

formats! {
    /// Arrow IPC stream.
    ArrowStream = table::ARROW_STREAM,
    /// Arrow IPC file, also called Feather.
    ArrowFile = table::ARROW_FILE,
    /// Parquet file.
    Parquet = table::PARQUET,
    /// What the API of Hugging Face Daily Papers answers.
    HfDailyApi = json::hf_daily::API,
    /// A day of Hugging Face Daily Papers, scraped.
    HfDailyScrape = json::hf_daily::SCRAPE,
    /// Works of OpenAlex.
    OpenAlex = json::openalex::SPEC,
    /// Papers of Semantic Scholar: bulk data sets, API answers, S2ORC.
    SemanticScholar = json::semantic_scholar::SPEC,
    /// Works of Crossref: answers of its API, its public data files.
    Crossref = json::csl_json::CROSSREF,
    /// What Europe PMC answers.
    EuropePmc = json::europe_pmc::SPEC,
    /// CSL-JSON, as reference managers export it.
    CslJson = json::csl_json::SPEC,
    /// `corpus.jsonl` of a BEIR folder.
    Beir = json::beir::SPEC,
    /// A daily arXiv list.
    ArxivDaily = json::arxiv_daily::SPEC,
    /// The arXiv metadata snapshot.
    ArxivSnapshot = json::arxiv_snapshot::SPEC,
    /// Records with a title, or with an id and a text, one a line or in an array.
    JsonRecords = json::plain::SPEC,
    /// Responses of arXiv's OAI-PMH interface: `arXiv`, `arXivRaw`, `oai_dc`.
    ArxivOai = xml::arxiv_oai::SPEC,
    /// Feeds of the arXiv API.
    ArxivAtom = xml::arxiv_atom::SPEC,
    /// PubMed's baseline and update files, and answers of its E-utilities.
    PubmedXml = xml::pubmed::SPEC,
    /// A collection of the ACL Anthology.
    AclAnthology = xml::acl::SPEC,
    /// RIS.
    Ris = tagged::ris::SPEC,
    /// MEDLINE text, also called `.nbib`.
    Medline = tagged::medline::SPEC,
    /// EndNote's own export, with `%T` and the like.
    EndNote = tagged::endnote::SPEC,
    /// Web of Science's field-tagged export.
    WebOfScience = tagged::web_of_science::SPEC,
    /// `.abs` files of arXiv.
    ArxivAbs = tagged::arxiv_abs::SPEC,
    /// BibTeX.
    Bibtex = tagged::bibtex::SPEC,
    /// The saved text of a Hugging Face papers page.
    HfPage = page::hf::SPEC,
    /// `metadata.csv` of CORD-19.
    Cord19 = table::delimited::CORD_19,
    /// Values separated by commas, semicolons or tabs, under a line of names.
    Delimited = table::delimited::SPEC,
}

impl Format {
    /// Every format, in the order in which they are tried.
    pub fn all() -> impl Iterator<Item = Format> {
        ALL.iter().copied()
    }

    /// The format of this name on the command line.
    pub fn from_name(name: &str) -> Option<Format> {
        Format::all().find(|format| format.name() == name)
    }

    /// The names that [`Format::from_name`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Format::all().map(Format::name)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        self.spec().title
    }

    /// Whether its records are JSON objects.
    pub(crate) fn is_json(self) -> bool {
        matches!(self.spec().reader, FormatReader::Json(_))
    }

    /// Whether its records are made of tagged lines, or of entries.
    pub(crate) fn is_tagged(self) -> bool {
        matches!(self.spec().reader, FormatReader::Tagged(_))
    }

    /// How its records are separated; for JSON this depends on the dump, and this is the usual way.
    pub(crate) fn framing(self) -> Framing {
        match &self.spec().reader {
            FormatReader::Json(_) => Framing::Lines,
            FormatReader::Xml(_) => Framing::Elements,
            FormatReader::Tagged(_) => Framing::Blocks,
            FormatReader::Items(items) => items.framing,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec().title)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_titles_are_unique_and_lead_back() {
        let names: BTreeSet<&str> = Format::names().collect();
        let titles: BTreeSet<String> = Format::all().map(|format| format.to_string()).collect();
        assert_eq!(names.len(), ALL.len());
        assert_eq!(titles.len(), ALL.len());
        for format in Format::all() {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("none"), None);
    }
}
