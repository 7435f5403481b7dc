# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark's results as text on the terminal, as a Markdown file and as a plot (SVG)."""
import subprocess


def slope(points):
    """Of the least-squares line through (x, y) points."""
    count = len(points)
    x = sum(p[0] for p in points) / count
    y = sum(p[1] for p in points) / count
    return (sum((p[0] - x) * (p[1] - y) for p in points) / sum((p[0] - x) ** 2 for p in points))


def shown(value):
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


class Table:
    """One part's rows: prints each as it comes, keeps them for results()."""

    def __init__(self, folder):
        self.folder = folder
        self.lines = []
        self.short = []

    def section(self, title, unit, peer, note=""):
        print(f"\n{title}\n{'':70} {unit:>15} {peer:>15}  ratio", flush=True)
        self.lines += ["", f"### {title}", ""] + ([note, ""] if note else [])
        self.lines += [f"| | {unit} | {peer} | ratio | |", "|---|--:|--:|--:|---|"]

    def row(self, name, ours, peer, limit=None, short=None):
        """`limit`: the most that ours / peer may be.  `short`: the row's name in the README's table."""
        numbers = isinstance(ours, (int, float)) and isinstance(peer, (int, float)) and peer
        ratio = f"{ours / peer:.2f}" if numbers else ""
        verdict = "" if limit is None or not numbers else "held" if ours / peer <= limit else "failed"
        if verdict and limit != 1:
            verdict += f" ({limit})"
        print(f"{name:70} {shown(ours):>15} {shown(peer):>15}  {ratio:>5} {verdict}", flush=True)
        line = f"| {shown(ours)} | {shown(peer)} | {ratio} | {verdict} |"
        self.lines.append(f"| {name} {line}")
        if short:
            self.short.append(f"| {short} {line}")


def results(path, parts, picture):
    """Writes RESULTS.md from the parts' tables."""
    version = subprocess.run(["qemu-system-x86_64", "--version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.splitlines()[0]
    text = ["# Measured", "", "Written by `make bench`, never by hand: ours, the peer in the same run, ours divided by "
            "the peer's, and whether the", "target (ours at most the peer's, or the factor in brackets) is held.  "
            "Instructions are counted by QEMU's `-icount`", f"({version}); where a row does not say "
            "otherwise a wait counts one a nanosecond.", "", "## In short", "", "<!-- short -->",
            "| | Paravane | peer | ratio | target |", "|---|--:|--:|--:|---|"]
    for part in parts:
        text += part.short
    text += ["<!-- /short -->", "", "## All rows", "", f"![Growth with ramdisk and memory]({picture})"]
    for part in parts:
        text += part.lines
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(text) + "\n")


def panel(title, series, left):
    """One set of axes, linear, 300 by 200: lines of SVG."""
    colours = ("#1b6ca8", "#2a8c4a", "#c0392b")
    top = max(y for points in series.values() for _, y in points) or 1
    right = max(x for points in series.values() for x, _ in points) or 1
    lines = [f'<g transform="translate({left},30)">', f'<text x="150" y="-10" text-anchor="middle">{title}</text>',
             '<path d="M0 0V200H300" fill="none" stroke="#444"/>',
             f'<text x="-4" y="8" text-anchor="end">{top / 1e6:.0f} M</text>',
             '<text x="-4" y="204" text-anchor="end">0</text>',
             *(f'<text x="{300 * x / right:.0f}" y="216" text-anchor="middle">{x}</text>'
               for x in sorted({x for points in series.values() for x, _ in points}) if x == right or x > right / 10),
             '<text x="0" y="216" text-anchor="middle">0</text>']
    for number, (name, points) in enumerate(series.items()):
        colour = colours[number % len(colours)]
        path = " ".join(f"{300 * x / right:.1f},{200 - 200 * y / top:.1f}" for x, y in points)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                     f'stroke-width="{6 - 2 * min(number, 2)}"/>')  # lines that coincide both show
        for x, y in points:
            lines.append(f'<circle cx="{300 * x / right:.1f}" cy="{200 - 200 * y / top:.1f}" r="3" fill="{colour}"/>')
        lines.append(f'<text x="{10 + 60 * number}" y="236" fill="{colour}">{name}</text>')
    return lines + ["</g>"]


def plot(plots, path):
    """{title: {series: [(x, y)]}} side by side; y is instructions, its axis begins at 0."""
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{380 * len(plots)}" height="290" '
             'font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="#fff"/>']
    for number, (title, series) in enumerate(plots.items()):
        lines += panel(f"instructions to the guest's entry, by {title}", series, 60 + 380 * number)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines + ["</svg>"]) + "\n")
