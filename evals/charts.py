"""Draws the report's charts as inline SVG that follows light and dark by CSS variables.

Knows numbers and words only; every word is escaped here.
"""

from collections.abc import Sequence
from html import escape

from evals.curves import Bin
from evals.stats import Measure

_WIDTH = 640
_ROW = 26
_LABEL = 170
_PLOT = 260
_MARGIN = 46
_STYLE = (
    ":root{--paper:#fff;--ink:#1d2523;--soft:#5c6865;--line:#dfe3df;--accent:#0b6e63}"
    "@media(prefers-color-scheme:dark){"
    ":root{--paper:#1a201e;--ink:#e8eeeb;--soft:#a3b0ac;--line:#323c39;--accent:#6cc9bb}}"
    ".paper{fill:var(--paper)}text{fill:var(--ink);font:13px system-ui,sans-serif}.grid{stroke:var(--line)}"
    ".curve{fill:none;stroke:var(--accent);stroke-width:2.5}.ideal{stroke:var(--soft);stroke-dasharray:5 5}"
)


def intervals(rows: Sequence[tuple[str, Measure]], *, title: str) -> str:
    """Rates from 0 to 1 as dots with their 95% intervals, one row each; what was not measured is left out."""
    known = [(name, m) for name, m in rows if m.value is not None and m.low is not None and m.high is not None]
    if not known:
        return ""
    right = _WIDTH - 120
    body = [_axis_line(x, 8, 8 + _ROW * len(known), right) for x in (0, 0.25, 0.5, 0.75, 1)]
    for i, (name, measure) in enumerate(known):
        y = 8 + _ROW * i + _ROW / 2
        value, low, high = (float(number or 0) for number in (measure.value, measure.low, measure.high))
        xs = [_across(number, right) for number in (low, value, high)]
        body += [
            _text(_LABEL - 10, y, _short(name), anchor="end"),
            f'<line class="interval" x1="{xs[0]:.1f}" x2="{xs[2]:.1f}" y1="{y}" y2="{y}"/>',
            f'<circle class="dot" cx="{xs[1]:.1f}" cy="{y}" r="5"/>',
            _text(right + 14, y, f"{value:.0%}  of {measure.n}"),
        ]
    bottom = 8 + _ROW * len(known)
    body += [_text(_across(x, right), bottom + 14, f"{x:.0%}", anchor="middle") for x in (0, 0.5, 1)]
    told = "; ".join(f"{name} {m.value:.0%}" for name, m in known)
    return _svg(_WIDTH, bottom + 28, body, title=title, told=told)


def risk_coverage(points: Sequence[tuple[float, float]], *, budget: float | None = None) -> str:
    """Share of answers sent, surest first, against how many of them are wrong."""
    if len(points) < 2:
        return ""
    top = max(0.1, *(risk for _, risk in points), budget or 0)
    body = _frame(("0%", "100%"), ("0%", f"{top:.0%}"), across="answers sent, surest first", up="wrong")
    if budget is not None:
        y = _y(budget / top)
        body.append(f'<line class="ideal" x1="{_x(0)}" x2="{_x(1)}" y1="{y:.1f}" y2="{y:.1f}"/>')
        body.append(_text(_x(1), y - 10, f"budget {budget:.0%}", anchor="end"))
    line = " ".join(f"{_x(coverage):.1f},{_y(risk / top):.1f}" for coverage, risk in points)
    body.append(f'<polyline class="curve" points="{line}"/>')
    title = "Wrong answers against answers sent"
    return _svg(_PLOT + 90, _PLOT + 70, body, title=title, told=f"at full coverage {points[-1][1]:.1%} are wrong")


def alone(chart: str, caption: str) -> str:
    """A chart as a file of its own, in light and dark, with a caption."""
    width, height = (float(number) for number in chart.split('viewBox="0 0 ', 1)[1].split('"', 1)[0].split())
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height + 30:.0f}" width="{width:.0f}"'
    rest = chart.split('"', 2)[2]
    start, inside = rest.split(">", 1)
    paper = f'<style>{_STYLE}</style><rect class="paper" width="{width:.0f}" height="{height + 30:.0f}" rx="12"/>'
    said = _text(width / 2, height + 12, caption, anchor="middle")
    return f"{opening}{start}>{paper}{inside.removesuffix('</svg>')}{said}</svg>\n"


def reliability(bins: Sequence[Bin]) -> str:
    """How sure the assistant was against how often it was right; the diagonal would be perfect."""
    if not bins:
        return ""
    body = _frame(("0", "1"), ("0", "1"), across="how sure it was", up="how often right")
    body.append(f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>')
    most = max(found.n for found in bins)
    for found in bins:
        radius = 4 + 8 * (found.n / most) ** 0.5
        hint = f"<title>sure {found.sure:.2f}, right {found.right:.2f}, {found.n} answers</title>"
        where = f'cx="{_x(found.sure):.1f}" cy="{_y(found.right):.1f}" r="{radius:.1f}"'
        body.append(f'<circle class="bubble" {where}>{hint}</circle>')
    told = "; ".join(f"sure {found.sure:.2f}: right {found.right:.2f} of {found.n}" for found in bins)
    return _svg(_PLOT + 90, _PLOT + 70, body, title="Confidence against being right", told=told)


def latency(numbers: Sequence[float], *, bars: int = 24) -> str:
    """How many turns took how long, in milliseconds; the slowest one in a hundred share the last bar."""
    if not numbers:
        return ""
    ordered = sorted(numbers)
    end = max(ordered[int(0.99 * (len(ordered) - 1))], 1.0)
    heights = [0] * bars
    for number in ordered:
        heights[min(bars - 1, int(number / end * bars))] += 1
    wide, tall, most = (_WIDTH - 60) / bars, 120, max(heights)
    body = [
        f'<rect class="bar" x="{30 + i * wide:.1f}" y="{10 + tall * (1 - height / most):.1f}" width="{wide - 2:.1f}"'
        f' height="{tall * height / most:.1f}"><title>{height} turns</title></rect>'
        for i, height in enumerate(heights)
    ]
    body += [_text(30, tall + 26, "0 ms"), _text(_WIDTH - 30, tall + 26, f"{end:.0f} ms", anchor="end")]
    return _svg(_WIDTH, tall + 40, body, title="Time to a reply", told=f"{len(numbers)} turns")


def _frame(across_ends: tuple[str, str], up_ends: tuple[str, str], *, across: str, up: str) -> list[str]:
    lines = [
        f'<line class="grid" x1="{_x(share)}" x2="{_x(share)}" y1="{_y(0)}" y2="{_y(1)}"/>'
        f'<line class="grid" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(share)}" y2="{_y(share)}"/>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    middle = _MARGIN + _PLOT / 2
    return [
        *lines,
        _text(_x(0), _y(0) + 16, across_ends[0], anchor="middle"),
        _text(_x(1), _y(0) + 16, across_ends[1], anchor="middle"),
        _text(_x(0.5), _y(0) + 36, across, anchor="middle"),
        _text(_x(0) - 8, _y(0), up_ends[0], anchor="end"),
        _text(_x(0) - 8, _y(1), up_ends[1], anchor="end"),
        f'<text transform="translate(14 {middle:.0f}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
    ]


def _x(share: float) -> float:
    return _MARGIN + 10 + share * _PLOT


def _y(share: float) -> float:
    return 12 + (1 - share) * _PLOT


def _across(share: float, right: float) -> float:
    return _LABEL + share * (right - _LABEL)


def _axis_line(share: float, top: float, bottom: float, right: float) -> str:
    x = _across(share, right)
    return f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" dominant-baseline="middle">{escape(words)}</text>'


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"


def _svg(width: float, height: float, body: Sequence[str], *, title: str, told: str) -> str:
    """`told` is what somebody hears who does not see the chart."""
    opening = f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(f"{title}: {told}")}">'
    return "".join((opening, f"<title>{escape(title)}</title>", *body, "</svg>"))
