//! What an answer says besides its hits: how close they are, what they have in common, which are the
//! same work; and which papers are preferred.

use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox, data};

/// A paper: id, title, abstract, year, author, category.
type Line<'a> = (&'a str, &'a str, &'a str, i16, &'a str, &'a str);

/// A library of these papers and one more, on attention, under the tiny model.
fn shelf(papers: [Line<'_>; 2]) -> Sandbox {
    let attention = (
        "2401.00003",
        "Attention",
        "Transformers attend.",
        2024,
        "Bo Li",
        "cs.CL",
    );
    let line = |(id, title, text, year, author, category): &Line<'_>| {
        let line = json!({
            "id": id, "title": title, "abstract": text, "published": format!("{year}-06-01"),
            "authors": [author], "categories": [category],
        });
        line.to_string()
    };
    let lines: Vec<String> = papers.iter().chain([&attention]).map(line).collect();
    let sandbox = Sandbox::new();
    sandbox.add(&[&sandbox.file("dump.jsonl", lines.join("\n"))]);
    sandbox
}

/// The first 100 real papers of the sample, under the bundled model.
fn real() -> Sandbox {
    let sandbox = Sandbox::new();
    let sample = std::fs::read_to_string(data("arxiv-1000.jsonl")).unwrap();
    let first: Vec<&str> = sample.lines().take(100).collect();
    let dump = sandbox.file("dump.jsonl", first.join("\n"));
    sandbox
        .akin(&["add", "--precision", "int8", &dump])
        .exits(0);
    sandbox
}

fn numbers(ran: &Ran, field: &str) -> Vec<f64> {
    let number = |hit: &Value| hit[field].as_f64().unwrap_or_else(|| panic!("{hit}"));
    ran.json().iter().map(number).collect()
}

#[test]
fn a_question_about_something_else_is_told_so() {
    let sandbox = real();
    let asked = |question: &str| sandbox.akin(&["search", "--json", question]);
    let far = asked("the best pizza in Naples").exits(1);
    assert!(far.stderr.contains("nothing here is close"), "{far:?}");
    assert_eq!(far.ids().len(), 10);
    let title = far.json()[0]["title"].as_str().unwrap().to_owned();
    let near = asked(&title).exits(0);
    assert!(!near.stderr.contains("close"), "{near:?}");

    let percentiles = numbers(&near, "percentile");
    // One paper of a hundred is as close as any can be.
    assert!(percentiles[0] >= 99.0, "{percentiles:?}");
    let most = |ran: &Ran| numbers(ran, "percentile").into_iter().fold(0.0, f64::max);
    assert!(most(&far) < most(&near), "{far:?}");
    let said = sandbox.akin(&["search", "--dense", &title]).exits(0).stdout;
    assert!(said.starts_with("  1  m   top 1 %  "), "{said}");

    let limit = (percentiles[0] + percentiles[9]) / 2.0;
    let limited = [
        "search",
        "--json",
        "--min-percentile",
        &limit.to_string(),
        &title,
    ];
    let limited = sandbox.akin(&limited).exits(0);
    let due: Vec<f64> = percentiles
        .iter()
        .copied()
        .filter(|p| *p >= limit)
        .collect();
    let given = numbers(&limited, "percentile");
    assert!(
        given.len() >= due.len() && given.iter().all(|p| *p >= limit),
        "{given:?}"
    );
    let none = [
        "search",
        "--min-percentile",
        "100",
        "the best pizza in Naples",
    ];
    let none = sandbox.akin(&none).exits(1);
    assert!(
        none.stdout.is_empty() && none.stderr.contains("that close"),
        "{none:?}"
    );
    for bad in ["-1", "101", "NaN", "much"] {
        let asked = format!("--min-percentile={bad}");
        let ran = sandbox.akin(&["search", &asked, "x"]).exits(2);
        assert!(ran.stderr.contains("from 0 to 100"), "{ran:?}");
    }
}

#[test]
fn what_says_how_close_papers_are_is_made_anew_where_it_is_damaged() {
    let sandbox = Sandbox::new();
    sandbox.add(&[data("arxiv-1000.jsonl").to_str().unwrap()]);
    let question = ["related", "--json", "astro-ph/9405031"];
    let whole = sandbox.akin(&question);
    assert!(numbers(&whole, "percentile").len() == 10);
    let space = std::fs::read_dir(sandbox.library().join("spaces"))
        .unwrap()
        .next();
    let folders = std::fs::read_dir(space.unwrap().unwrap().path()).unwrap();
    let kept = folders.map(|entry| entry.unwrap().path().join("background.json"));
    let kept = kept.into_iter().find(|path| path.is_file()).unwrap();
    let text = std::fs::read_to_string(&kept).unwrap();
    std::fs::write(&kept, text.replacen("\"n_pairs\":4", "\"n_pairs\":5", 1)).unwrap();
    let doubtful = sandbox.akin(&question);
    assert!(doubtful.stderr.contains("background.json"), "{doubtful:?}");
    assert!(doubtful.json()[0]["percentile"].is_null());
    assert_eq!(doubtful.ids(), whole.ids());
    let checked = sandbox.akin(&["check"]).exits(1);
    assert!(checked.stdout.contains("background.json"), "{checked:?}");
    sandbox.akin(&["check", "--repair"]);
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), text);
    assert_eq!(sandbox.akin(&question).stdout, whole.stdout);
}

#[test]
fn one_work_is_one_hit() {
    let text = "Rutile and its oxygen vacancies under light.";
    let sandbox = shelf([
        (
            "2401.00001",
            "Surfaces of TiO2",
            text,
            2020,
            "Ann Lee",
            "cond-mat",
        ),
        (
            "10.1234/tio2",
            "Surfaces of TiO2!",
            "A talk on rutile.",
            2021,
            "Bo Li",
            "cs",
        ),
    ]);
    let hits = sandbox.akin(&["search", "--json", "rutile"]).json();
    assert_eq!(hits.len(), 2, "{hits:?}");
    let one = hits.iter().find(|hit| hit["id"] != "2401.00003").unwrap();
    let ids = ["2401.00001", "doi:10.1234/tio2"];
    let [shown, folded] = [&one["id"], &one["duplicates"][0]].map(|id| id.as_str().unwrap());
    let other = |id: &str| {
        ids.iter()
            .any(|known| known.ends_with(id) || id.ends_with(known))
    };
    assert!(shown != folded && other(shown) && other(folded), "{one}");
    let said = sandbox.akin(&["search", "rutile"]).stdout;
    assert!(said.contains(&format!("also {folded}")), "{said}");
}

#[test]
fn papers_are_counted_by_year_category_and_author() {
    let sandbox = shelf([
        (
            "2401.00001",
            "Rutile",
            "Light.",
            2020,
            "Ann Lee",
            "cond-mat",
        ),
        (
            "2401.00002",
            "Anatase",
            "Light on it.",
            2020,
            "Bo Li",
            "cond-mat",
        ),
    ]);
    let ran = sandbox.akin(&["search", "--json", "--facets", "-k", "1", "light"]);
    let lines = ran.json();
    assert_eq!(lines.len(), 2, "{ran:?}");
    let count = |value: &str, n: u64| json!({ "value": value, "n_papers": n });
    assert_eq!(
        lines[1],
        json!({ "n_papers": 3, "facets": {
            "years": [count("2024", 1), count("2020", 2)],
            "categories": [count("cond-mat", 2), count("cs.CL", 1)],
            "authors": [count("Bo Li", 2)],
        }})
    );
    let said = sandbox.akin(&["search", "--facets", "light"]).stdout;
    assert!(said.contains("among the 3 best papers"), "{said}");
    assert!(
        said.contains("2024 1 · 2020 2") && said.contains("Bo Li 2"),
        "{said}"
    );
}

#[test]
fn young_papers_and_unlike_ones_can_be_preferred() {
    let sandbox = Sandbox::new();
    let dump = data("arxiv-1000.jsonl");
    sandbox.add(&[dump.to_str().unwrap()]);
    let ids = |args: &[&str]| {
        let args = [&["search", "--json", "the mass of a galaxy"], args].concat();
        sandbox.akin(&args).ids()
    };
    let plain = ids(&[]);
    let diverse = ids(&["--diverse=1"]);
    assert_eq!((&plain[0], plain.len()), (&diverse[0], diverse.len()));
    assert_ne!(plain, diverse);
    assert_eq!(ids(&["--diverse=0"]), plain);
    assert_eq!(ids(&["--half-life", "1e30"]), plain);

    let years = |args: &[&str]| -> Vec<String> {
        let args = [&["search", "--json", "--dense", "galaxies"], args].concat();
        let hits = sandbox.akin(&args).json();
        hits.iter()
            .map(|hit| hit["date"].as_str().unwrap().to_owned())
            .collect()
    };
    let (any, young) = (years(&[]), years(&["--half-life", "30"]));
    assert!(young.iter().max() >= any.iter().max(), "{any:?} {young:?}");
    assert!(young.is_sorted_by(|a, b| a >= b), "{young:?}");
    for (flag, wanted) in [("--half-life=0", "above 0"), ("--diverse=2", "from 0 to 1")] {
        let ran = sandbox.akin(&["search", flag, "x"]).exits(2);
        assert!(ran.stderr.contains(wanted), "{ran:?}");
    }
}
