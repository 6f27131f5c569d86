"""Decode a file's bytes, and say which encoding they are in."""

import codecs
import re
from typing import NamedTuple

from neuralist.excerpts import excerpt

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_SAMPLE = 4_000  # bytes
_WORD = re.compile(r"[^\W\d_]{3,}")
_FEW = 0.05  # of the words with accents: in languages written in cp1252, hardly one has no plain letter
# Signs that stand between letters where another encoding's letters were read as cp1252: Łódź as £ód\x9f.
_WITHIN_WORDS = re.compile(r"[^\W\d_][¡¢£¤¥¦¨©¬¯±²³´¶¸¹º¼½¾¿×÷†‡ˆ‰˜™][^\W\d_]|\b[¢£¤¥¦©¬¯±²³¶¸¹¼½¾][^\W\d_]")


class Decoded(NamedTuple):
    """A file's text, and the name of its encoding as people know it."""

    text: str
    encoding: str


def decode(content: bytes, name: str, encoding: str | None = None) -> Decoded:
    """Return the text of a file: by its byte order mark, as UTF-8, as UTF-16, or as Windows' cp1252.

    Args:
        content: of the file.
        name: of the file, for messages.
        encoding: the user's word, which is not doubted.

    Raises:
        ValueError: the file is empty, the encoding is unknown, or the bytes are in none of these.
    """
    # A byte order mark is none of its text.
    decoded = _decoded(content, name, encoding) if content.strip() else None
    if decoded is None or not decoded.text.strip():
        raise ValueError(f"{name}: the file is empty; give a file with rows")
    return decoded


def _decoded(content: bytes, name: str, encoding: str | None) -> Decoded:
    if encoding:
        return _by_name(content, name, encoding)
    for mark, codec, label in _MARKS:
        if content.startswith(mark):
            return _strictly(content, name, codec, label)
    codec = _wide(content)
    if codec:
        return _strictly(content, name, codec, "UTF-16")
    try:
        return Decoded(content.decode("utf-8"), "UTF-8")
    except UnicodeDecodeError as error:
        place = content.count(b"\n", 0, error.start) + 1
    text = _western(content)
    if text is None:
        raise ValueError(
            f"{name}:{place}: not UTF-8, nor a language of Western Europe in cp1252; name its encoding by "
            "--encoding, such as --encoding cp1251, or save the file as UTF-8"
        )
    return Decoded(text, "cp1252")


def _by_name(content: bytes, name: str, encoding: str) -> Decoded:
    try:
        codec = codecs.lookup(encoding)
    except LookupError:
        raise ValueError(
            f"--encoding: received {excerpt(repr(encoding))}; "
            "give a codec of Python's, such as cp1252 or utf-16"
        ) from None
    return _strictly(content, name, codec.name, encoding)


def _strictly(content: bytes, name: str, codec: str, label: str) -> Decoded:
    try:
        return Decoded(content.decode(codec).removeprefix("\ufeff"), label)
    except (UnicodeError, LookupError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{name}: not {label} throughout ({reason}); name another --encoding") from None


def _wide(content: bytes) -> str:
    """Return which UTF-16 a text without mark is in, by the zero bytes of its plain letters; or nothing."""
    sample = content[:_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) <= len(sample) // 5 or min(even, odd) > len(sample) // 100:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _western(content: bytes) -> str | None:
    """Return a text in cp1252, or None where so read it would be no Western European language."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return None
    accented = [word for word in _WORD.findall(text) if not word.isascii()]
    n_strange = sum(not any(map(str.isascii, word)) for word in accented)
    is_strange = n_strange > _FEW * len(accented) or _WITHIN_WORDS.search(text) is not None
    return None if is_strange else text
