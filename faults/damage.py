"""Ways in which a raw folder comes damaged: of its bytes, of its rows, of its files.

Each function damages one file or what stands in its place, and returns what it did in a few words.
"""

import os
import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

Damage = Callable[[Path, random.Random], str]

ODD_BYTES = (
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\r",
    b'"',
    b"\x1a",
    "\u2028\u0085".encode(),
    b"\xed\xa0\x80",
)
ODD_NUMBERS = (
    b"nan",
    b"-1",
    b"1e999",
    b"1e-999",
    b"Infinity",
    "٣".encode(),
    b"9" * 400,
    b"",
    b"1_0",
    b"0x1",
    b"null",
)
LARGE = 30_000_000


def cut(path: Path, draw: random.Random) -> str:
    """Cut the end off."""
    size = path.stat().st_size
    kept = draw.choice([0, 1, draw.randint(0, size), size - draw.randint(1, min(size, 100))])
    os.truncate(path, max(0, kept))
    return f"cut to {kept:,} bytes"


def flip(path: Path, draw: random.Random) -> str:
    """Change bits of a few bytes."""
    content = bytearray(path.read_bytes())
    count = draw.choice([1, 1, 3, 30])
    for _ in range(count):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
    return f"{count} bits flipped"


def insert(path: Path, draw: random.Random) -> str:
    """Insert bytes that few expect."""
    content, odd = path.read_bytes(), draw.choice(ODD_BYTES)
    at = draw.choice([0, len(content), draw.randint(0, len(content))])
    path.write_bytes(content[:at] + odd + content[at:])
    return f"{odd!r} at byte {at:,}"


def zero(path: Path, draw: random.Random) -> str:
    """Put zeros over a span, as a file system does after a power failure."""
    content = bytearray(path.read_bytes())
    start = draw.randrange(len(content))
    length = draw.choice([16, 512, len(content)])
    content[start : start + length] = bytes(len(content[start : start + length]))
    path.write_bytes(content)
    return f"zeros from byte {start:,}"


def number(path: Path, draw: random.Random) -> str:
    """Put something odd in place of numbers."""
    content, odd = path.read_bytes(), draw.choice(ODD_NUMBERS)
    numbers = list(re.finditer(rb"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", content))
    for match in sorted(
        draw.sample(numbers, min(len(numbers), draw.choice([1, 5]))), key=lambda one: -one.start()
    ):
        content = content[: match.start()] + odd + content[match.end() :]
    path.write_bytes(content)
    return f"{odd[:12]!r} in place of numbers"


def lines(path: Path, draw: random.Random) -> str:
    """Repeat, drop, shorten or swap lines, or change how they end."""
    content = path.read_bytes().split(b"\n")
    at, way = (
        draw.randrange(len(content)),
        draw.choice(["twice", "away", "half", "swapped", "CRLF", "CR", "blank"]),
    )
    if way == "twice":
        content.insert(at, content[at])
    elif way == "away":
        del content[at]
    elif way == "half":
        content[at] = content[at][: len(content[at]) // 2]
    elif way == "swapped":
        other = draw.randrange(len(content))
        content[at], content[other] = content[other], content[at]
    elif way == "blank":
        content[at:at] = [b"", b"   "]
    path.write_bytes({"CRLF": b"\r\n", "CR": b"\r"}.get(way, b"\n").join(content))
    return f"line {at + 1}: {way}"


def encoding(path: Path, draw: random.Random) -> str:
    """Write it in another encoding."""
    name = draw.choice(["utf-16", "utf-8-sig", "cp1252", "utf-32"])
    path.write_bytes(path.read_bytes().decode("utf-8", "replace").encode(name, "replace"))
    return name


def nested(path: Path, draw: random.Random) -> str:
    """Put brackets in brackets in its place."""
    depth = draw.choice([200, 100_000])
    path.write_bytes(b"[" * depth + b"]" * depth)
    return f"{depth:,} brackets"


def long_word(path: Path, draw: random.Random) -> str:
    """Put a word of many megabytes into it."""
    content = path.read_bytes()
    at = max(0, content.find(b" ", draw.randrange(len(content))))
    path.write_bytes(content[:at] + b"a" * LARGE + content[at:])
    return f"a word of {LARGE:,} letters"


def elsewhere(path: Path, draw: random.Random) -> str:
    """Put something that is no file in its place."""
    way = draw.choice(["folder", "dangling link", "link to itself", "FIFO", "nothing", "empty", "/dev/null"])
    path.unlink()
    if way == "folder":
        path.mkdir()
    elif way == "FIFO":
        os.mkfifo(path)
    elif way == "empty":
        path.touch()
    elif way != "nothing":
        targets = {"dangling link": "not-there", "link to itself": path.name, "/dev/null": "/dev/null"}
        path.symlink_to(targets[way])
    return f"{way} in its place"


def beside(path: Path, draw: random.Random) -> str:
    """Put another file beside it that looks like one of its kind."""
    way = draw.choice(["copy", "hidden copy", "editor's copy", "folder", "FIFO", "link"])
    target = path.with_name(
        {"hidden copy": f".{path.name}", "editor's copy": f"{path.name}~"}.get(way, f"0{path.name}")
    )
    while os.path.lexists(target):  # by an earlier damage
        target = target.with_name(f"0{target.name}")
    if way == "folder":
        target.mkdir()
    elif way == "FIFO":
        os.mkfifo(target)
    elif way == "link":
        target.symlink_to("not-there")
    else:
        shutil.copy(path, target)
    return f"{way} beside it"


def table(path: Path, draw: random.Random) -> str:
    """Spoil a table of an SQLite file."""
    way = draw.choice(["null", "blob", "dropped", "emptied", "odd list", "repeated"])
    with closing(sqlite3.connect(path)) as opened:
        names = [name for (name,) in opened.execute("select name from sqlite_master where type = 'table'")]
        name = draw.choice(sorted(names))
        columns = [column[1] for column in opened.execute(f"pragma table_info({name})")]
        count = opened.execute(f"select count(*) from {name}").fetchone()[0]
        some = f"where rowid in (select rowid from {name} where rowid % {draw.randint(2, 20)} = 0)"
        column = draw.choice(columns)
        if way == "dropped":
            opened.execute(f"drop table {name}")
        elif way == "emptied":
            opened.execute(f"delete from {name}")
        elif way == "repeated":
            opened.execute(f"insert into {name} select * from {name} limit {max(1, count // 3)}")
        else:
            value = {"null": "null", "blob": "x'ff00fe'", "odd list": "'TRA,0.5,TRB'"}[way]
            opened.execute(f"update {name} set {column} = {value} {some}")
        opened.commit()
    return f"{name}.{column}: {way}"


OF_BYTES: tuple[Damage, ...] = (cut, flip, insert, zero)
OF_TEXT: tuple[Damage, ...] = (*OF_BYTES, number, number, lines, lines, encoding, nested, long_word)
OF_FILES: tuple[Damage, ...] = (elsewhere, beside)


def spoil(folder: Path, draw: random.Random) -> list[str]:
    """Damage one to three files of a folder, and return what was done to which."""
    done = []
    for _ in range(draw.choice([1, 1, 2, 3])):
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
        # A folder has more lists than files of any other kind: first the kind, then the file.
        kinds = sorted(
            {(path.parent if path.suffix != ".json" else "", path.suffix) for path in files}, key=str
        )
        if not files:
            break
        parent, suffix = draw.choice(kinds)
        path = draw.choice([one for one in files if one.suffix == suffix and parent in ("", one.parent)])
        if path.suffix == ".db":
            ways = (*OF_BYTES, *OF_FILES, *[table] * 8)
        else:
            ways = (*(OF_BYTES if path.suffix in (".parquet", ".xlsx") else OF_TEXT), *OF_FILES)
        way = draw.choice(ways)
        try:
            done.append(f"{path.relative_to(folder).as_posix()}: {way(path, draw)}")
        except sqlite3.Error:  # spoiled before
            done.append(f"{path.relative_to(folder).as_posix()}: flip: {flip(path, draw)}")
    return done
