#!/usr/bin/env python3
"""Draws how the index grows: `cargo bench --bench growth` prints what this reads.

    python3 scripts/plot_growth.py growth.jsonl growth.svg

Four panels over the number of rows, which is logarithmic: time of a search (median and 99th
percentile, and the exact scan), build time a row, recall@10, and bytes of the index a row. Sizes that
were made by moving real embeddings have hollow marks; what a line lacks is left out. Needs nothing
but Python.
"""

import json
import math
import sys

WIDTH, HEIGHT, GAP = 380, 240, 60
COLOURS = ("#2563a8", "#c2571a", "#3b7d3b")
PANELS = (
    ("Time of a search, ms (one thread)", (("p50_ms", "median"), ("p99_ms", "99 %"), ("exact_p50_ms", "exact scan")), True),
    ("Build, microseconds a row", (("build_us_per_row", ""),), False),
    ("Recall@10", (("recall_at_10", ""),), False),
    ("Index, bytes a row", (("index_bytes_per_row", ""),), False),
)


def short(number):
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{unit}"
    return f"{number:g}"


class Panel:
    def __init__(self, lines, names, is_log, left, top):
        values = [line[name] for line in lines for name, _ in names if name in line]
        self.is_log, self.left, self.top = is_log, left, top
        if is_log:
            self.low = 10 ** math.floor(math.log10(min(values)))
            self.high = 10 ** math.ceil(math.log10(max(values)))
        else:
            self.low = 0.95 if 0.95 < min(values) and max(values) <= 1 else 0
            self.high = 1 if self.low else max(values) * 1.15
        self.first = min(line["rows"] for line in lines)
        self.last = max(line["rows"] for line in lines)

    def x(self, rows):
        span = math.log(self.last / self.first) or 1
        return self.left + WIDTH * math.log(rows / self.first) / span

    def y(self, value):
        low, high = self.low, self.high
        if self.is_log:
            value, low, high = (math.log10(number) for number in (value, low, high))
        return self.top + HEIGHT * (1 - (value - low) / (high - low))

    def ticks(self):
        if not self.is_log:
            return [self.low + (self.high - self.low) * i / 4 for i in range(5)]
        decades = round(math.log10(self.high / self.low))
        return [self.low * 10**i for i in range(decades + 1)]


def draw(lines, panel, title, names):
    out = [f'<text x="{panel.left}" y="{panel.top - 12}" class="title">{title}</text>']
    for tick in panel.ticks():
        y = panel.y(tick)
        out.append(f'<line x1="{panel.left}" x2="{panel.left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        out.append(f'<text x="{panel.left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:.3g}</text>')
    for line in lines:
        x = panel.x(line["rows"])
        out.append(f'<text x="{x:.1f}" y="{panel.top + HEIGHT + 16}" text-anchor="middle">{short(line["rows"])}</text>')
    for (name, label), colour in zip(names, COLOURS):
        points = [(panel.x(line["rows"]), panel.y(line[name]), line["perturbed"]) for line in lines if name in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        for x, y, perturbed in points:
            fill = "white" if perturbed else colour
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{fill}" stroke="{colour}"/>')
        x, y, _ = points[-1]
        out.append(f'<text x="{x - 8:.1f}" y="{y - 8:.1f}" text-anchor="end" fill="{colour}">{label}</text>')
    return out


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        lines = sorted((json.loads(line) for line in file), key=lambda line: line["rows"])
    width, height = 2 * (WIDTH + GAP) + 20, 2 * (HEIGHT + GAP) + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        "<style>text{font:11px sans-serif} .title{font-weight:bold;font-size:13px} .grid{stroke:#ddd}</style>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for i, (title, names, is_log) in enumerate(PANELS):
        left, top = GAP + i % 2 * (WIDTH + GAP), 40 + i // 2 * (HEIGHT + GAP)
        out += draw(lines, Panel(lines, names, is_log, left, top), title, names)
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join([*out, "</svg>"]) + "\n")


if __name__ == "__main__":
    main()
