"""The grammar of the demo's lyrics: from themes and an era to a title and a text of verses and choruses."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from neuralist.demo.draws import Draws
from neuralist.demo.words import CHORUS, ERAS, HOOKS, SHARED, THEMES, TITLE_WORDS, VERSE, Pool

# Numbers of nouns, verbs and adjectives of a song. Two songs of a theme share 1 or 2 of its 72 words, and
# each of the 72 occurs in about 4 training songs: enough for word vectors, too little for TF-IDF.
OWN_WORDS = (5, 3, 2)
COMMON_WORDS = (9, 6, 6)
VERSES = (1, 1, 1, 1, 2, 2, 2, 2, 3)
TITLES = ("{A} {N}", "The {A} {N}", "{N} and {N}", "My {A} {N}", "{N} & {N}")
_SLOT = re.compile(r"\{(\w)\}")


class Lyrics(NamedTuple):
    """A title, and a text whose stanzas are separated by empty lines."""

    title: str
    text: str


def compose(draws: Draws, themes: Sequence[tuple[int, float]], year: int) -> Lyrics:
    """Return the title and text of a new song.

    Args:
        draws: the random stream, which is advanced.
        themes: (theme number, share of the lines), shares in (0, 1] that sum to 1.
        year: determines the era.
    """
    pools = list(THEMES.values())
    own = [_sample_pool(draws, pools[theme], OWN_WORDS) for theme, _ in themes]
    common = _sample_pool(draws, SHARED, COMMON_WORDS)
    openings = next(phrases for last_year, phrases in ERAS if year <= last_year)
    title = _fill(draws, draws.choice(TITLES), {"N": TITLE_WORDS.nouns, "A": TITLE_WORDS.adjectives})
    sung_title = title.lower().replace("&", "and")

    def line(templates: Sequence[str]) -> str:
        theme = own[0] if draws.chance(themes[0][1]) else own[-1]
        words = {"n": theme.nouns, "v": theme.verbs, "a": theme.adjectives, "T": (sung_title,), "e": openings}
        words |= {"N": common.nouns, "V": common.verbs, "A": common.adjectives}
        filled = _fill(draws, draws.choice(templates), words)
        return filled[0].upper() + filled[1:]

    chorus = [line(HOOKS), line(CHORUS), line(VERSE), line(CHORUS)][: draws.between(3, 4)]
    stanzas = []
    for _ in range(draws.choice(VERSES)):
        stanzas += [[line(VERSE) for _ in range(4)], chorus]
    capitals = " ".join(word if word == "and" else word.capitalize() for word in title.split())
    return Lyrics(capitals, "\n\n".join(map("\n".join, stanzas)))


def sing_again(draws: Draws, text: str) -> str:
    """Return the text of a cover: some lines are left out, in some others "the" becomes "that old"."""
    lines = []
    for line in text.split("\n"):
        if line and draws.chance(0.06):
            continue
        lines.append(line.replace(" the ", " that old ", 1) if draws.chance(0.08) else line)
    return "\n".join(lines)


def _sample_pool(draws: Draws, pool: Pool, counts: tuple[int, int, int]) -> Pool:
    return Pool(*(tuple(draws.sample(words, count)) for words, count in zip(pool, counts, strict=True)))


def _fill(draws: Draws, template: str, words: dict[str, tuple[str, ...]]) -> str:
    """Fill a template's slots; a word repeats in a line only when all words of its slot are used."""
    used = set()

    def word(slot: re.Match[str]) -> str:
        unused = [word for word in words[slot[1]] if word not in used] or words[slot[1]]
        filler = draws.choice(unused)
        used.add(filler)
        return filler

    return _SLOT.sub(word, template)
