"""A song map as a picture and as a page that opens offline; both place dots and titles alike.

In: a `songmap.SongMap`. Out: a matplotlib figure and HTML. Whatever is shown is escaped: titles are not to be
read as markup, nor as mathematics.
"""

import unicodedata
import warnings
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from neuralist import pages, tables
from neuralist.songmap import SongMap

WIDTH, HEIGHT, MARGIN = 960, 640, 44  # of the drawing, in its own units (pixels on the page)
HEADING = 62  # above the picture: caption and legend
RADIUS, FONT_SIZE = 7, 12
MAX_LABELS, MAX_LABEL_LENGTH = 18, 26
INK, SOFT, OTHER = "#1d2330", "#667085", "#9498a0"
COLOURS = (
    "#4269d0", "#ff725c", "#3ca951", "#efb118", "#a463f2", "#14b8c4",
    "#ff8ab7", "#9c6b4e", "#97bbf5", "#c2255c", "#7a8b00", "#6cc5b0",
)  # fmt: skip


@dataclass(frozen=True)
class Genre:
    """A genre of the map with its colour and its number of songs."""

    name: str
    colour: str
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
    with tables.unfinished(path) as temporary, warnings.catch_warnings():
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
    for genre in genres(drawn):
        members = np.array([song.genre == genre.name for song in drawn.songs])
        name = f"{genre.name} {genre.count}"
        axes.scatter(
            x[members], y[members], s=74, color=genre.colour, edgecolor="white", linewidth=0.9, label=name
        )
    for label in labels(drawn):
        side = "left" if label.anchor == "start" else "right"
        style = {"fontsize": 6.9, "color": "#39404d", "parse_math": False}
        axes.text(label.x, label.y, label.text, ha=side, va="center", **style)
    across, upwards = axis_titles(drawn)
    below = f"{across}\n{note}" if note else across
    style = {"ha": "center", "fontsize": 7, "color": SOFT, "parse_math": False}
    axes.text(WIDTH / 2, HEIGHT - 4, below, va="bottom", **style)
    axes.text(14, HEIGHT / 2, upwards, va="center", rotation=90, **style)
    figure.text(0.028, 0.975, caption, fontsize=11, va="top", color=INK, parse_math=False)
    legend = figure.legend(
        loc="upper left",
        bbox_to_anchor=(0.02, 0.952),
        ncols=7,
        frameon=False,
        fontsize=7.5,
        handletextpad=0.1,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def page(drawn: SongMap, caption: str, note: str = "") -> str:
    """The map as one self-contained HTML page: point at a song to read what it is and what is nearest."""
    x, y = placed(drawn.points)
    palette = {genre.name: genre.colour for genre in genres(drawn)}
    songs = [
        {
            **asdict(song),
            "x": round(float(x[place]), 1),
            "y": round(float(y[place]), 1),
            "colour": palette[song.genre],
            "nearest": [
                {"song": int(other), "similarity": round(float(score), 3)}
                for other, score in zip(drawn.nearest[place], drawn.similarity[place], strict=True)
            ],
        }
        for place, song in enumerate(drawn.songs)
    ]
    sizes = {"width": WIDTH, "height": HEIGHT, "radius": RADIUS, "font_size": FONT_SIZE}
    return pages.render(
        "songmap.html.j2",
        caption=caption,
        note=note,
        songs=songs,
        genres=genres(drawn),
        labels=labels(drawn),
        axis_titles=axis_titles(drawn),
        **sizes,
    )


def genres(drawn: SongMap) -> list[Genre]:
    """The genres of a map, the commonest first; grey for other, which comes last, and beyond the palette."""
    counts = Counter(song.genre for song in drawn.songs)
    ranked = sorted(counts, key=lambda name: (name == "other", -counts[name], name))
    palette = iter(COLOURS)
    return [Genre(name, OTHER if name == "other" else next(palette, OTHER), counts[name]) for name in ranked]


def placed(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the plane in the drawing's units, x to the right and y downwards, each axis filled."""
    low, high = points.min(axis=0), points.max(axis=0)
    # Rounded, so that the last bits of a linear algebra library move no pixel.
    relative = ((points - low) / np.where(high > low, high - low, 1)).round(6)
    relative[:, high == low] = 0.5
    return MARGIN + relative[:, 0] * (WIDTH - 2 * MARGIN), MARGIN + (1 - relative[:, 1]) * (
        HEIGHT - 2 * MARGIN
    )


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


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_LABEL_LENGTH else text[: MAX_LABEL_LENGTH - 1].rstrip() + "…"


def _text_width(text: str) -> float:
    # Wide East Asian letters and emoji fill the square; Latin ones a little over half of it.
    return FONT_SIZE * sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.58 for letter in text)
