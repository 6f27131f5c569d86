"""Text statistics as in the Billboard files; a line counts as a sentence."""

import re
from typing import Any

_VOWELS = re.compile(r"[aeiouy]+")
_BRIGHT = "brave", "clever", "eager", "faithful", "friendly", "gentle", "grateful", "honest", "lucky", "proud"
_DARK = "anxious", "awkward", "broken", "careless", "fever", "foolish", "jealous", "lonely", "weary", "worry"


def measure(text: str) -> dict[str, Any]:
    """Return a text and its statistics; readability by Flesch 1948, Kincaid et al. 1975 and Gunning 1952.

    A syllable is a run of vowels, a difficult word has three; `sentiment` counts bright and dark words.
    """
    words = re.findall(r"[\w'-]+", text.lower())
    all_lines = text.split("\n")
    lines = [line for line in all_lines if line.strip()]
    syllables = [max(1, len(_VOWELS.findall(word))) for word in words]
    difficult = sum(count >= 3 for count in syllables)
    words_per_line, syllables_per_word = len(words) / len(lines), sum(syllables) / len(words)
    bright, dark = (sum(word in listed for word in words) for listed in (_BRIGHT, _DARK))
    return {
        "lyrics": text,
        "num_syllables": float(sum(syllables)),
        "fog_index": round(0.4 * (words_per_line + 100 * difficult / len(words)), 2),
        "flesch_index": round(206.835 - 1.015 * words_per_line - 84.6 * syllables_per_word, 2),
        "num_words": len(text.split()),
        "num_lines": len(lines),
        "sentiment": {
            "neg": round(dark / len(words), 3),
            "neu": round(1 - (bright + dark) / len(words), 3),
            "pos": round(bright / len(words), 3),
            "compound": round((bright - dark) / max(1, bright + dark), 4),
        },
        "f_k_grade": round(0.39 * words_per_line + 11.8 * syllables_per_word - 15.59, 1),
        "difficult_words": difficult,
        "num_dupes": len(all_lines) - len(set(all_lines)),
    }
