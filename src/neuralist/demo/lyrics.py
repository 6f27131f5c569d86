"""The demo corpus' grammar: themes and an era to a title and a text of verses and choruses."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from neuralist.demo.draws import Draws
from neuralist.demo.words import CHORUS, ERAS, HOOKS, SHARED, THEMES, TITLE_WORDS, VERSE, Pool

# How many nouns, verbs and adjectives a song draws. Two songs of one theme share 1 or 2 of its 72 words,
# and each of the 72 is met in about 4 training songs: enough for word vectors, little for TF-IDF.
OWN_WORDS = (5, 3, 2)
COMMON_WORDS = (9, 6, 6)
VERSES = (1, 1, 1, 1, 2, 2, 2, 2, 3)
TITLES = ("{A} {N}", "The {A} {N}", "{N} and {N}", "My {A} {N}", "{N} & {N}")
_SLOT = re.compile(r"\{(\w)\}")


class Lyrics(NamedTuple):
    """A title, and a text of lines, stanzas apart by an empty line."""

    title: str
    text: str


def compose(draws: Draws, themes: Sequence[tuple[int, float]], year: int) -> Lyrics:
    """Write a song.

    Args:
        draws: the stream of draws, moved on.
        themes: numbers of its themes with the share of lines that each takes; shares sum to 1.
        year: decides the era.
    """
    pools = list(THEMES.values())
    own = [_part(draws, pools[theme], OWN_WORDS) for theme, _ in themes]
    common = _part(draws, SHARED, COMMON_WORDS)
    openings = next(phrases for last, phrases in ERAS if year <= last)
    title = _fill(draws, draws.one(TITLES), {"N": TITLE_WORDS.nouns, "A": TITLE_WORDS.adjectives})
    spoken = title.lower().replace("&", "and")

    def line(templates: Sequence[str]) -> str:
        theme = own[0] if draws.chance(themes[0][1]) else own[-1]
        words = {"n": theme.nouns, "v": theme.verbs, "a": theme.adjectives, "T": (spoken,), "e": openings}
        words |= {"N": common.nouns, "V": common.verbs, "A": common.adjectives}
        filled = _fill(draws, draws.one(templates), words)
        return filled[0].upper() + filled[1:]

    chorus = [line(HOOKS), line(CHORUS), line(VERSE), line(CHORUS)][: draws.between(3, 4)]
    stanzas = []
    for _ in range(draws.one(VERSES)):
        stanzas += [[line(VERSE) for _ in range(4)], chorus]
    return Lyrics(_capitals(title), "\n\n".join("\n".join(stanza) for stanza in stanzas))


def sing_again(draws: Draws, text: str) -> str:
    """Write the words of a cover: a few lines are left out, a few others change "the" to "that old"."""
    lines = []
    for line in text.split("\n"):
        if line and draws.chance(0.06):
            continue
        lines.append(line.replace(" the ", " that old ", 1) if draws.chance(0.08) else line)
    return "\n".join(lines)


def _part(draws: Draws, pool: Pool, counts: tuple[int, int, int]) -> Pool:
    return Pool(*(tuple(draws.some(words, count)) for words, count in zip(pool, counts, strict=True)))


def _fill(draws: Draws, template: str, words: dict[str, tuple[str, ...]]) -> str:
    """Fill each slot, with no word twice in a line as far as the words reach."""
    used = set()

    def word(slot: re.Match[str]) -> str:
        choice = [word for word in words[slot[1]] if word not in used] or words[slot[1]]
        drawn = draws.one(choice)
        used.add(drawn)
        return drawn

    return _SLOT.sub(word, template)


def _capitals(title: str) -> str:
    return " ".join(word if word == "and" else word.capitalize() for word in title.split())
