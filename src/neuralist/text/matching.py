"""Which spellings of artist and title are the same song: `KINDS`, from the strictest to the loosest.

Lyrics are joined to tracks by these, and a wrong join is worse than none. So what follows a title, in
brackets or after a dash, is dropped by what it says (`suffix`):

| suffix | such as | the track has |
|---|---|---|
| other | Karaoke, Instrumental, Part 2, Spanish Version, Reprise | no words, or others: never dropped |
| edit | Remastered 2009, Radio Edit, Album Version | the same words |
| live | Live at ..., Acoustic, Demo, Unplugged | the same words, nearly |
| mix | Remix, Club Mix, Extended | most of the words |
| guest | feat. Ben, with Ben, duet with Ben | the same words |
| subtitle | any other, in brackets alone | dropped where the other name lacks it: Stay (I Missed You) |
"""

import re
from collections.abc import Callable, Collection
from functools import partial
from itertools import product
from typing import Literal, NamedTuple

from neuralist.text import names

Fold = Callable[[str], str]
Suffix = Literal["other", "edit", "live", "mix", "guest", "subtitle"]

_NUMBER = "[0-9]{1,2}|[ivx]+|one|two|three|four|five|six"
_PART = re.compile(rf"\b(?:part|pt)s?(?: (?P<word>{_NUMBER})|(?P<digit>[0-9]{{1,2}}))\b")
_NUMBERS = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6"} | {
    word: str(number) for number, word in enumerate(("one", "two", "three", "four", "five", "six"), start=1)
}
_LANGUAGES = (
    "spanish|espanol|spanglish|english|ingles|french|francais|francaise|german|deutsch|deutsche|italian"
    "|italiano|portuguese|portugues|japanese|chinese|mandarin|cantonese|korean|russian|swedish|dutch|greek"
    "|hebrew|arabic|hindi"
)
# Of a suffix in words, as `names.worded` writes them. The first that matches decides.
_SUFFIXES: tuple[tuple[Suffix, re.Pattern[str]], ...] = (
    (
        "other",
        re.compile(
            r"\b(?:karaoke|instrumental\w*|backing tracks?|minus one|playback|dub|tribute|parody|answer to"
            r"|(?:no|without|minus) vocals?|in the style of|made famous by|originally performed by"
            r"|reprise|medley|interlude|intro|outro|prelude|skit)\b"
            rf"|\b(?:{_LANGUAGES}) (?:lyrics |language )?(?:version|mix|remix|edit)\b"
            rf"|\b(?:version|en|in|auf) (?:{_LANGUAGES})\b|^(?:{_LANGUAGES})$"
            rf"|\b(?:part|pt|volume|vol|chapter|act|no|number)s? ?(?:{_NUMBER})\b|^(?:{_NUMBER})$"
        ),
    ),
    ("guest", re.compile(r"^(?:w|feat|ft|featuring|duet with|with|vs|pres|presents|introducing) ")),
    ("mix", re.compile(r"\b(?:re ?mix(?:ed|es)?|mix|mash ?up|bootleg|re ?work|extended|12 inch)\b")),
    (
        "live",
        re.compile(
            r"^(?:recorded |[0-9]{4} )?live"
            r"(?: (?:at|in|from|on|with|version|acoustic|sessions?|recording|[0-9]+)\b.*)?$"
            r"|\b(?:live (?:version|recording|performance)|in concert|unplugged|acoustic|demo"
            r"|sessions?|re ?recorded|re ?recording|rehearsal|a ?cappella)\b"
        ),
    ),
    (
        "edit",
        re.compile(
            r"\b(?:re ?master(?:ed|ing)?|version|edit|edited|bonus track|re ?issued?)\b"
            r"|^(?:(?:the|original|digital|album|single|radio|lp|ep|us|uk|mono|stereo|explicit|clean|deluxe"
            r"|recording|soundtrack|[0-9]{4}) ?)+$"
        ),
    ),
)  # fmt: skip
_BRACKETED = re.compile(r"\s*\(([^()]*)\)|\s*\[([^\[\]]*)\]|\s+[(\[](.*)$")
_DASHED = re.compile(r"\s+[-–—]\s+((?:(?!\s[-–—]\s)[^()\[\]])*)$")
# Without brackets only these are sure: "with" and "vs." belong to titles.
_GUESTS = re.compile(r"\s+(?:feat|ft|featuring|duet with)\b\.?\s.*$", re.IGNORECASE)
_PARTNERS = re.compile(
    r"(?:\s*[,;]\s+|\s+[/&+]\s+|\s+(?:and|with|vs|pres|presents|introducing)\b\.?\s+).*$", re.IGNORECASE
)

_RECORDINGS: tuple[Suffix, ...] = ("edit", "live", "mix")


class Kind(NamedTuple):
    """A kind of match: its name, and the folds of artist and title of a track and of a song.

    Attributes:
        name: as the songs stage counts it.
        track: folds of the track's artist and title.
        song: folds of the song's artist and title; a match is where both are equal.
        is_sure: whether songs that match one track are the same song, so that the first may get it.
    """

    name: str
    track: tuple[Fold, Fold]
    song: tuple[Fold, Fold]
    is_sure: bool = True


def suffix(text: str) -> Suffix:
    """Return what a title's bracketed or dashed suffix says; "subtitle" where it is none of the others."""
    folded = names.worded(text)
    for kind, pattern in _SUFFIXES:
        if pattern.search(folded):
            return kind
    return "subtitle"


def title(name: str, dropped: Collection[Suffix] = ()) -> str:
    """Return the key of a title without suffixes of these kinds; Pt. II is Part 2."""

    def rest(match: re.Match[str]) -> str:
        text = next((group for group in match.groups() if group is not None), "")
        kind = suffix(text)
        is_dropped = kind in dropped and (kind != "subtitle" or match.re is _BRACKETED)
        return "" if is_dropped else match[0]

    name, before = names.spaced(name), ""
    while dropped and name != before:
        before = name
        name = _BRACKETED.sub(rest, name).strip() or name
        name = _DASHED.sub(rest, name).strip() or name
    if "guest" in dropped:
        name = names.cut(name, _GUESTS)
    worded = names.worded(name)
    return names.key(_PART.sub(_numbered, worded) if "p" in worded else worded)


def _numbered(part: re.Match[str]) -> str:
    number = part["word"] or part["digit"]
    return f"part {_NUMBERS.get(number, number)}"


def artist(name: str) -> str:
    """Return the key of an artist's name without guests and brackets; Ola (Karaoke) stays whole."""
    is_other = any(
        suffix(group) == "other"
        for groups in _BRACKETED.findall(names.spaced(name))
        for group in groups
        if group
    )
    return names.key(name) if is_other else names.without_guests(name)


def first_artist(name: str) -> str:
    """Return the key of the first of several artists, where it is a name of two words or more.

    A single word is rather a part of a band's name: Earth, Wind & Fire are not Earth.
    """
    first = names.cut(name, _GUESTS, _PARTNERS)
    words = names.worded(names.cut(first, _BRACKETED)).split()
    n_words = len([word for word in words if word not in {"the", "and", "n"}])
    return artist(first if n_words > 1 else name)


def _equal(name: str, of_artist: Fold, of_title: Fold) -> Kind:
    return Kind(name, (of_artist, of_title), (of_artist, of_title))


def _kinds() -> tuple[Kind, ...]:
    plain = partial(title, dropped=(*_RECORDINGS, "guest"))
    main = partial(title, dropped=(*_RECORDINGS, "guest", "subtitle"))
    # A subtitle, or further artists, of the track or of the song: never of both, which may be different ones.
    subtitles, artists = ((main, plain), (plain, main)), (artist, first_artist)
    return (
        _equal("same names", names.spaced, names.spaced),
        _equal("case and accents", names.lettered, names.lettered),
        _equal("punctuation", names.worded, names.worded),
        _equal("the / and / spaces", names.key, names.key),
        _equal("remaster, edit or version", names.key, partial(title, dropped=_RECORDINGS[:1])),
        _equal("live or acoustic", names.key, partial(title, dropped=_RECORDINGS[:2])),
        _equal("remix", names.key, partial(title, dropped=_RECORDINGS)),
        _equal("featured artist", artist, plain),
        *(
            Kind("subtitle", (artists[0], track), (artists[0], song), is_sure=False)
            for track, song in subtitles
        ),
        *(
            Kind("first of several artists", (of_track, track), (of_song, song), is_sure=False)
            for (of_track, of_song), (track, song) in product((artists, artists[::-1]), subtitles)
        ),
    )


KINDS = _kinds()
