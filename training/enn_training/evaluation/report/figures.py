"""Small figures as SVG without styles of their own, so that a page with a strict policy can contain them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from enn_training.evaluation.metrics import Floats
from enn_training.evaluation.report.parts import number

WIDTH, HEIGHT = 360, 240
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 28, 42
BAR = 22
MAX_LABEL = 32


@dataclass(frozen=True)
class Series:
    """Hold points of a chart.

    Attributes:
        x: Horizontal values.
        y: Vertical values.
        kind: Mark: a line, separate points, or a dashed reference line.
    """

    x: Floats | Sequence[float]
    y: Floats | Sequence[float]
    kind: str = "line"


def chart(title: str, x_label: str, y_label: str, series: Sequence[Series]) -> Markup:
    """Return a chart of lines and points.

    Args:
        title: Title, also the name of the figure for screen readers.
        x_label: Name of the horizontal axis.
        y_label: Name of the vertical axis.
        series: Points to draw; at least one.
    """
    low_x, high_x = _limits([np.asarray(each.x, dtype=np.float64) for each in series])
    low_y, high_y = _limits([np.asarray(each.y, dtype=np.float64) for each in series])

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - (y - low_y) / (high_y - low_y) * (HEIGHT - TOP - BOTTOM)

    marks = [_marks(each, [place(float(x), float(y)) for x, y in zip(each.x, each.y, strict=True)]) for each in series]
    base, end = HEIGHT - BOTTOM, WIDTH - RIGHT
    axes = [
        Markup('<path class="axis" d="M{} {}V{}H{}"/>').format(LEFT, TOP, base, end),
        _text(LEFT, base + 15, number(low_x), "start"),
        _text(end, base + 15, number(high_x), "end"),
        _text(LEFT - 4, base, number(low_y), "end"),
        _text(LEFT - 4, TOP + 8, number(high_y), "end"),
        _text((LEFT + end) / 2, HEIGHT - 8, _short(x_label, 48), "middle"),
        _text(4, 14, _short(y_label, 48), "start"),
    ]
    return _picture(title, WIDTH, HEIGHT, [*axes, *marks])


def bars(title: str, names: Sequence[str], values: Sequence[float]) -> Markup:
    """Return horizontal bars with their names and values.

    Args:
        title: Title, also the name of the figure for screen readers.
        names: Name of each bar.
        values: Length of each bar, at least 0.
    """
    top = max(values, default=0.0) or 1.0
    lines: list[Markup] = []
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        y, length = index * BAR + 4, 150.0 * value / top
        lines.append(_text(190, y + 13, _short(name, MAX_LABEL), "end"))
        lines.append(Markup('<rect class="bar" x="196" y="{}" width="{:.1f}" height="{}"/>').format(y, length, BAR - 6))
        lines.append(_text(200 + length, y + 13, number(value), "start"))
    return _picture(title, 420, BAR * len(names) + 8, lines)


def _marks(series: Series, points: Sequence[tuple[float, float]]) -> Markup:
    if series.kind == "points":
        return Markup().join(
            Markup('<circle class="point" cx="{:.1f}" cy="{:.1f}" r="2"/>').format(*at) for at in points
        )
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup('<polyline class="{}" points="{}"/>').format(series.kind, text)


def _limits(values: Sequence[Floats]) -> tuple[float, float]:
    """Return the lowest and the highest value, apart."""
    every = np.concatenate(values)
    low, high = float(every.min()), float(every.max())
    return (low, high) if low < high else (low - 0.5, low + 0.5)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _picture(title: str, width: int, height: int, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>').format(
        escape(title), width, height, width, height, Markup().join(parts)
    )
