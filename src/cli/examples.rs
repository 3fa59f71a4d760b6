//! Examples of every command, as its help and its page of the manual show them.
//!
//! `arxiv-1000.jsonl` is the sample of arXiv papers that comes with akin. A test runs every example on it, so
//! each of them works; those that use the network fail there, and say so.

use clap::Command;

/// The commands, by path: what each example does, and the example.
pub(super) const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    (
        "search",
        &[
            (
                "By meaning and by words",
                "akin search \"graph neural networks\"",
            ),
            (
                "With conditions: a phrase, a necessary word, a category, a date",
                "akin search '\"dark matter\" +neutralino' --category hep-ph --until 2024",
            ),
            (
                "In a file, without a library",
                "akin search --in arxiv-1000.jsonl \"toric varieties\" -n 3",
            ),
        ],
    ),
    (
        "related",
        &[
            (
                "Papers like one that you know",
                "akin related hep-ph/9302259",
            ),
            (
                "Papers close to a draft",
                "akin related --file draft.tex --limit 5",
            ),
            (
                "Close to one paper, away from another",
                "akin related hep-ph/9302259 --not alg-geom/9202019",
            ),
        ],
    ),
    (
        "show",
        &[
            (
                "A paper, by any spelling of its id",
                "akin show arXiv:hep-ph/9302259v1",
            ),
            (
                "With the records that it was made of",
                "akin show hep-ph/9302259 --sources",
            ),
        ],
    ),
    (
        "list",
        &[
            ("The newest papers", "akin list --sort date --reverse"),
            (
                "Of one category, twenty on a page",
                "akin list --category cs -n 20",
            ),
        ],
    ),
    (
        "open",
        &[
            ("A paper's page in the browser", "akin open hep-ph/9302259"),
            (
                "The address of its PDF",
                "akin open hep-ph/9302259 --pdf --print",
            ),
        ],
    ),
    (
        "cite",
        &[
            ("As BibTeX", "akin cite hep-ph/9302259"),
            ("As CSL-JSON", "akin cite hep-ph/9302259 --format csl-json"),
        ],
    ),
    (
        "export",
        &[
            ("All of the library", "akin export -o papers.bib"),
            (
                "The papers that a search finds",
                "akin export --search \"graph neural networks\" -o graphs.ris",
            ),
            (
                "A dump as a table",
                "akin export --in arxiv-1000.jsonl -o papers.csv",
            ),
        ],
    ),
    (
        "add",
        &[
            ("Add a dump", "akin add arxiv-1000.jsonl"),
            (
                "Say what would be done, and why",
                "akin add arxiv-1000.jsonl --dry-run --explain",
            ),
            ("From another program", "zcat papers.jsonl.gz | akin add -"),
        ],
    ),
    (
        "pull",
        &[
            (
                "What is new in computer science",
                "akin pull arxiv --set cs",
            ),
            (
                "The papers of the day at Hugging Face",
                "akin pull hf-daily",
            ),
        ],
    ),
    (
        "pull arxiv",
        &[
            (
                "From a day on",
                "akin pull arxiv --set cs --from 2026-11-01",
            ),
            ("What is new since the last pull", "akin pull arxiv"),
        ],
    ),
    (
        "pull hf-daily",
        &[
            ("Every day since the last pull", "akin pull hf-daily"),
            ("One day", "akin pull hf-daily --date 2026-11-20"),
        ],
    ),
    (
        "remove",
        &[
            ("Forget one paper", "akin remove 1603.00670"),
            (
                "By its address",
                "akin remove https://arxiv.org/abs/1603.01677",
            ),
        ],
    ),
    (
        "split",
        &[
            ("What a paper was made of", "akin show 2401.00001 --sources"),
            ("Take its second record out", "akin split 2401.00001 2"),
        ],
    ),
    (
        "restore",
        &[
            ("What was withdrawn", "akin status"),
            ("Find one of them again", "akin restore 2401.00002"),
        ],
    ),
    (
        "status",
        &[
            ("What the library holds", "akin status"),
            ("For programs", "akin status --json"),
        ],
    ),
    (
        "check",
        &[
            ("Look, and change nothing", "akin check"),
            ("Mend what can be mended", "akin check --repair"),
            ("Search for 100 papers only", "akin check --sample 100"),
        ],
    ),
    (
        "compact",
        &[
            ("Give back space", "akin compact"),
            ("And see what it gave back", "akin compact && akin status"),
        ],
    ),
    (
        "undo",
        &[
            ("See what would be taken back", "akin undo --dry-run"),
            ("Take it back", "akin undo"),
        ],
    ),
    (
        "cache",
        &[
            ("What is kept, and of which dump", "akin cache list"),
            (
                "Delete what was not used for a month",
                "akin cache clean --older-than 30d",
            ),
        ],
    ),
    (
        "embed-missing",
        &[
            (
                "Read now, and embed at night",
                "akin add arxiv-1000.jsonl --words-only",
            ),
            ("Embed what is missing", "akin embed-missing"),
        ],
    ),
    (
        "follow",
        &[
            (
                "Follow a subject",
                "akin follow add relic \"dark matter relic density\"",
            ),
            ("What is followed", "akin follow list"),
            (
                "What it would have found last month",
                "akin follow test relic --days 30",
            ),
        ],
    ),
    (
        "follow add",
        &[
            (
                "A subject",
                "akin follow add toric \"toric varieties\" --category math",
            ),
            (
                "Papers like one",
                "akin follow add susy --like hep-ph/9302259",
            ),
            (
                "An author",
                "akin follow add roszkowski --author \"Leszek Roszkowski\"",
            ),
        ],
    ),
    (
        "digest",
        &[
            ("What is new, once", "akin digest"),
            (
                "See it without marking it as shown",
                "akin digest --dry-run --since 7d",
            ),
            ("As a page", "akin digest --to html -o digest.html"),
        ],
    ),
    (
        "subscribe",
        &[
            (
                "A mail every working day",
                "akin subscribe add you@example.org --at 07:30 --days mon-fri",
            ),
            ("Who gets mail", "akin subscribe list"),
        ],
    ),
    (
        "daily",
        &[
            ("The last day that has a list", "akin daily"),
            (
                "A month, by the day of publication",
                "akin daily --month 2019-03 --published",
            ),
        ],
    ),
    (
        "trending",
        &[
            ("What rises", "akin trending"),
            (
                "In one category, this month",
                "akin trending --category cs.LG --days 30",
            ),
        ],
    ),
    (
        "model",
        &[
            ("What is on this machine", "akin model list"),
            ("Fetch a model", "akin model fetch BAAI/bge-small-en-v1.5"),
            ("Answer with the bundled one", "akin model use bundled"),
        ],
    ),
    (
        "embed",
        &[
            ("To JSON Lines on stdout", "akin embed arxiv-1000.jsonl"),
            (
                "To a NumPy file, with half the bytes",
                "akin embed arxiv-1000.jsonl -o vectors.npy --dtype f16",
            ),
            (
                "As a filter",
                "cat arxiv-1000.jsonl | akin embed - | head -n 2",
            ),
        ],
    ),
    (
        "eval",
        &[
            ("A folder of BEIR", "akin eval beir"),
            (
                "By words only, with one metric",
                "akin eval beir --lexical --metric nDCG@10",
            ),
            ("Keep the run", "akin eval beir --run run.trec"),
            (
                "Other files",
                "akin eval --corpus beir/corpus.jsonl --queries beir/queries.jsonl --qrels beir/qrels/test.tsv",
            ),
        ],
    ),
    (
        "config",
        &[
            ("Every setting, and where it comes from", "akin config list"),
            ("Set one", "akin config set threads 4"),
            ("Open the file in your editor", "akin config edit"),
        ],
    ),
    (
        "completions",
        &[
            ("bash, in ~/.bashrc", "source <(akin completions bash)"),
            ("zsh, in ~/.zshrc", "source <(akin completions zsh)"),
            (
                "fish, in ~/.config/fish/config.fish",
                "akin completions fish | source",
            ),
        ],
    ),
    (
        "man",
        &[
            ("Read one page", "akin man search | man -l -"),
            ("Write all pages", "akin man --to ~/.local/share/man/man1"),
        ],
    ),
    (
        "help",
        &[
            ("A command", "akin help search"),
            ("The options that every command takes", "akin help options"),
            ("The formats that are read", "akin help formats"),
        ],
    ),
];

/// The examples of a command.
pub(super) fn of(path: &str) -> &'static [(&'static str, &'static str)] {
    let row = EXAMPLES.iter().find(|(of, _)| *of == path);
    row.map_or(&[], |(_, examples)| examples)
}

/// The examples under their heading; nothing for a command that has none.
pub(super) fn shown(command: &Command, path: &str) -> String {
    let examples = of(path);
    if examples.is_empty() {
        return String::new();
    }
    let header = command.get_styles().get_header();
    let lines = examples
        .iter()
        .map(|(what, example)| format!("\n  # {what}\n  {example}"));
    format!("{header}Examples:{header:#}{}", lines.collect::<String>())
}
