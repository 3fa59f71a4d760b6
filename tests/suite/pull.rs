//! `akin pull` against a server on this machine: pages become papers, and a pull that was cut off
//! goes on where it was.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use crate::sandbox::{Ran, Sandbox, tiny_model};

/// A server that gives its answers in order, one a connection; where an answer is `None` it hangs
/// up. It keeps the addresses that it was asked for.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn of(answers: Vec<Option<String>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/api", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                log.lock().unwrap().push(lines.next().unwrap().unwrap());
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                if let Some(body) = answer {
                    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length:";
                    write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
                }
            }
        });
        Server { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn record(id: &str, title: &str) -> String {
    format!(
        "<record><header><identifier>oai:arXiv.org:{id}</identifier>\
         <datestamp>2026-11-01</datestamp></header><metadata><arXiv \
         xmlns=\"http://arxiv.org/OAI/arXiv/\"><id>{id}</id><created>2026-10-31</created>\
         <authors><author><keyname>Lovelace</keyname><forenames>Ada</forenames></author></authors>\
         <title>{title}</title><categories>cs.CL</categories>\
         <abstract>  About {title}.\n</abstract></arXiv></metadata></record>"
    )
}

fn oai(records: &str, token: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<OAI-PMH \
         xmlns=\"http://www.openarchives.org/OAI/2.0/\">\
         <responseDate>2026-11-02T00:00:00Z</responseDate><request verb=\"ListRecords\"/>\
         <ListRecords>{records}<resumptionToken completeListSize=\"3\">{token}</resumptionToken>\
         </ListRecords></OAI-PMH>"
    )
}

const DELETED: &str = "<record><header status=\"deleted\">\
    <identifier>oai:arXiv.org:2610.00001</identifier><datestamp>2026-11-01</datestamp></header>\
    </record>";

/// Pulls from a server with the tiny model.
fn pull(sandbox: &Sandbox, server: &Server, feed: &[&str]) -> Ran {
    let model = tiny_model();
    let base = ["--base", &server.address];
    sandbox.akin(&[&["pull", "--model", &model], feed, &base].concat())
}

#[test]
fn pages_of_arxiv_become_papers_and_deletions_are_obeyed() {
    let sandbox = Sandbox::new();
    let two = record("2610.00001", "Engines") + &record("2610.00002", "Looms");
    let server = Server::of(vec![Some(oai(&two, "next")), Some(oai(DELETED, ""))]);
    let said = pull(&sandbox, &server, &["arxiv", "--set", "cs"]).exits(0);
    assert!(said.stdout.contains("read 3: 2 stored"), "{said:?}");
    assert!(said.stdout.contains("1 deleted"), "{said:?}");
    assert!(
        server.asked()[1].contains("resumptionToken=next"),
        "{:?}",
        server.asked()
    );
    let found = sandbox.akin(&["search", "looms", "--json"]).exits(0).ids();
    assert_eq!(found, ["2610.00002"]);
    sandbox.akin(&["check"]).exits(0);
}

#[test]
fn a_pull_without_an_answer_keeps_what_it_has_and_says_how_to_go_on() {
    let sandbox = Sandbox::new();
    // Nobody listens where the server was.
    let server = Server::of(vec![Some(oai(&record("2610.00001", "Engines"), "next"))]);
    let cut = pull(&sandbox, &server, &["arxiv", "--attempts", "1"]).exits(2);
    assert!(
        cut.stderr.contains("hint: what was added is kept"),
        "{cut:?}"
    );
    assert_eq!(
        sandbox.akin(&["search", "engines", "--json"]).ids(),
        ["2610.00001"]
    );
    // The list that was begun is read on; what is new since is asked for after it.
    let nothing_new = "<OAI-PMH><responseDate>2026-11-02T00:00:00Z</responseDate>\
        <error code=\"noRecordsMatch\"/></OAI-PMH>";
    let server = Server::of(vec![
        Some(oai(&record("2610.00002", "Looms"), "")),
        Some(nothing_new.to_owned()),
    ]);
    pull(&sandbox, &server, &["arxiv", "--attempts", "1"]).exits(0);
    assert!(
        server.asked()[0].contains("resumptionToken=next"),
        "{:?}",
        server.asked()
    );
    assert_eq!(sandbox.akin(&["search", "looms", "--json"]).ids().len(), 2);
}

#[test]
fn a_day_of_hugging_face_becomes_papers_listed_on_that_day() {
    let sandbox = Sandbox::new();
    let paper = r#"[{"paper": {"id": "2610.00003", "title": "Cards", "summary": "Punched.",
        "authors": [{"name": "Ada Lovelace"}], "upvotes": 7}}]"#;
    let server = Server::of(vec![Some(paper.to_owned()), Some("[]".to_owned())]);
    pull(&sandbox, &server, &["hf-daily", "--date", "2026-10-05"]).exits(0);
    assert!(
        server.asked()[0].contains("date=2026-10-05"),
        "{:?}",
        server.asked()
    );
    let shown = sandbox.akin(&["show", "2610.00003"]).exits(0).stdout;
    assert!(shown.contains("2026-10-05"), "{shown}");
}
