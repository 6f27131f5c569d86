"""Raw folders of each layout that docs/data.md describes, to be damaged; all texts are made up.

Each function writes a folder, and draws what may vary from the random numbers that it is given.
"""

import csv
import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd

from neuralist import demo

SYLLABLES = [first + vowel for first in "bdfklmnprst" for vowel in "aeiou"]


def _words(draw: random.Random, count: int) -> str:
    return " ".join("".join(draw.choices(SYLLABLES, k=2)) for _ in range(count))


def official(folder: Path, _: random.Random) -> None:
    """Write the demo corpus: Billboard's years, Million Song Dataset tracks, Last.fm's lists as JSON."""
    demo.write(folder)


def database(folder: Path, draw: random.Random) -> None:
    """Write the demo corpus with its lists and tags as SQLite files, and a list of duplicates."""
    demo.write(folder)
    lists = [json.loads(path.read_text("utf-8")) for path in sorted(folder.rglob("TR*.json"))]
    shutil.rmtree(folder / "lastfm")
    tracks = [one["track_id"] for one in lists]
    by_target = draw.random() < 0.3
    pairs = [(one["track_id"], target, grade) for one in lists for target, grade in one["similars"]]
    rows: dict[str, list[str]] = {}
    for source, target, grade in pairs:
        key, other = (target, source) if by_target else (source, target)
        rows.setdefault(key, []).append(f"{other},{grade}")
    with closing(sqlite3.connect(folder / "msd" / "lastfm_similars.db")) as similars:
        for name in ("similars_src", "similars_dest"):
            similars.execute(f"create table {name} (tid text, target text)")
        table = "similars_dest" if by_target else "similars_src"
        entries = [(track, ",".join(of_track)) for track, of_track in rows.items()]
        similars.executemany(f"insert into {table} values (?, ?)", entries)
        similars.commit()
    names = sorted({tag for one in lists for tag, _ in one["tags"]})
    with closing(sqlite3.connect(folder / "msd" / "lastfm_tags.db")) as tags:
        tags.execute("create table tids (tid text)")
        tags.execute("create table tags (tag text)")
        tags.execute("create table tid_tag (tid int, tag int, val float)")
        tags.executemany("insert into tids values (?)", [(track,) for track in tracks])
        tags.executemany("insert into tags values (?)", [(name,) for name in names])
        weights = [
            (row, names.index(tag) + 1, float(weight))
            for row, one in enumerate(lists, start=1)
            for tag, weight in one["tags"]
        ]
        tags.executemany("insert into tid_tag values (?, ?, ?)", weights)
        tags.commit()
    groups = "".join(f"%{row} A - B\n{tracks[2 * row]}\n{tracks[2 * row + 1]}\n" for row in range(20))
    (folder / "msd" / "lastfm_duplicates.txt").write_text(f"# duplicates\n{groups}", encoding="utf-8")


def generic(folder: Path, draw: random.Random) -> None:
    """Write texts.csv and pairs.csv, with or without each column that may be absent."""
    folder.mkdir(parents=True)
    extra = [
        name for name in ("artist", "title", "year", "tags", "language", "has_list") if draw.random() < 0.5
    ]
    is_split = "has_list" not in extra and draw.random() < 0.5
    low, high = draw.choice([(0, 1), (1, 5), (0, 100)])
    values: dict[str, Callable[[int], str]] = {
        "artist": lambda song: f"Artist {song % 20}",
        "title": lambda song: f"Song, number {song}",
        "year": lambda song: str(1960 + song % 50),
        "tags": lambda song: "folk;quiet" if song % 2 else "rock|loud",
        "language": lambda _: "en",
        "has_list": lambda song: str(song % 3 and 1),
    }
    with (folder / "texts.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", *extra])
        for song in range(80):
            text = _words(draw, 20) + draw.choice(["", "\n" + _words(draw, 8), ', "so they say"'])
            rows.writerow([f"s{song:02}", text, *(values[name](song) for name in extra)])
    with (folder / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["left_id", "right_id", "similarity", *(["split"] if is_split else [])])
        for left in range(80):
            for right in draw.sample([song for song in range(80) if song != left], 5):
                similarity = round(low + (high - low) * draw.random(), 3)
                split = [("train", "train", "val", "test")[left % 4]] if is_split else []
                rows.writerow([f"s{left:02}", f"s{right:02}", similarity, *split])
    corpus = f"note: Made up.\nsimilarity_range: [{low}, {high}]\n"
    (folder / "corpus.yaml").write_text(corpus, encoding="utf-8")


def importable(folder: Path, draw: random.Random) -> None:
    """Write a file, or a folder of songs, that `neuralist import` reads."""
    folder.mkdir(parents=True)
    form = draw.choice(("csv", "tsv", "json", "jsonl", "parquet", "xlsx", "songs", "genius"))
    if form == "songs":
        (folder / "songs").mkdir()
        for song in range(20):
            path = folder / "songs" / f"Artist {song % 5} - Song {song}.{draw.choice(('txt', 'lrc'))}"
            lines = [_words(draw, 5) for _ in range(6)]
            times = "[00:{:02}.00]" if path.suffix == ".lrc" else ""
            text = "\n".join(times.format(second) + line for second, line in enumerate(lines))
            path.write_text(text, encoding="utf-8")
        return
    if form == "genius":
        songs = [
            {"title": f"Song {song}", "artist": "Artist", "lyrics": _words(draw, 30), "id": song}
            for song in range(20)
        ]
        (folder / "songs.json").write_text(json.dumps({"name": "Artist", "songs": songs}), encoding="utf-8")
        return
    rows = [(_words(draw, 8), _words(draw, 8), draw.randint(1, 5)) for _ in range(100)]
    frame = pd.DataFrame(rows, columns=["sentence1", "sentence2", "score"])
    path = folder / f"pairs.{form}"
    if form in ("csv", "tsv"):
        frame.to_csv(path, index=False, sep="," if form == "csv" else "\t")
    elif form == "parquet":
        frame.to_parquet(path)
    elif form == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=form == "jsonl")


LAYOUTS = {"official": official, "database": database, "generic": generic, "importable": importable}
