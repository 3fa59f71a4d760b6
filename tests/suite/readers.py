"""Reads exports with the readers that others use: pybtex, rispy, citeproc-py, csv.

    python3 readers.py refs.bib refs.ris refs.json refs.csv

Prints a JSON object: for each file a list of [title, number of authors, family name of the first, year].
"""

import csv
import json
import sys

import rispy
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
    family = people[0].family if people else None
    assert str(item.title) == raw["title"], item.title
    return [raw["title"], len(people), family, str(item.issued.year) if "issued" in item else None]


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
        }
    )
)
