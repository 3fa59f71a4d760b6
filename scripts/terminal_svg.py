#!/usr/bin/env python3
"""Draws a terminal with a command and what it prints: the picture in the README.

    cargo build --release
    PATH="$PWD/target/release:$PATH" python3 scripts/terminal_svg.py docs/terminal.svg \\
        'akin search --in tests/data/arxiv-1000.jsonl "neural networks on graphs" -k 3'

Runs the command in a shell, in the working folder, with `--color always` behind it, and draws its
colours. The home is a temporary one, so no library of yours is shown. Needs nothing but Python; the
picture needs no fonts of its own, since the length of every run of text is given.
"""

import html
import os
import re
import subprocess
import sys
import tempfile

COLUMN, LINE, SIZE, MARGIN, BAR = 7.8, 18, 13, 18, 34
BACKGROUND, BORDER, TEXT = "#0d1117", "#3d444d", "#e6edf3"
# What akin uses of SGR: 1 bold, 2 dim, 31 to 36 colours.
STYLES = {
    "1": 'font-weight="bold" fill="#ffffff"',
    "2": 'fill="#9198a1"',
    "31": 'fill="#ff7b72"',
    "32": 'fill="#56d364"',
    "33": 'fill="#e3b341"',
    "34": 'fill="#79c0ff"',
    "35": 'fill="#d2a8ff"',
    "36": 'fill="#76e3ea"',
}


def runs(line):
    """The runs of text of a line, each with its style and the column where it begins."""
    style, column = "0", 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b["):
            style = part[2:-1] or "0"
        elif part:
            yield part, STYLES.get(style.split(";")[-1], ""), column
            column += len(part)


def drawn(line, y):
    for text, style, column in runs(line):
        bare = text.strip(" ")
        if bare:
            column += len(text) - len(text.lstrip(" "))
            x, length = MARGIN + column * COLUMN, len(bare) * COLUMN
            yield (
                f'<text x="{x:.1f}" y="{y}" textLength="{length:.1f}" {style}>'
                f"{html.escape(bare, quote=False)}</text>"
            )


def main():
    out, command = sys.argv[1:]
    with tempfile.TemporaryDirectory() as home:
        folders = {"HOME": home, "XDG_CACHE_HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home}
        ran = subprocess.run(
            f"{command} --color always",
            shell=True,
            env={**os.environ, **folders},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
    lines = [f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m", *ran.stdout.rstrip("\n").split("\n")]
    n_columns = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)
    width = round(2 * MARGIN + n_columns * COLUMN)
    height = BAR + len(lines) * LINE + MARGIN
    buttons = "".join(
        f'<circle cx="{MARGIN + 6 + 20 * n}" cy="17" r="5.5" fill="{colour}"/>'
        for n, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    texts = [text for n, line in enumerate(lines) for text in drawn(line, BAR + 14 + n * LINE)]
    with open(out, "w", encoding="utf-8") as file:
        file.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-label="A terminal: {html.escape(command)}">\n'
            f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="10" '
            f'fill="{BACKGROUND}" stroke="{BORDER}"/>\n{buttons}\n'
            f'<g xml:space="preserve" fill="{TEXT}" font-size="{SIZE}" font-family="ui-monospace, '
            "SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\">\n"
            + "\n".join(texts)
            + "\n</g>\n</svg>\n"
        )


if __name__ == "__main__":
    main()
