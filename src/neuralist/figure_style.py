"""One style for all figures: font, light and dark paper, colours that colour-blind readers can tell apart.

The colours of groups are those of the song map's page; tests/songmap holds their distances, as eyes with
each kind of colour blindness see them, against those of Okabe & Ito's palette
(https://jfly.uni-koeln.de/color). matplotlib's own font DejaVu Sans is on every machine, so that a figure has
the same bytes on each.
"""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image

from neuralist import files

WIDTH = 8.4  # inches; pages show it at about 740 pixels, where its letters are 12 pixels high
DPI = 160
FONT = "DejaVu Sans"
FONT_SIZE, TITLE_SIZE, ABOUT_SIZE = 9.0, 13.0, 9.0  # points
MARKERS = ("o", "D", "s", "^")


class Theme(NamedTuple):
    """Colours of a figure.

    Attributes:
        paper: the ground.
        ink: letters.
        soft: letters of less weight.
        line: grid.
        colours: of groups, in this order; see `colour`.
        other: of what belongs to no group.
        ramp: from none to much, of one hue.
    """

    paper: str
    ink: str
    soft: str
    line: str
    colours: tuple[str, ...]
    other: str
    ramp: tuple[str, ...]

    def colour(self, number: int) -> str:
        """Return the colour of a group by its number from 0; after the last colour comes the first again."""
        return self.colours[number % len(self.colours)]

    @property
    def colormap(self) -> LinearSegmentedColormap:
        """The ramp as a colormap: the more, the further from the paper."""
        return LinearSegmentedColormap.from_list("neuralist", list(self.ramp))

    def onto(self, share: float) -> str:
        """Return the colour of letters that is read best on the ramp at `share`, in [0, 1]."""
        ground = luminance(to_hex(self.colormap(share)))
        return max((self.paper, self.ink), key=lambda letters: contrast(luminance(letters), ground))


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, #rrggbb, in [0, 1] (WCAG 2.2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    """Return the contrast of two luminances, from 1 to 21 (WCAG 2.2)."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


LIGHT = Theme(
    paper="#fffefb",
    ink="#1a1d26",
    soft="#5b6170",
    line="#e0dbd0",
    colours=("#2a4fb8", "#d8660c", "#089a80", "#941d5e", "#8c78e6", "#5c5600"),
    other="#83878f",
    ramp=("#fffefb", "#b9c8f2", "#5f7fd8", "#2a4fb8", "#122866"),
)
DARK = Theme(
    paper="#141924",
    ink="#eceff5",
    soft="#9ba4b6",
    line="#2c3547",
    colours=("#3b8df5", "#f08a1c", "#4af0d0", "#d24f93", "#c9aaf7", "#f7dc3c"),
    other="#7d8494",
    ramp=("#141924", "#1d3a6e", "#2f6fcb", "#7db4ff", "#e4efff"),
)


@contextmanager
def used(theme: Theme = LIGHT) -> Iterator[None]:
    """Give the figures and axes that are made in this block the house's style."""
    settings: Any = {
        "font.family": FONT,
        "font.size": FONT_SIZE,
        "figure.facecolor": theme.paper,
        "figure.dpi": DPI,
        "savefig.dpi": DPI,
        "text.color": theme.ink,
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.soft,
        "axes.labelcolor": theme.ink,
        "axes.labelsize": FONT_SIZE,
        "axes.titlesize": FONT_SIZE,
        "axes.titlelocation": "left",
        "axes.titlepad": 8.0,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.8,
        "grid.color": theme.line,
        "grid.linewidth": 0.7,
        "xtick.color": theme.soft,
        "ytick.color": theme.soft,
        "xtick.labelcolor": theme.ink,
        "ytick.labelcolor": theme.ink,
        "lines.linewidth": 1.6,
        "lines.markersize": 4.0,
        "legend.frameon": False,
        "legend.fontsize": FONT_SIZE - 1,
        "legend.labelcolor": theme.ink,
    }
    with matplotlib.rc_context(settings):
        yield


def figure(height: float, title: str, about: str, theme: Theme = LIGHT) -> Figure:
    """Make a figure with a heading; to be called in a block of `used`.

    Args:
        height: of what stands under the heading, in inches.
        title: what is shown.
        about: n, split, and how to read it; wrapped to the figure's width.
        theme: its colours.
    """
    made = Figure()
    head(made, height, title, about, theme)
    return made


def head(
    made: Figure,
    height: float,
    title: str,
    about: str,
    theme: Theme = LIGHT,
    *,
    layout: Literal["constrained", "tight"] = "constrained",
) -> None:
    """Give a figure its size and a heading; arguments as of `figure`.

    The layout is matplotlib's; a colour bar that another library made needs `tight`.
    """
    # A letter of DejaVu Sans is 0.56 of its size wide in the mean.
    lines = textwrap.wrap(about, width=int((WIDTH - 0.3) * 72 / (ABOUT_SIZE * 0.56)))
    above = 0.12 + TITLE_SIZE * 1.45 / 72  # of the lines, in inches
    heading = above + ABOUT_SIZE * 1.35 / 72 * len(lines) + 0.1
    whole, below = heading + height, 0.05
    made.set_size_inches(WIDTH, whole)
    made.set_layout_engine(layout)
    engine: Any = made.get_layout_engine()
    top, pads = 1 - heading / whole, {"w_pad": 0.1, "h_pad": 0.1}
    # `tight` counts the top from below, `constrained` the height.
    if layout == "tight":
        engine.set(rect=(0, below / whole, 1, top))
    else:
        engine.set(rect=(0, below / whole, 1, top - below / whole), **pads)
    plain: dict[str, Any] = {"va": "top", "parse_math": False, "family": FONT}
    top = 1 - 0.12 / whole
    made.text(0.12 / WIDTH, top, title, size=TITLE_SIZE, weight="bold", color=theme.ink, **plain)
    plain |= {"size": ABOUT_SIZE, "color": theme.soft, "linespacing": 1.3}
    made.text(0.12 / WIDTH, 1 - above / whole, "\n".join(lines), **plain)


def restyle(made: Figure, theme: Theme = LIGHT) -> None:
    """Give a figure that another library drew the house's ground, font, ticks and frames."""
    made.set_facecolor(theme.paper)
    for axes in made.axes:
        axes.set_facecolor(theme.paper)
        axes.set_title("")
        axes.tick_params(colors=theme.soft, labelcolor=theme.ink, labelsize=FONT_SIZE - 1)
        for name, spine in axes.spines.items():
            spine.set(edgecolor=theme.soft, linewidth=0.8)
            spine.set_visible(spine.get_visible() and name in ("left", "bottom"))
        for axis in (axes.xaxis, axes.yaxis):
            axis.label.set(color=theme.ink, size=FONT_SIZE, family=FONT)
            for label in axis.get_ticklabels():
                label.set_fontfamily(FONT)
        for text in axes.texts:
            text.set(color=theme.ink, size=FONT_SIZE - 1, family=FONT)
        axes.set_axisbelow(True)
        axes.grid(visible=True, color=theme.line, linewidth=0.7)


def panels(made: Figure, n_panels: int, columns: int = 2, **options: Any) -> list[Axes]:
    """Return the axes of a figure's panels, `columns` a row; at least one."""
    rows = max(1, -(-n_panels // columns))
    axes = list(made.subplots(rows, columns, squeeze=False, **options).flat)
    for unused in axes[n_panels:]:
        unused.set_axis_off()
    return axes[:n_panels]


def save(made: Figure, path: Path, *, exact: bool = False) -> None:
    """Write a PNG, whole or not at all.

    Args:
        made: the figure.
        path: of the PNG.
        exact: whether every shade is kept; else 256 of them, which take a third of the bytes.
    """
    made.set_dpi(DPI)
    canvas = FigureCanvasAgg(made)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    if not exact:
        drawn = drawn.quantize(256, dither=Image.Dither.NONE)
    with files.unfinished(path) as temporary:
        drawn.save(temporary, format="png", dpi=(DPI, DPI))
