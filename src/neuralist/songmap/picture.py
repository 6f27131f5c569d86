"""Draw a song map as a picture; positions, genres and colours are shared with the page.

Input: a `layout.SongMap`. Output: a matplotlib figure. Titles must not be parsed as mathematics.
"""

import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from neuralist import files
from neuralist.songmap.layout import SongMap
from neuralist.text import languages

WIDTH, HEIGHT, MARGIN = 960, 640, 44  # of the drawing, in its own units (pixels on the page)
HEADING = 62  # above the picture: caption and legend
RADIUS, FONT_SIZE = 7, 12
MAX_SONGS = 500  # in a picture: more dots would hide each other
MAX_LABELS, MAX_LABEL_LENGTH = 18, 26
INK, SOFT = "#1d2330", "#667085"
# Distinct to colour-blind people on light and on dark paper; from the seventh genre on the shape differs.
COLOURS = {
    "light": ("#2a4fb8", "#d8660c", "#089a80", "#941d5e", "#8c78e6", "#5c5600"),
    "dark": ("#3b8df5", "#f08a1c", "#4af0d0", "#d24f93", "#c9aaf7", "#f7dc3c"),
}
OTHER = {"light": "#83878f", "dark": "#7d8494"}
SHAPES = ("o", "D")  # matplotlib's names


class Group(NamedTuple):
    """A genre or a language, its number of songs, and its `style`.

    The style is an index into colours times shapes, or -1 for grey.
    """

    name: str
    style: int
    n_songs: int


class Label(NamedTuple):
    """A title beside its dot; (x, y) is the middle of its left edge or, if `anchor` is end, of its right."""

    text: str
    x: float
    y: float
    anchor: str


def save_picture(song_map: SongMap, caption: str, note: str, path: Path) -> None:
    """Write the map as a PNG, atomically, without matplotlib's version in it."""
    with files.unfinished(path) as temporary, warnings.catch_warnings():
        # Titles in a script that the font lacks show as boxes; a warning for each would bury the others.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        picture(song_map, caption, note).savefig(temporary, format="png", metadata={"Software": None})


def picture(song_map: SongMap, caption: str, note: str = "") -> Figure:
    """Draw the map with matplotlib; `caption` says what is shown, `note` describes the corpus."""
    x, y = pixel_positions(song_map.points)
    figure = Figure(figsize=(WIDTH / 100, (HEIGHT + HEADING) / 100), dpi=160)
    axes = figure.add_axes((0, 0, 1, HEIGHT / (HEIGHT + HEADING)))
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.axis("off")
    listed = genres(song_map)
    for genre in listed:
        members = np.array([song.genre == genre.name for song in song_map.songs])
        style = {**_marker(genre.style), "edgecolor": "white", "linewidth": 0.9}
        axes.scatter(x[members], y[members], label=f"{genre.name} {genre.n_songs}", **style)
    for label in labels(song_map):
        side = "left" if label.anchor == "start" else "right"
        style = {"fontsize": 6.9, "color": "#39404d", "parse_math": False}
        axes.text(label.x, label.y, label.text, ha=side, va="center", **style)
    first, second = (f"{share:.0%} of the variance" for share in song_map.explained)
    below = f"first principal component, {first}" + (f"\n{note}" if note else "")
    style = {"ha": "center", "fontsize": 7, "color": SOFT, "parse_math": False}
    axes.text(WIDTH / 2, HEIGHT - 4, below, va="bottom", **style)
    axes.text(14, HEIGHT / 2, f"second principal component, {second}", va="center", rotation=90, **style)
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


def genres(song_map: SongMap) -> list[Group]:
    """Return the genres by falling count, "other" last; that one and those beyond the palette are grey."""
    return _groups((song.genre for song in song_map.songs), "other")


def spoken(song_map: SongMap) -> list[Group]:
    """Return the languages by falling count, the unknown one last; styled as `genres` are."""
    return _groups((song.language for song in song_map.songs), languages.UNKNOWN)


def _groups(names_of_songs: Iterable[str], rest: str) -> list[Group]:
    counts = Counter(names_of_songs)
    ranked = sorted(counts, key=lambda name: (name == rest, -counts[name], name))
    n_styles = len(COLOURS["light"]) * len(SHAPES)
    return [
        Group(name, rank if name != rest and rank < n_styles else -1, counts[name])
        for rank, name in enumerate(ranked)
    ]


def unit_positions(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points scaled to [0, 1] on each axis, x to the right and y downwards."""
    low, high = points.min(axis=0), points.max(axis=0)
    # Rounded, so that differences in the last bits between linear algebra libraries move no pixel.
    relative = ((points - low) / np.where(high > low, high - low, 1)).round(6)
    relative[:, high == low] = 0.5
    return relative[:, 0], 1 - relative[:, 1]


def pixel_positions(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points in the drawing's units."""
    x, y = unit_positions(points)
    return MARGIN + x * (WIDTH - 2 * MARGIN), MARGIN + y * (HEIGHT - 2 * MARGIN)


def labels(song_map: SongMap) -> list[Label]:
    """Return labels of a few songs, the most isolated first, that overlap no dot and no other label."""
    x, y = pixel_positions(song_map.points)
    taken = list(zip(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS, strict=True))
    gaps = np.hypot(x[:, None] - x, y[:, None] - y) + np.diag(np.full(len(x), np.inf))
    placed: list[Label] = []
    for song in np.argsort(-gaps.min(axis=1), kind="stable"):
        text = _shortened(song_map.songs[song].title)
        for anchor, side in (("start", 1), ("end", -1)):
            start = float(x[song]) + side * (RADIUS + 4)
            edges = sorted([start, start + side * _text_width(text)])
            box = (edges[0] - 2, float(y[song]) - 8, edges[1] + 2, float(y[song]) + 8)
            if box[0] > 20 and box[2] < WIDTH - 4 and not any(_overlap(box, other) for other in taken):
                placed.append(Label(text, round(start, 1), round(float(y[song]), 1), anchor))
                taken.append(box)
                break
        if len(placed) == MAX_LABELS:
            break
    return placed


def _marker(style: int) -> dict[str, Any]:
    palette = COLOURS["light"]
    if style < 0:
        return {"color": OTHER["light"], "marker": "o", "s": 60}
    shape = SHAPES[style // len(palette)]
    return {"color": palette[style % len(palette)], "marker": shape, "s": 74 if shape == "o" else 52}


def _overlap(box: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_LABEL_LENGTH else text[: MAX_LABEL_LENGTH - 1].rstrip() + "…"


def _text_width(text: str) -> float:
    # Wide East Asian letters and emoji fill the square; Latin ones a little over half of it.
    return FONT_SIZE * sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.58 for letter in text)
