#!/usr/bin/env python3
"""Draws the 1,000 papers of tests/data/arxiv-1000.jsonl from larger arXiv metadata dumps.

    python3 scripts/sample_arxiv.py INPUT... > tests/data/arxiv-1000.jsonl

INPUT is JSON Lines with the field names of the arXiv metadata snapshot, plain or `.zst` (then
`zstd` must be on the PATH). What comes out are the records as they were, one a line, sorted by
date and id, with only the fields in FIELDS.

The draw is decided by a hash of the seed and the paper's id, so it does not depend on the order of
the input or on the Python version. It goes in three steps, each skipping what is already drawn and
each holding CATEGORY_CAP papers per primary category:
  1. clusters: a few papers on each of the subjects in CLUSTERS, so that searches find company;
  2. old ids: OLD_STYLE papers with ids such as hep-th/9901001, archive after archive in turn;
  3. the rest: the CORE categories up to CORE_SHARE each, then every category in turn.

A record is left out when its id is not a whole arXiv id (some dumps have had ids read as numbers:
`1909.0896300000002`, `1505.0023`, `907.2862`), when its abstract is shorter than MIN_ABSTRACT_CHARS,
or when its date is outside YEARS. `--ids` prints only a count of each form of id.
"""

import argparse
import collections
import hashlib
import json
import re
import subprocess
import sys

SEED = "akin-1"
SAMPLE = 1000
CATEGORY_CAP = 40
CLUSTER_SHARE = 10
OLD_STYLE = 110
CORE_SHARE = 14
MIN_ABSTRACT_CHARS = 120
YEARS = range(1992, 2020)
FIELDS = ["id", "authors", "title", "doi", "categories", "abstract", "update_date"]

CLUSTERS = {
    "graph neural networks": r"graph (neural|convolutional|attention) network",
    "gravitational waves": r"gravitational[- ]wave",
    "exoplanets": r"exoplanet|extrasolar planet|hot jupiter|transiting planet",
    "protein folding": r"protein (folding|structure prediction)",
    "transformers and attention": r"\btransformer\b(?!less)|self-attention|\bBERT\b",
    "machine translation": r"machine translation",
    "generative adversarial networks": r"generative adversarial|\bGANs?\b",
    "reinforcement learning": r"reinforcement learning",
    "dark matter": r"dark matter",
    "black hole entropy": r"black hole (entropy|thermodynamics)|hawking radiation",
    "Bose-Einstein condensation": r"bose[- ]einstein condensat",
    "graphene": r"graphene",
    "superconductivity": r"superconduct",
    "quantum error correction": r"quantum error[- ]correct|surface code",
    "epidemics on networks": r"\b(epidemic|SIR model|contagion)",
    "option pricing": r"option pric|black[- ]scholes",
    "turbulence": r"\bturbulen",
    "neutrino oscillations": r"neutrino (oscillation|mass|mixing)",
    "recommender systems": r"recommender|recommendation system|collaborative filtering",
    "random matrices": r"random matri",
    "compressed sensing": r"compressed sensing|compressive sensing",
    "blockchain": r"blockchain|bitcoin",
    "elliptic curves": r"elliptic curve",
    "causal inference": r"causal (inference|discovery|effect)",
}

CORE = """cs.LG cs.CL cs.CV cs.AI cs.IR cs.DB cs.DS cs.CR cs.RO cs.SE cs.SI cs.DL cs.NI cs.PL cs.HC stat.ML
stat.ME stat.AP astro-ph astro-ph.EP astro-ph.HE astro-ph.CO astro-ph.SR astro-ph.GA gr-qc hep-th hep-ph
hep-ex hep-lat nucl-th quant-ph math.NT math.AG math.CO math.PR math.AP math.LO math.OC math-ph cond-mat
cond-mat.str-el cond-mat.soft cond-mat.mtrl-sci cond-mat.stat-mech physics.flu-dyn physics.optics
physics.soc-ph physics.chem-ph q-bio.BM q-bio.NC q-bio.PE q-bio.GN q-fin.PR econ.EM eess.SP
eess.IV""".split()


def id_form(arxiv_id):
    """Names the form of an id: the three whole ones, or the kind of damage."""
    if re.fullmatch(r"[a-z-]+(\.[A-Z]{2})?/\d{7}", arxiv_id):
        return "old style"
    match = re.fullmatch(r"(\d+)\.(\d+)", arxiv_id)
    if not match:
        return "not an arXiv id"
    month, number = match.groups()
    number_digits = 5 if int(month) >= 1501 else 4
    if len(number) > number_digits:
        return "damaged: float noise"
    trailing = len(number) < number_digits
    leading = len(month) < 4
    if leading and trailing:
        return "damaged: leading and trailing zeros lost"
    if leading:
        return "damaged: leading zero lost"
    if trailing:
        return "damaged: trailing zeros lost"
    return f"new style, {number_digits} digits"


def records(path):
    """Yields the records of one dump."""
    if path.endswith(".zst"):
        with subprocess.Popen(["zstd", "-dc", path], stdout=subprocess.PIPE) as unpacker:
            yield from map(json.loads, unpacker.stdout)
        if unpacker.returncode != 0:
            sys.exit(f"error: zstd could not unpack {path}")
    else:
        with open(path, "rb") as lines:
            yield from map(json.loads, lines)


def whole(record):
    """Says whether a record may be drawn."""
    return (
        not id_form(record["id"]).startswith(("damaged", "not"))
        and len(record["abstract"].strip()) >= MIN_ABSTRACT_CHARS
        and int(record["update_date"][:4]) in YEARS
    )


def primary(record):
    return record["categories"].split()[0]


class Draw:
    """The papers drawn so far, with the cap per primary category."""

    def __init__(self):
        self.papers = {}
        self.per_category = collections.Counter()

    def take(self, record):
        """Takes a record if it is new and its category has room; says whether it did."""
        category = primary(record)
        if record["id"] in self.papers or self.per_category[category] >= CATEGORY_CAP:
            return False
        self.papers[record["id"]] = record
        self.per_category[category] += 1
        return True

    def take_up_to(self, count, pool):
        for record in pool:
            if count <= 0:
                break
            count -= self.take(record)

    def take_in_turn(self, count, pools):
        """Takes one record from each pool in turn until `count` are taken or the pools are empty."""
        pools = [iter(pool) for pool in pools]
        while count > 0 and pools:
            left = []
            for pool in pools:
                taken = count > 0 and next((True for record in pool if self.take(record)), False)
                count -= taken
                if taken:
                    left.append(pool)
            pools = left


def grouped(pool, key):
    """Returns the records of `pool` by `key`, groups in name order, records in drawing order."""
    groups = collections.defaultdict(list)
    for record in pool:
        groups[key(record)].append(record)
    return dict(sorted(groups.items()))


def sample(pool):
    """Draws SAMPLE papers from `pool`, which is in drawing order."""
    draw = Draw()
    for pattern in CLUSTERS.values():
        subject = re.compile(pattern, 0 if "BERT" in pattern or "GAN" in pattern else re.IGNORECASE)
        draw.take_up_to(CLUSTER_SHARE, (r for r in pool if subject.search(r["title"])))
    old = [record for record in pool if "/" in record["id"]]
    draw.take_in_turn(OLD_STYLE, grouped(old, lambda r: r["id"].split("/")[0]).values())
    categories = grouped(pool, primary)
    for category in CORE:
        draw.take_up_to(CORE_SHARE - draw.per_category[category], categories.get(category, []))
    draw.take_in_turn(SAMPLE - len(draw.papers), categories.values())
    return draw.papers.values()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("inputs", nargs="+", metavar="INPUT")
    parser.add_argument("--ids", action="store_true", help="count the forms of ids and draw nothing")
    arguments = parser.parse_args()
    every = (record for path in arguments.inputs for record in records(path))
    if arguments.ids:
        forms = collections.Counter(id_form(record["id"]) for record in every)
        for form, count in sorted(forms.items()):
            print(f"{count:>8}  {form}")
        return
    pool = [{field: r.get(field) for field in FIELDS} for r in every if whole(r)]
    pool.sort(key=lambda r: hashlib.sha256(f"{SEED}:{r['id']}".encode()).digest())
    for record in sorted(sample(pool), key=lambda r: (r["update_date"], r["id"])):
        print(json.dumps(record, ensure_ascii=False))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main()
