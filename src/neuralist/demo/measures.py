"""The figures that the Billboard files give for each text; in their formulas a line is a sentence."""

import re
from typing import Any

_VOWELS = re.compile(r"[aeiouy]+")
_BRIGHT = frozenset(
    ("brave", "clever", "eager", "faithful", "friendly", "gentle", "grateful", "honest", "lucky", "proud")
)
_DARK = frozenset(
    ("anxious", "awkward", "broken", "careless", "fever", "foolish", "jealous", "lonely", "weary", "worry")
)


def measure(text: str) -> dict[str, Any]:
    """The text and its figures; readability after Flesch 1948, Kincaid et al. 1975 and Gunning 1952.

    A syllable is a run of vowels, a difficult word has three; `sentiment` counts bright and dark words.
    """
    words = re.findall(r"[\w'-]+", text.lower())
    every_line = text.split("\n")
    lines = [line for line in every_line if line.strip()]
    syllables = [max(1, len(_VOWELS.findall(word))) for word in words]
    difficult = sum(count >= 3 for count in syllables)
    a_line, a_word = len(words) / len(lines), sum(syllables) / len(words)
    bright, dark = (sum(word in known for word in words) for known in (_BRIGHT, _DARK))
    return {
        "lyrics": text,
        "num_syllables": float(sum(syllables)),
        "fog_index": round(0.4 * (a_line + 100 * difficult / len(words)), 2),
        "flesch_index": round(206.835 - 1.015 * a_line - 84.6 * a_word, 2),
        "num_words": len(text.split()),
        "num_lines": len(lines),
        "sentiment": {
            "neg": round(dark / len(words), 3),
            "neu": round(1 - (bright + dark) / len(words), 3),
            "pos": round(bright / len(words), 3),
            "compound": round((bright - dark) / max(1, bright + dark), 4),
        },
        "f_k_grade": round(0.39 * a_line + 11.8 * a_word - 15.59, 1),
        "difficult_words": difficult,
        "num_dupes": len(every_line) - len(set(every_line)),
    }
