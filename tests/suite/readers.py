"""Reads exports with the readers that others use: pybtex, rispy, citeproc-py, csv.

    python3 readers.py refs.bib refs.ris refs.json refs.csv

Prints a JSON object: for each file a list of [title, number of authors, family name of the first, year].
"""

import csv
import json
import sys

import rispy
from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON
from pybtex.database import parse_file

bib, ris, csl, table = sys.argv[1:]


def of_bibtex(entry):
    people = entry.persons.get("author", [])
    family = " ".join(people[0].prelast_names + people[0].last_names).strip("{}") if people else None
    return [entry.fields["title"], len(people), family, entry.fields.get("year")]


def of_ris(record):
    people = record.get("authors", [])
    return [record["title"], len(people), people[0].split(",")[0] if people else None, record.get("year")]


def of_csl(item, raw):
    people = item.get("author", [])
    first = raw["author"][0] if people else {}
    particle = first.get("non-dropping-particle")
    family = " ".join(filter(None, [particle, first.get("family", first.get("literal"))]))
    return [str(item.title), len(people), family, str(item.issued.year) if "issued" in item else None]


def styled(source):
    """The reference list, as citeproc-py makes it."""
    style = CitationStylesStyle("harvard-cite-them-right", validate=False)
    bibliography = CitationStylesBibliography(style, source, formatter.plain)
    bibliography.register(Citation([CitationItem(key) for key in source]))
    return [str(item) for item in bibliography.bibliography()]


def of_row(row):
    return [row["title"], row["doi"], row["published"], row["abstract"]]


with open(csl, encoding="utf-8") as file:
    items = json.load(file)
source = CiteProcJSON(items)
with open(ris, encoding="utf-8") as file:
    records = rispy.load(file)
with open(table, encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
print(
    json.dumps(
        {
            "keys": list(parse_file(bib).entries.keys()),
            "bibtex": [of_bibtex(entry) for entry in parse_file(bib).entries.values()],
            "ris": [of_ris(record) for record in records],
            "csl-json": [of_csl(source[item["id"].lower()], item) for item in items],
            "csv": [of_row(row) for row in rows],
            "styled": styled(source),
        }
    )
)
