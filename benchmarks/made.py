"""Songs that are made up, as many as wanted: texts, and embeddings whose neighbours are as real ones'."""

import random
from collections.abc import Sequence

import numpy as np

WORDS = 23_000  # of the vocabulary of a model of the Million Song subset
_ONSETS, _VOWELS, _ENDS = "bcdfghklmnprstvw", "aeiou", ("", "n", "s", "r", "'s")


def words(n: int = WORDS, seed: int = 0) -> list[str]:
    """Words that can be spoken, each once; one in five has an inner apostrophe."""
    draw, found = random.Random(seed), dict[str, None]()
    while len(found) < n:
        syllables = (draw.choice(_ONSETS) + draw.choice(_VOWELS) for _ in range(draw.randint(1, 4)))
        found["".join(syllables) + draw.choice(_ENDS)] = None
    return list(found)


def songs(known: Sequence[str], n: int, seed: int = 1) -> list[str]:
    """Texts of 300 words in the form of lyrics: verses of four lines and a chorus, with capitals and marks.

    A song has about 7 words a line (the mean of 1,019 Billboard songs: 6.7), 63 % distinct lines (65 %), 19 %
    blank ones (16 %) and 0.06 commas a word (0.06).
    """
    draw = random.Random(seed)
    return [_song(known, draw) for _ in range(n)]


def _song(known: Sequence[str], draw: random.Random) -> str:
    def verse() -> list[str]:
        return [_line(known, draw) for _ in range(4)]

    chorus, kept, left = verse(), list[str](), 300
    # Ten times both are 320 words, were each line of four.
    for line in (line for _ in range(10) for part in (verse(), chorus) for line in (*part, "")):
        words = line.split()[:left]
        kept.append(" ".join(words))
        left -= len(words)
    return "\n".join(kept).strip()


def _line(known: Sequence[str], draw: random.Random) -> str:
    words = draw.choices(known, k=draw.randint(4, 10))
    marks = draw.choices(["", ",", "?", "!"], weights=[931, 60, 7, 2], k=len(words))
    return " ".join(map("".join, zip(words, marks, strict=True))).capitalize()


def embeddings(n: int, seed: int = 0) -> np.ndarray:
    """Clustered embeddings, float32 (n, 50).

    1,000 clusters, the i-th with a share of 1 / i, in directions that matter less and less.
    Of 3,868 such songs the nearest neighbours are as those that the `lyrics` experiment gave as many songs of
    the Million Song subset: of intrinsic dimension 13.0 (there 13.5), the nearest at 0.28 (0.27) and the
    tenth at 0.35 (0.34) of the mean distance.
    """
    draw = np.random.default_rng(seed)
    scale = 1 / np.arange(1, 51)
    turn = np.linalg.qr(draw.normal(size=(50, 50)))[0]
    centres = draw.normal(size=(1000, 50)) * scale
    shares = 1 / np.arange(1, 1001)
    of = draw.choice(1000, size=n, p=shares / shares.sum())
    return np.tanh((centres[of] + draw.normal(size=(n, 50)) * scale) @ turn).astype(np.float32)


def uniform(n: int, seed: int = 0) -> np.ndarray:
    """Embeddings without any neighbourhood, float32 (n, 50) in [-1, 1)."""
    return np.random.default_rng(seed).uniform(-1, 1, size=(n, 50)).astype(np.float32)
