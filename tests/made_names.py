"""Made names of people, and the same names as others would write them."""

import numpy as np
import pandas as pd

STARTS = ["b", "br", "d", "f", "g", "k", "l", "m", "n", "ph", "r", "s", "st", "t", "v"]
LETTERS = list("abdefghijklmnoprstuv")
SPELLINGS = {"ph": "f", "k": "c", "ie": "y", "v": "w", "s": "ss"}


def listing(n_names: int, seed: int) -> tuple[list[str], pd.DataFrame]:
    """Return texts, and pairs of them: left, right (numbers of texts), similarity.

    Each name stands beside two writings of its own (1), a name that shares one of its two words (0), and the
    writing of another name (0).
    """
    rng = np.random.default_rng(seed)
    first, last = ([word(rng) for _ in range(n_names // 4)] for _ in range(2))
    names = [f"{rng.choice(first)} {rng.choice(last)}" for _ in range(n_names)]
    texts, rows = list(names), []
    for number, text in enumerate(names):
        given, family = text.split()
        near = f"{given} {rng.choice(last)}" if rng.random() < 0.5 else f"{rng.choice(first)} {family}"
        other = names[(number + 1 + rng.integers(n_names - 1)) % n_names]
        for writing, grade in (
            (written(rng, text), 1.0),
            (written(rng, text), 1.0),
            (near, float(near == text)),
            (written(rng, other), float(other == text)),
        ):
            rows.append((number, len(texts), grade))
            texts.append(writing)
    return texts, pd.DataFrame(rows, columns=["left", "right", "similarity"])


def word(rng: np.random.Generator) -> str:
    """Return a word of two or three syllables."""
    syllables = [rng.choice(STARTS) + rng.choice(["a", "e", "i", "o", "u", "ie"]) for _ in range(3)]
    return "".join(syllables[: rng.integers(2, 4)]) + rng.choice(["n", "l", "r", "s"])


def written(rng: np.random.Generator, name: str) -> str:
    """Return a name with typos, in the other order, with an initial, or in another spelling."""
    given, family = name.split()
    kind = rng.integers(4)
    if kind == 0:
        return typed(rng, name)
    if kind == 1:
        return f"{typed(rng, family)}, {given}"
    if kind == 2:
        return f"{given[0]}. {family}"
    for usual, other in SPELLINGS.items():
        name = name.replace(usual, other)
    return name


def typed(rng: np.random.Generator, text: str) -> str:
    """Return a text with a letter swapped with the one before, left out, doubled, or replaced."""
    at, kind = int(rng.integers(1, len(text))), rng.integers(4)
    if kind == 0:
        return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
    return text[:at] + ["", text[at] * 2, str(rng.choice(LETTERS))][kind - 1] + text[at + 1 :]
