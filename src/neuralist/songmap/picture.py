"""Draw a song map as a picture, in the look of the page: the same positions, colours, regions and titles.

Input: a `layout.SongMap`, and its regions with their names. Output: a matplotlib figure. Titles must not be
parsed as mathematics.
"""

import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from neuralist import figure_style
from neuralist.figure_style import DARK, LIGHT
from neuralist.songmap.layout import SongMap
from neuralist.text import languages

WIDTH, HEIGHT, MARGIN = 960, 640, 44  # of the drawing, in its own units (pixels on the page)
HEADING, FOOT = 66, 40  # above the drawing: title, caption and legend; below it: how to read it
UNIT = 0.72  # points: the drawing has 100 units an inch
RADIUS, FONT_SIZE, REGION_SIZE = 7, 12, 14
MAX_SONGS = 5000  # in a picture: more dots would hide each other
MAX_LABELS, MAX_LABEL_LENGTH = 60, 26
PAPER = "#f6f4ef"  # the page's
LAND, CELL = 17, 4  # how far a song colours the ground around it, and in which steps; in units
# Distinct to colour-blind people on light and on dark paper; from the seventh group on the shape differs.
COLOURS = {"light": LIGHT.colours, "dark": DARK.colours}
OTHER = {"light": LIGHT.other, "dark": DARK.other}
SHAPES = ("o", "D")  # matplotlib's names


class Group(NamedTuple):
    """A genre or a language, its number of songs, and its `style`.

    The style is an index into colours times shapes, or -1 for grey.
    """

    name: str
    style: int
    n_songs: int


class NamedRegions(NamedTuple):
    """The regions of a map with their names, and the number of each song's, int64 (n_songs,)."""

    groups: list[Group]
    of_song: np.ndarray


class Label(NamedTuple):
    """A title beside its dot; (x, y) is the middle of its left edge or, if `anchor` is end, of its right."""

    text: str
    x: float
    y: float
    anchor: str


def named_regions(labels: np.ndarray, names: Sequence[str]) -> NamedRegions:
    """Return regions by their numbers, in the colours of the page.

    Args:
        labels: int64 (n_songs,), the number of each song's region.
        names: of the regions, by number.
    """
    counts = np.bincount(labels, minlength=len(names)).tolist()
    return NamedRegions([Group(name, number, counts[number]) for number, name in enumerate(names)], labels)


def save_picture(
    song_map: SongMap, caption: str, note: str, path: Path, regions: NamedRegions | None = None
) -> None:
    """Write the map as a PNG, whole or not at all; arguments as of `picture`."""
    with warnings.catch_warnings():
        # Titles in a script that the font lacks show as boxes; a warning for each would bury the others.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure_style.save(picture(song_map, caption, note, regions), path, exact=True)


def picture(song_map: SongMap, caption: str, note: str = "", regions: NamedRegions | None = None) -> Figure:
    """Draw the map with matplotlib.

    Args:
        song_map: the map.
        caption: what is shown.
        note: describes the corpus.
        regions: its regions; without any, dots have the colours of genres, and a legend.
    """
    x, y = pixel_positions(song_map.points)
    whole = HEADING + HEIGHT + FOOT
    with figure_style.used():
        figure = Figure(figsize=(WIDTH / 100, whole / 100), facecolor=PAPER)
        axes = figure.add_axes((0, FOOT / whole, 1, HEIGHT / whole))
        axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
        axes.axis("off")
        _write_heading(figure, song_map, caption, note, whole)
        if regions is None:
            listed = genres(song_map)
            numbers = {genre.name: number for number, genre in enumerate(listed)}
            of_song = np.array([numbers[song.genre] for song in song_map.songs])
            _draw_dots(axes, x, y, listed, of_song)
            _draw_legend(figure, axes, listed, whole)
            taken = []
        else:
            _draw_land(axes, x, y, regions)
            _draw_dots(axes, x, y, regions.groups, regions.of_song)
            taken = _draw_names(axes, x, y, regions)
        halo = [withStroke(linewidth=2.2, foreground=PAPER)]
        for label in labels(song_map, taken):
            side = "left" if label.anchor == "start" else "right"
            look: dict[str, Any] = {"fontsize": 0.92 * FONT_SIZE * UNIT, "color": LIGHT.soft}
            look |= {"parse_math": False, "path_effects": halo}
            axes.text(label.x, label.y, label.text, ha=side, va="center_baseline", **look)
    return figure


def _write_heading(figure: Figure, song_map: SongMap, caption: str, note: str, whole: int) -> None:
    """Write what is shown above the drawing, and how to read it below."""
    left = 24 / WIDTH
    title: dict[str, Any] = {"size": 15, "weight": "bold", "va": "top", "parse_math": False}
    figure.text(left, 1 - 14 / whole, f"{song_map.things.removesuffix('s').capitalize()} map", **title)
    soft: dict[str, Any] = {"color": LIGHT.soft, "parse_math": False}
    figure.text(left, 1 - 40 / whole, caption, size=9.5, va="top", **soft)
    across, up = (f"{share:.0%}" for share in song_map.explained)
    is_music = song_map.things == "songs"
    near = "Songs that are near have lyrics" if is_music else "Texts that are near are those"
    below = (
        f"{near} that the encoder finds alike. Across and up: the first two "
        f"principal components of its embeddings, {across} and {up} of their variance."
    )
    lines = "\n".join(filter(None, [below, note]))
    figure.text(left, 10 / whole, lines, size=7.5, linespacing=1.4, **soft)


def _dot_radius(n_songs: int) -> float:
    """The radius of a dot in units: smaller where there are many, as on the page."""
    return max(1.9, min(5.0, 85 / n_songs**0.5))


def _draw_dots(
    axes: Axes, x: np.ndarray, y: np.ndarray, groups: Sequence[Group], of_song: np.ndarray
) -> None:
    radius = _dot_radius(len(x))
    for number, group in enumerate(groups):
        members = of_song == number
        look: dict[str, Any] = {**_marker(group.style, radius), "edgecolor": PAPER, "linewidth": radius / 7}
        axes.scatter(x[members], y[members], label=f"{group.name} {group.n_songs:,}", zorder=2, **look)


def _draw_legend(figure: Figure, axes: Axes, groups: Sequence[Group], whole: int) -> None:
    legend = figure.legend(
        *axes.get_legend_handles_labels(),
        loc="upper right",
        bbox_to_anchor=(1 - 14 / WIDTH, 1 - 6 / whole),
        ncols=min(6, (len(groups) + 1) // 2),
        fontsize=7.5,
        handletextpad=0.1,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _draw_land(axes: Axes, x: np.ndarray, y: np.ndarray, regions: NamedRegions) -> None:
    """Colour the ground of each region, the stronger the more songs lie together."""
    edges = [np.arange(0, HEIGHT + CELL, CELL), np.arange(0, WIDTH + CELL, CELL)]
    ground = np.zeros((len(edges[0]) - 1, len(edges[1]) - 1, 4))
    strength = 9 / len(x) ** 0.5
    shares, colours = [], []
    for number, group in enumerate(regions.groups):
        members = regions.of_song == number
        songs = np.histogram2d(y[members], x[members], bins=edges)[0]
        density = gaussian_filter(songs, LAND / CELL) * 2 * np.pi * (LAND / CELL) ** 2
        shares.append(1 - np.exp(-strength * density))
        colours.append(to_rgb(_marker(group.style, 1)["color"]))
    total = np.maximum(np.sum(shares, axis=0), 1e-9)
    ground[..., :3] = np.tensordot(np.stack(shares, axis=-1), np.array(colours), 1) / total[..., None]
    ground[..., 3] = 0.34 * np.minimum(1, total)
    axes.imshow(
        ground,
        extent=(0, edges[1][-1], edges[0][-1], 0),
        interpolation="bilinear",
        aspect="auto",
        zorder=1,
    )
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))


def _draw_names(axes: Axes, x: np.ndarray, y: np.ndarray, regions: NamedRegions) -> list[tuple[float, ...]]:
    """Write the name of each region in its middle, and how many songs it has; returns the boxes they take."""
    taken: list[tuple[float, ...]] = []
    halo = [withStroke(linewidth=3, foreground=PAPER)]
    for number, group in enumerate(regions.groups):
        members = regions.of_song == number
        if not members.any():
            continue
        text = f"{group.name}  {group.n_songs:,}"
        across = _text_width(text, REGION_SIZE) + 20
        left = float(np.clip(np.median(x[members]) - across / 2, 24, max(24, WIDTH - 8 - across)))
        middle = float(np.median(y[members]))
        boxes = [
            (left - 2, middle + shift - 11, left + across, middle + shift + 11)
            for shift in (0, -24, 24, -48, 48, -72, 72)
        ]
        box = next((one for one in boxes if not any(_overlap(one, other) for other in taken)), boxes[0])
        taken.append(box)
        at = (box[1] + box[3]) / 2
        look: dict[str, Any] = {**_marker(group.style, 5.5), "edgecolor": PAPER, "linewidth": 1.2}
        axes.scatter([left + 6], [at], zorder=4, **look)
        letters: dict[str, Any] = {"fontsize": REGION_SIZE * UNIT, "weight": "bold", "color": LIGHT.ink}
        letters |= {"parse_math": False, "path_effects": halo, "zorder": 4}
        axes.text(left + 17, at, text, va="center_baseline", **letters)
    return taken


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


def labels(song_map: SongMap, taken: Sequence[tuple[float, ...]] = ()) -> list[Label]:
    """Return labels of songs, the most isolated first, that overlap no dot and no other label.

    Args:
        song_map: the map.
        taken: boxes (left, top, right, bottom) in which no label may be.
    """
    x, y = pixel_positions(song_map.points)
    boxes = np.stack([x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS], axis=1)
    boxes = np.concatenate([boxes, np.reshape(taken, (-1, 4))])
    places = np.stack([x, y], axis=1)
    gaps = KDTree(places).query(places, k=2)[0][:, 1]
    placed: list[Label] = []
    for song in np.argsort(-gaps, kind="stable"):
        text = _shortened(song_map.songs[song].title)
        for anchor, side in (("start", 1), ("end", -1)):
            start = float(x[song]) + side * (RADIUS + 4)
            edges = sorted([start, start + side * _text_width(text, FONT_SIZE)])
            box = np.array([edges[0] - 2, float(y[song]) - 8, edges[1] + 2, float(y[song]) + 8])
            if box[0] > 4 and box[2] < WIDTH - 4 and not _meets(box, boxes):
                placed.append(Label(text, round(start, 1), round(float(y[song]), 1), anchor))
                boxes = np.concatenate([boxes, box[None]])
                break
        if len(placed) == MAX_LABELS:
            break
    return placed


def _marker(style: int, radius: float) -> dict[str, Any]:
    """Colour, shape and area of a dot of a radius in units."""
    palette, area = COLOURS["light"], (2 * radius * UNIT) ** 2
    if style < 0:
        return {"color": OTHER["light"], "marker": "o", "s": area}
    shape = SHAPES[style // len(palette) % len(SHAPES)]
    size = area if shape == "o" else 0.75 * area
    return {"color": palette[style % len(palette)], "marker": shape, "s": size}


def _meets(box: np.ndarray, boxes: np.ndarray) -> bool:
    return bool(((box[:2] < boxes[:, 2:]) & (boxes[:, :2] < box[2:])).all(axis=1).any())


def _overlap(box: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_LABEL_LENGTH else text[: MAX_LABEL_LENGTH - 1].rstrip() + "…"


def _text_width(text: str, size: float) -> float:
    # Wide East Asian letters and emoji fill the square; Latin ones a little over half of it.
    return size * sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.58 for letter in text)
