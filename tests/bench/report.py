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
    """Prints each row as it comes; keeps them for write()."""

    def __init__(self, complete):
        self.complete = complete
        self.lines = []

    def section(self, title, unit, peer):
        print(f"\n{title}\n{'':64} {unit:>15} {peer:>15}  ratio", flush=True)
        self.lines += ["", f"### {title}", "", f"| | {unit} | {peer} | ratio |", "|---|--:|--:|--:|"]

    def row(self, name, ours, peer, who=""):
        numbers = isinstance(ours, (int, float)) and isinstance(peer, (int, float)) and peer
        ratio = f"{ours / peer:.2f}" if numbers else ""
        if who:
            name += f"; {who}"
        print(f"{name:64} {shown(ours):>15} {shown(peer):>15}  {ratio:>5}", flush=True)
        self.lines.append(f"| {name} | {shown(ours)} | {shown(peer)} | {ratio} |")

    def write(self, path, picture):
        version = subprocess.run(["qemu-system-x86_64", "--version"], stdout=subprocess.PIPE, text=True,
                                 check=True).stdout.splitlines()[0]
        with open(path, "w", encoding="utf-8") as file:
            file.write("## Measured\n\nWritten by `make bench`: ours, the peer in the same run, ours divided "
                       "by the peer's.\nInstructions are counted by QEMU's `-icount` "
                       f"({version}); a wait counts one a nanosecond.\n\n"
                       f"![Growth with ramdisk and memory]({picture})\n")
            file.write("\n".join(self.lines) + "\n")


def panel(title, series, left):
    """One set of axes, linear, 300 by 200: lines of SVG."""
    colours = ("#1b6ca8", "#2a8c4a", "#c0392b")
    top = max(y for points in series.values() for _, y in points) or 1
    right = max(x for points in series.values() for x, _ in points) or 1
    lines = [f'<g transform="translate({left},30)">', f'<text x="150" y="-10" text-anchor="middle">{title}</text>',
             '<path d="M0 0V200H300" fill="none" stroke="#444"/>',
             f'<text x="-4" y="8" text-anchor="end">{top / 1e6:.0f} M</text>',
             '<text x="-4" y="204" text-anchor="end">0</text>',
             f'<text x="300" y="216" text-anchor="end">{right}</text>']
    for number, (name, points) in enumerate(series.items()):
        colour = colours[number % len(colours)]
        path = " ".join(f"{300 * x / right:.1f},{200 - 200 * y / top:.1f}" for x, y in points)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
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
