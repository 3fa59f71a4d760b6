//! The formats that are written, their names, and the files that they go into.

use std::path::Path;

/// A format of papers.
///
/// A format that akin reads too has the same name as a format of dumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// BibTeX, for LaTeX and reference managers.
    Bibtex,
    /// RIS, for reference managers.
    Ris,
    /// CSL-JSON, for pandoc and reference managers.
    CslJson,
    /// A table, for spreadsheets.
    Csv,
    /// akin's own JSON Lines, with all fields.
    Json,
}

impl ExportFormat {
    /// All of them.
    pub const ALL: [ExportFormat; 5] = [
        ExportFormat::Bibtex,
        ExportFormat::Ris,
        ExportFormat::CslJson,
        ExportFormat::Csv,
        ExportFormat::Json,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            ExportFormat::Bibtex => "bibtex",
            ExportFormat::Ris => "ris",
            ExportFormat::CslJson => "csl-json",
            ExportFormat::Csv => "csv",
            ExportFormat::Json => "json",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<ExportFormat> {
        ExportFormat::ALL
            .into_iter()
            .find(|format| format.name() == name)
    }

    /// The format of a file with this name, by its extension. `.json` is CSL-JSON, as reference
    /// managers export it, and `.jsonl` is akin's own.
    pub fn of_file(path: &Path) -> Option<ExportFormat> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match &*extension {
            "bib" | "bibtex" => ExportFormat::Bibtex,
            "ris" => ExportFormat::Ris,
            "json" | "csljson" => ExportFormat::CslJson,
            "csv" => ExportFormat::Csv,
            "jsonl" | "ndjson" => ExportFormat::Json,
            _ => return None,
        })
    }

    /// Whether the beginning of a file shows that akin wrote it in this format.
    pub fn is_own(self, start: &str) -> bool {
        match self {
            ExportFormat::Bibtex => start.starts_with("% written by akin "),
            ExportFormat::Ris => start.starts_with("TY  - ") && start.contains("\nDP  - akin\n"),
            ExportFormat::CslJson => {
                start == "[\n]\n"
                    || (start.starts_with("[\n{") && start.contains("\"source\":\"akin\""))
            }
            ExportFormat::Csv => start
                .lines()
                .next()
                .is_some_and(|line| line.split(',').eq(akin_base::paper::TABLE_COLUMNS)),
            ExportFormat::Json => start.starts_with("{\"akin\":"),
        }
    }

    /// What begins a line of comment, in a format that has comments.
    pub fn comment(self) -> Option<&'static str> {
        (self == ExportFormat::Bibtex).then_some("%")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_name_and_by_extensions() {
        for format in ExportFormat::ALL {
            assert_eq!(ExportFormat::from_name(format.name()), Some(format));
            let is_read = akin_dump::Format::from_name(format.name());
            assert!(is_read.is_some(), "{format:?}");
        }
        let of = |name: &str| ExportFormat::of_file(Path::new(name));
        assert_eq!(of("a/refs.BIB"), Some(ExportFormat::Bibtex));
        assert_eq!(of("refs.json"), Some(ExportFormat::CslJson));
        assert_eq!(of("refs.jsonl"), Some(ExportFormat::Json));
        assert_eq!(of("refs.txt"), None);
        assert_eq!(of("refs"), None);
    }
}
