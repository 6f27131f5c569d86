"""A song map as a picture, and what it has in common with the page: places, genres and colours.

Input: a `layout.SongMap`. Output: a matplotlib figure. Titles are not to be read as mathematics.
"""

import unicodedata
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from neuralist import files
from neuralist.songmap.layout import SongMap

WIDTH, HEIGHT, MARGIN = 960, 640, 44  # of the drawing, in its own units (pixels on the page)
HEADING = 62  # above the picture: caption and legend
RADIUS, FONT_SIZE = 7, 12
MOST = 500  # songs in a picture: more dots than that hide each other
MAX_LABELS, MAX_LABEL_LENGTH = 18, 26
INK, SOFT = "#1d2330", "#667085"
# Colour-blind people tell these apart on light and on dark paper; beyond six of a kind the shape changes too.
COLOURS = {
    "light": ("#2a4fb8", "#d8660c", "#089a80", "#941d5e", "#8c78e6", "#5c5600"),
    "dark": ("#3b8df5", "#f08a1c", "#4af0d0", "#d24f93", "#c9aaf7", "#f7dc3c"),
}
OTHER = {"light": "#83878f", "dark": "#7d8494"}
SHAPES = ("o", "D")  # matplotlib's names


@dataclass(frozen=True)
class Genre:
    """A genre of the map, its number of songs, and its `style`: of colours, then of shapes; -1 is grey."""

    name: str
    style: int
    count: int


@dataclass(frozen=True)
class Label:
    """A title beside its dot; (x, y) is the middle of its start or, where `anchor` is end, of its end."""

    text: str
    x: float
    y: float
    anchor: str


def save_picture(drawn: SongMap, caption: str, note: str, path: Path) -> None:
    """Write the map as a PNG, whole or not at all, without the version of the program that made it."""
    with files.unfinished(path) as temporary, warnings.catch_warnings():
        # A title in a script that the font lacks shows as boxes, which is no news to who runs the stage.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        picture(drawn, caption, note).savefig(temporary, format="png", metadata={"Software": None})


def picture(drawn: SongMap, caption: str, note: str = "") -> Figure:
    """Draw the map with matplotlib; `caption` says what is shown, `note` what the corpus is."""
    x, y = placed(drawn.points)
    figure = Figure(figsize=(WIDTH / 100, (HEIGHT + HEADING) / 100), dpi=160)
    axes = figure.add_axes((0, 0, 1, HEIGHT / (HEIGHT + HEADING)))
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.axis("off")
    listed = genres(drawn)
    for genre in listed:
        members = np.array([song.genre == genre.name for song in drawn.songs])
        style = {**_marker(genre.style), "edgecolor": "white", "linewidth": 0.9}
        axes.scatter(x[members], y[members], label=f"{genre.name} {genre.count}", **style)
    for label in labels(drawn):
        side = "left" if label.anchor == "start" else "right"
        style = {"fontsize": 6.9, "color": "#39404d", "parse_math": False}
        axes.text(label.x, label.y, label.text, ha=side, va="center", **style)
    across, upwards = axis_titles(drawn)
    below = f"{across}\n{note}" if note else across
    style = {"ha": "center", "fontsize": 7, "color": SOFT, "parse_math": False}
    axes.text(WIDTH / 2, HEIGHT - 4, below, va="bottom", **style)
    axes.text(14, HEIGHT / 2, upwards, va="center", rotation=90, **style)
    figure.text(0.028, 0.975, f"Song map: {caption}", fontsize=11, va="top", color=INK, parse_math=False)
    legend = figure.legend(
        loc="upper left",
        bbox_to_anchor=(0.02, 0.952),
        ncols=(len(listed) + 1) // 2,
        frameon=False,
        fontsize=7.5,
        handletextpad=0.1,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def genres(drawn: SongMap) -> list[Genre]:
    """The genres of a map, the commonest first; other comes last, and is grey as all beyond the palette."""
    counts = Counter(song.genre for song in drawn.songs)
    ranked = sorted(counts, key=lambda name: (name == "other", -counts[name], name))
    n_styles = len(COLOURS["light"]) * len(SHAPES)
    return [
        Genre(name, place if name != "other" and place < n_styles else -1, counts[name])
        for place, name in enumerate(ranked)
    ]


def filled(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the plane in [0, 1], x to the right and y downwards, each axis filled."""
    low, high = points.min(axis=0), points.max(axis=0)
    # Rounded, so that the last bits of a linear algebra library move no pixel.
    relative = ((points - low) / np.where(high > low, high - low, 1)).round(6)
    relative[:, high == low] = 0.5
    return relative[:, 0], 1 - relative[:, 1]


def placed(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the plane in the picture's units."""
    x, y = filled(points)
    return MARGIN + x * (WIDTH - 2 * MARGIN), MARGIN + y * (HEIGHT - 2 * MARGIN)


def labels(drawn: SongMap) -> list[Label]:
    """Titles of a few songs, the loneliest first, none over a point or another title."""
    x, y = placed(drawn.points)
    taken = [
        (left - RADIUS, top - RADIUS, left + RADIUS, top + RADIUS) for left, top in zip(x, y, strict=True)
    ]
    gaps = np.hypot(x[:, None] - x, y[:, None] - y) + np.diag(np.full(len(x), np.inf))
    found: list[Label] = []
    for song in np.argsort(-gaps.min(axis=1), kind="stable"):
        text = _shortened(drawn.songs[song].title)
        for anchor, side in (("start", 1), ("end", -1)):
            start = float(x[song]) + side * (RADIUS + 4)
            edges = sorted([start, start + side * _text_width(text)])
            box = (edges[0] - 2, float(y[song]) - 8, edges[1] + 2, float(y[song]) + 8)
            if box[0] > 20 and box[2] < WIDTH - 4 and not any(_overlap(box, other) for other in taken):
                found.append(Label(text, round(start, 1), round(float(y[song]), 1), anchor))
                taken.append(box)
                break
        if len(found) == MAX_LABELS:
            break
    return found


def axis_titles(drawn: SongMap) -> tuple[str, str]:
    """What the two axes are, and how much of the embeddings' variance each keeps."""
    first, second = (f"{share:.0%} of the variance" for share in drawn.explained)
    return f"first principal component, {first}", f"second principal component, {second}"


def _marker(style: int) -> dict[str, Any]:
    palette = COLOURS["light"]
    if style < 0:
        return {"color": OTHER["light"], "marker": "o", "s": 60}
    shape = SHAPES[style // len(palette)]
    return {"color": palette[style % len(palette)], "marker": shape, "s": 74 if shape == "o" else 52}


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_LABEL_LENGTH else text[: MAX_LABEL_LENGTH - 1].rstrip() + "…"


def _text_width(text: str) -> float:
    # Wide East Asian letters and emoji fill the square; Latin ones a little over half of it.
    return FONT_SIZE * sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.58 for letter in text)
