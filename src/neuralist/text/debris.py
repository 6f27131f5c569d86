"""What is not sung in a text of lyrics, by kind: patterns and what stands in their place.

RULES are in the order in which they are applied. Each has signs: a text that holds none of them is not
searched. Where a line may be sung, no pattern matches: "[Chorus]" goes, "sing the chorus" stays.
LRC: https://en.wikipedia.org/wiki/LRC_(file_format).
"""

import html
from collections.abc import Callable
from functools import lru_cache
from html.entities import html5
from typing import NamedTuple

import regex

Replace = Callable[[regex.Match[str]], str]


class Rule(NamedTuple):
    """A kind of debris.

    Attributes:
        kind: its name, as counts state it.
        signs: lower-case strings of which a text with such debris holds one; empty: every text that is not
            ASCII is searched.
        pattern: of the debris.
        replace: returns what stands in its place.
    """

    kind: str
    signs: tuple[str, ...]
    pattern: regex.Pattern[str]
    replace: Replace


# --- words that head a section ------------------------------------------------------------------------

# Trusted without square brackets too, where a number, a colon or a repeat mark follows.
_SURE = (
    "chorus|verse|refrain|bridge|hook|intro|outro|pre[- ]?(?:chorus|hook|refrain|coro|estribillo|ritornello|"
    "refren|refrein)|post[- ]?(?:chorus|coro|refrain|refrão|estribillo)|interlude|coro|estribillo|estrofa|"
    "verso|puente|couplet|pré[- ]?(?:refrain|refrão)|strophe|refrão|estrofe|strofa|ritornello|ponte|refrein|"
    "vers|refräng|brygga|refreng|omkvæd|zwrotka|refren|refrén|sloka|kertosäe|säkeistö|куплет|припев|приспів|"
    "предприпев|бридж|интро|аутро|nakarat|サビ|[ABC]メロ|후렴|벌스|코러스|브릿지|主歌|副歌|导歌|導歌"
)
# Trusted within square brackets alone: else they may be sung.
_BRACKETED = (
    "instrumental|solo|part|parte|teil|partie|skit|break|breakdown|drop|build|build[- ]?up|coda|spoken|"
    "spoken word|ad[- ]?libs?|vocali[sz]ations?|sample|segue|prelude|prologue|epilogue|middle 8|pont|brug|"
    "brücke|stick|mostek|przejście|переход|проигрыш|вступление|introducción|introdução|introduzione|"
    "interludio|interlúdio|intermède|bölüm|köprü|giriş|çıkış|produced by|イントロ|アウトロ|間奏|前奏|间奏|"
    "尾奏|橋段|桥段|인트로|아웃트로|훅|간주|المقطع|اللازمة|الكورس|κουπλέ|ρεφρέν"
)
_END = r"(?![\p{L}\p{N}])"
_NUMBER = rf"(?:\d{{1,2}}|[ivx]{{1,4}}|one|two|three|four|five|six){_END}"
_BEFORE = (
    r"(?:(?:\d{1,2}(?:st|nd|rd|th|er|ère|ème|º|ª|\.|e)?|first|second|third|last|final|guitar|piano|drum|sax|"
    r"bass|instrumental|spoken|extended|short)[ \t]+)?"
)
_TIMES = rf"(?:[x×*][ \t]?\d{{1,2}}|\d{{1,2}}[ \t]?[x×]){_END}"  # x2, 2x
_REPEAT = (  # "repeat chorus 2x to fade", with a mark or a section that says it is not sung
    rf"repeat(?:s|ed)?(?:[ \t]+(?:{_SURE}|choruses|{_TIMES}|\d{{1,2}}|\d{{1,2}}(?:st|nd|rd|th)|times?|twice|"
    r"first|last|second|lines?|above|the|to|till?|until|and|fades?|out|end)){1,8}"
)
_SECTION = (
    rf"{_BEFORE}(?:{_SURE}|{_BRACKETED}){_END}(?:[ \t]+(?:solo|break|bridge|intro|outro|section|interlude))?"
    rf"(?:[ \t]*{_NUMBER}[^\[\]\n]{{0,120}}|[ \t]+(?:{_TIMES}|repeat|by{_END})[^\[\]\n]{{0,120}}"
    r"|[ \t]*[:\-–—,&+/|(#*.][^\[\]\n]{0,120})?"
)
# Every word of _SURE, or a part of it.
_HEADER_SIGNS = (
    *("chorus", "vers", "refr", "hook", "bridge", "intro", "outro", "interlude", "coro", "estr"),
    *("puente", "couplet", "stro", "ritornello", "ponte", "brygga", "omkv", "zwrotka", "sloka"),
    *("kertos", "säkeist", "куплет", "припев", "приспів", "бридж", "интро", "аутро", "nakarat"),
    *("サビ", "メロ", "후렴", "벌스", "코러스", "브릿지", "歌", "(instrumental"),
)
_MARKED = (  # "Verse 2:", "Chorus x2", "Refrain (repeat)", "Hook:"
    rf"{_BEFORE}(?:{_SURE}){_END}"
    rf"(?:[ \t]*{_NUMBER}[ \t]*[:.]?|[ \t]*:"
    rf"|[ \t]*[(\[]?(?:{_TIMES}|{_REPEAT}|repeat|until fade)[)\]]?[ \t]*[:.]?)"
)
_BRACKETED_REPEAT = rf"[(\[{{][ \t]*(?:{_REPEAT}|repeat|{_TIMES}|bis)[ \t]*[!.]?[ \t]*[)\]}}]"

# --- words of sites -----------------------------------------------------------------------------------

# Genius names the languages of a song's translations in these words, without spaces between them.
_LANGUAGES = (
    "English|Español|Português|Deutsch|Français|Italiano|Polski|Türkçe|Русский|Українська|Svenska|Nederlands|"
    "Norsk|Dansk|Suomi|Magyar|Čeština|Slovenčina|Română|Ελληνικά|Български|Srpski|Hrvatski|Shqip|Català|"
    "日本語|한국어|中文|繁體中文|简体中文|العربية|עברית|فارسی|हिन्दी|ไทย|Tiếng Việt|Bahasa Indonesia|"
    "Azərbaycan|Romanization"
)

# --- markup -------------------------------------------------------------------------------------------

_TIME = r"(?:\[\d{1,3}:\d{2}(?:[.:,]\d{1,3})?\]|<\d{1,3}:\d{2}(?:[.:,]\d{1,3})?>)"
_TAGS = (
    "br|p|div|span|i|b|em|strong|u|a|font|h[1-6]|li|ul|ol|pre|small|sup|sub|blockquote|hr|table|tbody|tr|td|"
    "center|img|section|article|tt|code|s|strike|mark|del|ins|html|body|head|title|script|style|iframe"
)
_LINE_TAGS = "br|p|div|h[1-6]|li|ul|ol|pre|blockquote|hr|tr|section|article"
_ATTRIBUTES = r"""(?:\s+[\w:-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))*\s*/?"""
# Scripts in which a zero-width space parts words, and those whose letters a non-joiner parts.
_UNSPACED = r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
_JOINED = (
    r"[\p{Arabic}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}"
    r"\p{Malayalam}\p{Sinhala}]"
)


def _nothing(match: regex.Match[str]) -> str:
    return ""


def _newline(match: regex.Match[str]) -> str:
    return "\n"


def _character(match: regex.Match[str]) -> str:
    """Return the character of an entity; an unknown entity stays."""
    entity = match[0]
    if entity[1] != "#" and entity[1:] not in html5:
        return entity
    return html.unescape(entity).replace("\xa0", " ").replace("\r", "\n")


def _escaped(match: regex.Match[str]) -> str:
    """Return the character that a backslash and what follows stand for."""
    rest = match[0].lstrip("\\")
    if len(rest) == 5:
        return chr(int(rest[1:], 16))
    return {"n": "\n", "r": "\n", "t": " "}.get(rest[0].lower(), rest)


def _tag(match: regex.Match[str]) -> str:
    return "\n" if match["line"] else ""


def _capitals(match: regex.Match[str]) -> str:
    """Return nothing for a header in capitals; in a text all in capitals it may be sung."""
    return match[0] if _is_upper(match.string) else ""


@lru_cache(maxsize=1)
def _is_upper(text: str) -> bool:
    """Return whether a text has no small letter; asked for every header, it is read once."""
    return text.isupper()


def _untimed(match: regex.Match[str]) -> str:
    """Return a line without its times; times that stand for spaces between words leave spaces."""
    line = _TIME_PATTERN.sub("", match[0])
    if " " not in line.strip() and len(_TIME_PATTERN.findall(match[0].lstrip("[]0123456789:., \t"))) > 1:
        line = _TIME_PATTERN.sub(" ", match[0])
    return " ".join(line.split())


def _compile(pattern: str, flags: int = 0) -> regex.Pattern[str]:
    return regex.compile(pattern, flags | regex.M | regex.V0)


_TIME_PATTERN = _compile(_TIME)
RULES = (
    Rule(
        "invisible character",
        (),
        # Orthography stays: non-joiners of Persian, joiners of Indic scripts and of emoji, Khmer's spaces.
        _compile(
            r"[\u00ad\u0640\u2060-\u2064\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\u180e\u034f]"
            rf"|(?<!{_UNSPACED})\u200b|\u200b(?!{_UNSPACED})|(?<!{_JOINED})\u200c|\u200c(?!{_JOINED})"
            r"|(?<![\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca\ufe0f\p{So}\p{Sk}])\u200d"
        ),
        _nothing,
    ),
    Rule(
        "escaped character",
        ("\\",),
        _compile(
            r"""(?<!\\)(?:(?:\\++r)?\\++n|\\++r|\\++t(?!\p{Ll})|\\++u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|\\++["'])"""
        ),
        _escaped,
    ),
    Rule(
        "HTML entity",
        ("&",),
        _compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"),
        _character,
    ),
    Rule(
        "HTML tag",
        ("<",),
        _compile(
            r"<!--.{0,1000}?-->|<(script|style)\b[^<>]{0,1000}>.{0,10000}?</\1\s*>"
            rf"|(?P<line></?(?:{_LINE_TAGS}){_ATTRIBUTES}>(?:[ \t]*\n)?)|</?(?:{_TAGS}){_ATTRIBUTES}>",
            regex.I | regex.S,
        ),
        _tag,
    ),
    Rule(
        "LRC tag",
        ("[",),
        _compile(
            r"^[ \t]*\[(?:ar|ti|al|au|by|re|ve|la|lr|id|offset|length|tool|lang|language|encoding|key|total|"
            r"hash|sign|qq|kana|artist|title|album|author|editor|#)[ \t]*:[^\[\]\n]*\][ \t]*(?:\n|\Z)",
            regex.I,
        ),
        _nothing,
    ),
    Rule(
        "LRC time",
        ("[", "<"),
        _compile(rf"^[^\n]*?{_TIME}[^\n]*$"),
        _untimed,
    ),
    Rule(
        "subtitle time",
        ("-->",),
        _compile(r"^(?:\d+[ \t]*\n)?(?:\d+:)?\d+:\d\d[.,]\d{3}[ \t]*-->[^\n]*\n?"),
        _nothing,
    ),
    Rule(
        "contributor line",
        ("contributor",),
        _compile(
            r"\A\s*(?:1[ \xa0]Contributor(?!s)|[\d.,]+K?[ \xa0]Contributors)(?:"
            rf"\s*(?:Translations?\s*(?:(?:{_LANGUAGES})\s*)*)?(?:[^\n]{{0,200}}?[ \xa0])?Lyrics"
            r"(?:[“\"][^\n]*?Read More)?(?=\S|[ \t]*$)|(?![ \t]+\S))[ \t\xa0]*\n?"
        ),
        _nothing,
    ),
    Rule(
        "translations",
        ("translation",),
        _compile(rf"\A\s*Translations?(?:\s*(?:{_LANGUAGES}))+[ \t]*\n?|^Translations[ \t]*\n"),
        _nothing,
    ),
    Rule(
        "title line",
        ("lyrics",),
        _compile(
            r"\A[^\n\[]{1,150}?[ \xa0]Lyrics(?=[\p{Lu}\p{Lo}\[¿¡“])"
            # A line of its own: words that begin with a capital, but for short ones.
            r"|\A\s*(?:(?:[^\p{Ll}\s]\S*|\p{Ll}{1,4})[ \t\xa0]+){1,12}Lyrics[ \t]*\n"
        ),
        _nothing,
    ),
    Rule(
        "ticket ad",
        ("live", "get tickets"),
        _compile(
            r"See [^\n]{1,80}? Live\s*Get tickets as low as [$€£]?\d+|Get tickets as low as [$€£]\d+"
            r"|See [^\n]{1,80}? Live(?=You might also like|\[)"
            # On a line of its own it is told from a song's line by another mark of the site.
            r"|^See (?:[\p{Lu}\p{Lo}\p{N}&+$]\S*[ ]){1,8}Live[ \t]*$"
            r"(?=[\s\S]*?(?:^You might also like|Embed\s*\Z))"
        ),
        _newline,
    ),
    Rule(
        "recommendations",
        ("you might also like",),
        _compile(
            r"^[ \t]*You might also like(?:[ \t]*$|(?=[\p{Lu}\p{Lo}\[]))"
            r"|(?<=[\p{L}\p{N}.!?,)\]])You might also like(?:[ \t]*$|(?=[\p{Lu}\p{Lo}\[]))"
        ),
        _newline,
    ),
    Rule(
        "embed trailer",
        ("embed",),
        _compile(
            r"(?<=[\p{L}\p{M}\p{P}\p{S}\s])\d{1,3}K?Embed(?:Share URLCopyEmbedCopy)?\s*\Z|\A\s*\d*Embed\s*\Z"
            r"|(?<=[\p{L}\p{M}\p{P}\p{S}\p{N}\n])Embed(?:Share URLCopyEmbedCopy)?\s*\Z"
        ),
        _nothing,
    ),
    Rule(
        "commercial-use notice",
        ("commercial use",),
        _compile(
            r"^(?:[ \t]*\.{3}[ \t]*\n+)?[ \t]*\*{3,}[ \t]*This Lyrics is NOT for Commercial use[ \t]*\*{3,}"
            r"[^\n]*(?:\n[ \t]*\(\d+\)[ \t]*)?",
            regex.I,
        ),
        _nothing,
    ),
    Rule(
        "section header",
        ("[",),
        _compile(rf"^[ \t]*\[[ \t]*{_SECTION}\][ \t]*:?[ \t]*(?:\n|\Z)?", regex.I),
        _nothing,
    ),
    Rule("section header", ("[",), _compile(rf"\[[ \t]*{_SECTION}\][ \t]*\n?", regex.I), _newline),
    Rule(
        "section header",
        _HEADER_SIGNS,
        _compile(
            rf"^[ \t]*(?:[({{*][ \t]*(?:{_MARKED}[^\n(){{}}*]{{0,60}}|{_BEFORE}(?:{_SURE}|instrumental))"
            rf"[ \t]*[)}}*][ \t]*(?:\n|\Z)|{_MARKED}[ \t]*(?:\n|\Z)"
            rf"|(?:{_SURE})(?:[ \t]*\d{{1,2}})?[ \t]*:[ \t]+"
            # A word that stands alone is a header where it begins a paragraph.
            r"|(?:pre[- ]?chorus|chorus|verse|refrain|intro|outro)[ \t]*(?:\n|\Z)"
            r"(?<=(?:\A|\n[ \t]*\n)[ \t]*[\w -]+\n?))",
            regex.I,
        ),
        _nothing,
    ),
    Rule(
        "section header",
        ("chorus", "verse", "refrain", "bridge", "hook", "intro", "outro"),
        _compile(r"^[ \t]*(?:CHORUS|VERSE|REFRAIN|BRIDGE|HOOK|INTRO|OUTRO|PRE-?CHORUS)[ \t]*(?:\n|\Z)"),
        _capitals,
    ),
    Rule(
        "repeat mark",
        ("repeat", "x)", "x]", "x}", "(x", "[x", "{x", "bis)", "\nx", "x\n", "×"),
        _compile(
            rf"^[ \t]*(?:{_BRACKETED_REPEAT}|{_TIMES}|(?=repeat[^\n]*(?:\d|fade|{_SURE})){_REPEAT})"
            rf"[ \t.!]*(?:\n|\Z)|{_BRACKETED_REPEAT}",
            regex.I,
        ),
        _nothing,
    ),
)
