"""`neuralist fetch`: official files arrive whole and checked, or not at all; what was cut goes on."""

import fcntl
import hashlib
import io
import json
import random
import re
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import server
from tests.server import Files
from typer.testing import CliRunner

from neuralist import demo, fetch
from neuralist.cli import app
from neuralist.fetch import archive, table, transfer
from neuralist.ingest.sources import formats

TRACK = "TRAAAAW128F429D538"
UNIQUE = f"{TRACK}<SEP>SOMZWCG12A8C13C480<SEP>The Example<SEP>Lanterns\n".encode()
YEARS = f"1985<SEP>{TRACK}<SEP>The Example<SEP>Lanterns\n".encode()
SONGS = json.dumps([{"artist": "The Example", "title": "Lanterns", "lyrics": "paper lanterns"}]).encode()
LIST = json.dumps({"track_id": TRACK, "similars": [["TRBBBBB128F0000000", 0.5]], "tags": []}).encode()
BILLBOARD, TRACKS, PER_YEAR = (
    "/b/1985.json",
    "/m/AdditionalFiles/unique_tracks.txt",
    "/m/AdditionalFiles/tracks_per_year.txt",
)
DATABASE, SUBSET = "/m/lastfm/lastfm_similars.db", "/m/lastfm/lastfm_subset.zip"


@pytest.fixture(scope="module")
def running() -> Iterator[Files]:
    with server.running() as files:
        yield files


@pytest.fixture
def waits() -> list[float]:
    """The seconds that were waited, or would have been."""
    return []


@pytest.fixture
def web(running: Files, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> Files:
    running.reset()
    monkeypatch.setitem(table.HOSTS, "msd", f"{running.url}/m")
    monkeypatch.setitem(table.HOSTS, "billboard", f"{running.url}/b")
    monkeypatch.setattr(table, "CHECKSUMS", {})
    monkeypatch.setattr(transfer, "time", SimpleNamespace(sleep=waits.append))
    return running


def get(folder: Path, *names: str) -> list[dict[str, Any]]:
    return fetch.fetch(fetch.plan(names, (1985, 1985)), folder, lambda *done: None)


def similars(folder: Path) -> bytes:
    """An SQLite file of similarity lists."""
    path = folder / "made.db"
    with sqlite3.connect(path) as database:
        database.execute("create table similars_src (tid text, target text)")
        rows = [(TRACK, "TRBBBBB128F0000000,0.5")] * 1000
        database.executemany("insert into similars_src values (?, ?)", rows)
    database.close()
    return path.read_bytes()


def zipped(members: dict[str, bytes], link: str = "") -> bytes:
    """A zip file of members by name, and perhaps of a symbolic link."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        if link:
            entry = zipfile.ZipInfo(link)
            entry.external_attr = 0o120777 << 16
            archive.writestr(entry, "/etc")
    return target.getvalue()


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# --- the whole of it --------------------------------------------------------------------------------


def test_the_pipeline_reads_what_was_fetched(web: Files, tmp_path: Path) -> None:
    corpus = {path: text.encode() for path, text in demo.files().items()}
    lists = {path: content for path, content in corpus.items() if path.endswith(".json") and "TR" in path}
    lists = {path.replace("lastfm/", "lastfm_subset/", 1): content for path, content in lists.items()}
    for year in range(1960, 1964):
        web.content[f"/b/{year}.json"] = corpus[f"billboard/{year}.json"]
    web.content |= {TRACKS: corpus["msd/unique_tracks.txt"], PER_YEAR: corpus["msd/tracks_per_year.txt"]}
    web.content[SUBSET] = zipped(lists)
    wanted = fetch.plan(["billboard", "unique_tracks", "tracks_per_year", "lastfm_subset"], (1960, 1963))

    results = fetch.fetch(wanted, tmp_path / "raw", lambda *done: None)

    assert [result["state"] for result in results] == ["fetched"] * 7
    assert names(tmp_path) == sorted(
        f"raw/{path}"
        for path in [
            *(f"billboard/{year}.json" for year in range(1960, 1964)),
            "msd/tracks_per_year.txt",
            "msd/unique_tracks.txt",
            *lists,
        ]
    )
    read = formats.read(tmp_path / "raw", (0, 1))
    assert len(read.records) + len(read.rejects[read.rejects.source == "billboard"]) == sum(
        len(json.loads(corpus[f"billboard/{year}.json"])) for year in range(1960, 1964)
    )


def test_what_is_there_is_not_fetched_again(web: Files, tmp_path: Path) -> None:
    web.content = {BILLBOARD: SONGS, TRACKS: UNIQUE}
    get(tmp_path / "raw", "billboard")
    results = get(tmp_path / "raw", "billboard", "unique_tracks")
    assert [(result["path"], result["state"], result["bytes"]) for result in results] == [
        ("billboard/1985.json", "there", 0),
        ("msd/unique_tracks.txt", "fetched", len(UNIQUE)),
    ]
    assert [request.path for request in web.requests] == [BILLBOARD, TRACKS]


# --- going on ---------------------------------------------------------------------------------------

LONG = bytes(range(256)) * 20


@settings(deadline=None, max_examples=50)
@given(offset=st.integers(0, len(LONG)))
def test_a_download_goes_on_from_any_byte(running: Files, offset: int) -> None:
    running.reset()
    running.content = {"/long": LONG}
    with tempfile.TemporaryDirectory() as folder, requests.Session() as session:
        part = Path(folder, "long.part")
        transfer.get(session, f"{running.url}/long", part, lambda *done: None)
        part.write_bytes(LONG[:offset])
        running.requests = []
        transfer.get(session, f"{running.url}/long", part, lambda *done: None)
        assert part.read_bytes() == LONG
        assert [request.range for request in running.requests] == [f"bytes={offset}-" if offset else None]


def test_the_bytes_of_another_version_are_not_continued(web: Files, tmp_path: Path) -> None:
    web.content = {"/long": b"old" * 1000}
    part = tmp_path / "long.part"
    with requests.Session() as session:
        transfer.get(session, f"{web.url}/long", part, lambda *done: None)
        part.write_bytes(part.read_bytes()[:1500])
        web.content = {"/long": b"new!" * 1000}
        transfer.get(session, f"{web.url}/long", part, lambda *done: None)
    assert part.read_bytes() == b"new!" * 1000


@pytest.mark.parametrize("how", ["no_range", "no_tag"])
def test_where_a_server_cannot_go_on_the_file_starts_again(web: Files, tmp_path: Path, how: str) -> None:
    web.content, web.how = {TRACKS: UNIQUE}, {TRACKS: {how: True, "cut": [30]}}
    get(tmp_path / "raw", "unique_tracks")
    assert (tmp_path / "raw/msd/unique_tracks.txt").read_bytes() == UNIQUE
    assert len(web.requests) == 2


def test_a_connection_that_is_cut_goes_on_at_once_where_it_stopped(
    web: Files, tmp_path: Path, waits: list[float]
) -> None:
    web.content, web.how = {TRACKS: UNIQUE}, {TRACKS: {"cut": [10, 20, 0, 15]}}
    get(tmp_path / "raw", "unique_tracks")
    assert (tmp_path / "raw/msd/unique_tracks.txt").read_bytes() == UNIQUE
    assert [request.range for request in web.requests] == [
        None,
        "bytes=10-",
        "bytes=30-",
        "bytes=30-",
        "bytes=45-",
    ]
    # The wait doubles only while nothing arrives.
    assert waits == [1, 1, 2, 1]


def test_after_five_attempts_without_a_byte_the_rest_is_left_for_the_next_call(
    web: Files, tmp_path: Path, waits: list[float]
) -> None:
    web.content, web.how = {TRACKS: UNIQUE}, {TRACKS: {"cut": [12, 0, 0, 0, 0]}}
    with pytest.raises(ValueError, match=r"the connection was cut, 5 times in a row; 12 bytes are kept"):
        get(tmp_path / "raw", "unique_tracks")
    assert waits == [1, 2, 4, 8]
    assert not (tmp_path / "raw").exists()
    get(tmp_path / "raw", "unique_tracks")
    assert web.requests[-1].range == "bytes=12-"
    assert names(tmp_path) == ["raw/msd/unique_tracks.txt"]


def test_a_server_that_is_busy_is_asked_again(web: Files, tmp_path: Path) -> None:
    web.content, web.how = {BILLBOARD: SONGS}, {BILLBOARD: {"status": [503, 429]}}
    get(tmp_path / "raw", "billboard")
    assert names(tmp_path) == ["raw/billboard/1985.json"]


def test_a_server_that_is_not_there_is_named(
    web: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(table.HOSTS, "billboard", "http://127.0.0.1:9")
    with pytest.raises(
        ValueError, match=r"^http://127\.0\.0\.1:9/1985\.json: no connection, 5 times in a row"
    ):
        get(tmp_path / "raw", "billboard")


def test_publishers_are_asked_by_https_unless_told_otherwise() -> None:
    every = fetch.plan(list(table.SOURCES), (1950, 2015))
    assert all(download.url.startswith("https://") for download in every)
    plain = fetch.plan(list(table.SOURCES), (1950, 2015), encrypted=False)
    assert [download.url.replace("http://", "https://") for download in plain] == [one.url for one in every]


@pytest.mark.parametrize(
    ("addresses", "plain"),
    [
        (["http://b/f"], "http://b/f"),
        (["https://a/f", "http://b/f"], "http://b/f"),
        (["http://b/f", "https://a/g"], "http://b/f"),
        (["https://a/f", "https://b/f"], ""),
    ],
)
def test_an_https_address_that_leads_to_http_is_refused(
    tmp_path: Path, addresses: list[str], plain: str
) -> None:
    class Redirected(requests.Session):
        """Answers with an empty file from the last of the addresses."""

        def get(self, url: str | bytes, **_: Any) -> requests.Response:
            answers = [requests.Response() for _ in addresses]
            for answer, address in zip(answers, addresses, strict=True):
                answer.url, answer.status_code, answer.raw = address, 200, io.BytesIO(b"")
            answers[-1].raw.read1 = answers[-1].raw.read
            answers[-1].history = answers[:-1]
            return answers[-1]

    asked = partial(transfer.get, Redirected(), "https://a/f", tmp_path / "part", lambda *done: None)
    if plain:
        with pytest.raises(ValueError, match=f"^https://a/f: leads to {plain}, which is not encrypted; look"):
            asked()
        assert not (tmp_path / "part").exists()
    else:
        asked()


def test_where_https_fails_the_way_without_is_told(
    web: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(table.HOSTS, "billboard", web.url.replace("http://", "https://"))
    message = "no encrypted connection, 5 times in a row; 0 bytes .* or with --http, without encryption$"
    with pytest.raises(ValueError, match=message):
        get(tmp_path / "raw", "billboard")
    monkeypatch.setitem(table.HOSTS, "billboard", f"{web.url}/b".replace("http://", "https://"))
    web.content = {BILLBOARD: SONGS}
    arguments = ("--only", "billboard", "--years", "1985", "--accept-licence", "--http")
    assert run(str(tmp_path / "raw"), *arguments).exit_code == 0
    assert names(tmp_path) == ["raw/billboard/1985.json"]


# --- what is not what it should be ------------------------------------------------------------------


def test_a_file_that_has_moved_is_told_at_once(web: Files, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"/b/1985\.json: the server answers 404 Not Found; the file may have"
    ):
        get(tmp_path / "raw", "billboard")
    assert len(web.requests) == 1


def test_fewer_bytes_than_promised_are_not_taken(web: Files, tmp_path: Path) -> None:
    web.content, web.how = {TRACKS: UNIQUE}, {TRACKS: {"extra": 7, "no_range": True}}
    with pytest.raises(ValueError, match="5 times in a row"):
        get(tmp_path / "raw", "unique_tracks")
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize(
    ("name", "path", "content", "said"),
    [
        ("billboard", BILLBOARD, b"\n<!DOCTYPE html><p>Moved", "received a web page, not songs with lyrics"),
        ("billboard", BILLBOARD, SONGS[:-5], r"received no JSON \("),
        ("billboard", BILLBOARD, b'{"message": "limit"}', "no JSON list of songs with lyrics"),
        ("unique_tracks", TRACKS, YEARS, "its first line is b'1985<SEP>TRAAAAW"),
        ("tracks_per_year", PER_YEAR, UNIQUE, "its first line is b'TRAAAAW"),
        ("unique_tracks", TRACKS, b"", "its first line is b''"),
        ("lastfm_similars", DATABASE, b"SQLite format 3\0 and no more", "no SQLite file with the table"),
        ("lastfm_subset", SUBSET, b"PK and no more", r"no whole zip file \("),
        ("lastfm_subset", SUBSET, zipped({"README": b"a"}), r"a zip file without any TR\*\.json"),
        ("lastfm_subset", SUBSET, zipped({"s/TRA.json": b"[1]"}), r"TRA\.json in it is no Last\.fm list"),
    ],
)
def test_something_else_is_refused_and_thrown_away(
    web: Files, tmp_path: Path, name: str, path: str, content: bytes, said: str
) -> None:
    web.content, web.how = {path: content}, {path: {"no_length": True}}
    with pytest.raises(ValueError, match=said):
        get(tmp_path / "raw", name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [True, False])
def test_a_download_that_does_not_end_is_stopped_and_thrown_away(
    web: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, length: bool
) -> None:
    monkeypatch.setattr(table.Source, "most_bytes", 100_000)
    web.content, web.how = {TRACKS: UNIQUE * 5000}, {TRACKS: {"no_length": not length}}
    with pytest.raises(ValueError, match=r"sends more than 0 MB, so it is another file and thrown away"):
        get(tmp_path / "raw", "unique_tracks")
    assert list(tmp_path.iterdir()) == []


def test_a_file_may_grow_to_ten_times_its_listed_size() -> None:
    assert table.SOURCES["unique_tracks"].most_bytes == 840_000_000
    assert all(source.most_bytes >= 10_000_000 for source in table.SOURCES.values())


def test_a_file_whose_checksum_is_known_must_have_it(
    web: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.content = {BILLBOARD: SONGS}
    known = hashlib.sha256(SONGS).hexdigest()
    monkeypatch.setattr(table, "CHECKSUMS", {"billboard/1985.json": known})
    get(tmp_path / "raw", "billboard")
    web.content = {BILLBOARD: SONGS.replace(b"paper", b"paged")}
    with pytest.raises(ValueError, match=rf"received another file than the one known, whose .* is {known}"):
        get(tmp_path / "other", "billboard")
    assert names(tmp_path) == ["raw/billboard/1985.json"]


def test_the_checksum_of_every_billboard_file_is_known() -> None:
    listed = table._checksums()
    assert list(listed) == [download.path for download in fetch.plan(["billboard"], (1950, 2015))]
    assert all(re.fullmatch("[0-9a-f]{64}", checksum) for checksum in listed.values())
    real = Path(__file__).resolve().parents[3] / "shared/real"
    if not real.is_dir():
        pytest.skip(f"no {real}")
    for path, checksum in listed.items():
        assert hashlib.sha256((real / path).read_bytes()).hexdigest() == checksum


def test_deep_json_is_refused(web: Files, tmp_path: Path) -> None:
    web.content = {BILLBOARD: b"[" * 200_000}
    with pytest.raises(ValueError, match=r"received no JSON \("):
        get(tmp_path / "raw", "billboard")
    web.content = {SUBSET: zipped({"s/TRA.json": b"[" * 100_000 + bytes(random.Random(1).randbytes(9000))})}
    with pytest.raises(ValueError, match=r"TRA\.json in it is no Last\.fm list"):
        get(tmp_path / "raw", "lastfm_subset")
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_would_compute_without_end_is_refused(web: Files, tmp_path: Path) -> None:
    path = tmp_path / "made.db"
    with sqlite3.connect(path) as database:
        endless = "with recursive n(i) as (select 1 union all select i + 1 from n)"
        database.execute(f"create view similars_src as {endless} select max(i) as tid, 0 as target from n")
    database.close()
    web.content = {DATABASE: path.read_bytes()}
    with pytest.raises(ValueError, match="received an SQLite file whose similars_src is a view, not"):
        get(tmp_path / "raw", "lastfm_similars")


@pytest.mark.parametrize("change", [-4096, -100, 512])
def test_a_database_of_another_size_than_its_own_is_noticed_without_a_length(
    web: Files, tmp_path: Path, change: int
) -> None:
    whole = similars(tmp_path)
    other = whole[:change] if change < 0 else whole + bytes(change)
    web.content, web.how = {DATABASE: other}, {DATABASE: {"no_length": True}}
    with pytest.raises(ValueError, match=r"is malformed|bytes of an SQLite file of"):
        get(tmp_path / "raw", "lastfm_similars")
    web.content = {DATABASE: whole}
    get(tmp_path / "raw", "lastfm_similars")
    assert (tmp_path / "raw/msd/lastfm_similars.db").read_bytes() == whole


# --- unpacking --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "member", ["../evil", "/evil", "lastfm_subset/../../evil", "..\\evil", "C:\\evil", "lastfm_subset/.."]
)
def test_an_archive_that_leads_out_of_its_folder_is_refused_whole(
    web: Files, tmp_path: Path, member: str
) -> None:
    web.content = {SUBSET: zipped({"lastfm_subset/A/TRA.json": LIST, member: b"evil"})}
    with pytest.raises(ValueError, match="leads out of the folder it is unpacked to"):
        get(tmp_path / "raw", "lastfm_subset")
    assert list(tmp_path.iterdir()) == []


INNER = "lastfm_subset/B/TR{}.json"


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"lastfm_subset/more.zip": b"PK"}, r"whose member 'lastfm_subset/more\.zip' is an archive itself"),
        ({"more.TAR.GZ": b""}, r"whose member 'more\.TAR\.GZ' is an archive itself"),
        ({INNER.format(1): b" " * 17_000_000}, r"TR1\.json' unpacks to 17 MB"),
        (
            {INNER.format(n): b" " * 1_000_000 for n in range(9)},
            r"a zip file of 0\.0 MB that unpacks to 9 MB",
        ),
        ({"a/" * 10 + "TRA.json": LIST}, "has a path that is too long"),
        ({"é" * 101 + ".json": LIST}, "has a path that is too long"),
        ({"lastfm_subset/A": LIST}, "in which 'lastfm_subset/A' is a file and a folder"),
        ({"lastfm_subset//A/TRA.json": LIST}, r"that holds 'lastfm_subset//A/TRA\.json' twice"),
        ({"": LIST}, r"no whole zip file|leads out"),
    ],
    ids=["nested", "nested_tar", "large", "bomb", "deep", "long", "both", "twice", "nameless"],
)
def test_an_archive_that_no_publisher_makes_is_thrown_away_before_it_is_unpacked(
    web: Files, tmp_path: Path, others: dict[str, bytes], said: str
) -> None:
    web.content = {SUBSET: zipped({"lastfm_subset/A/TRA.json": LIST, **others})}
    with pytest.raises(ValueError, match=said) as refused:
        get(tmp_path / "raw", "lastfm_subset")
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_within_the_limits_is_unpacked(web: Files, tmp_path: Path) -> None:
    text = json.dumps({"similars": [], "tags": [[f"tag {n}", "100"] for n in range(9000)]}).encode()
    web.content = {SUBSET: zipped({"a/" * 9 + "TRA.json": text, "é" * 97 + ".json": LIST})}
    get(tmp_path / "raw", "lastfm_subset")
    assert (tmp_path / "raw/lastfm_subset" / ("a/" * 9) / "TRA.json").read_bytes() == text


def harmed(draw: random.Random, content: bytes) -> bytes:
    """A file with a few bytes changed, perhaps cut."""
    harmed = bytearray(content)
    for _ in range(draw.choice([1, 2, 8])):
        harmed[draw.randrange(len(harmed))] = draw.choice([0, 255, draw.randrange(256)])
    return bytes(harmed[: draw.randrange(len(harmed))] if draw.random() < 0.2 else harmed)


def test_a_harmed_archive_is_unpacked_whole_or_refused_and_nothing_is_left(tmp_path: Path) -> None:
    content = zipped({f"lastfm_subset/A/TR{n}.json": LIST for n in range(3)})
    draw, refused = random.Random(1), 0
    for _ in range(150):
        part, target = tmp_path / "a.part", tmp_path / "a"
        part.write_bytes(harmed(draw, content))
        try:
            archive.check(part)
            archive.unpack(part, target, lambda *done: None)
        except ValueError:
            refused += 1
            assert not target.exists()
        else:
            shutil.rmtree(target)
        assert list(tmp_path.iterdir()) == [part]
    assert 90 < refused < 150


def test_a_disk_too_small_for_the_unpacked_files_keeps_the_download(
    web: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.content = {SUBSET: zipped({"lastfm_subset/A/TRA.json": LIST})}
    free = len(web.content[SUBSET])  # enough for the download; a list takes a block of the disk
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    with pytest.raises(ValueError, match=r"^lastfm_subset: needs 0 MB on the disk of .*; make room"):
        get(tmp_path / "raw", "lastfm_subset")
    kept = ("lastfm_subset.part", "lastfm_subset.part.json", "lock")
    assert names(tmp_path) == [f".raw.part/{name}" for name in kept]
    monkeypatch.undo()
    monkeypatch.setitem(table.HOSTS, "msd", f"{web.url}/m")
    get(tmp_path / "raw", "lastfm_subset")
    assert names(tmp_path) == ["raw/lastfm_subset/A/TRA.json"]


def test_an_archive_with_a_link_is_refused(web: Files, tmp_path: Path) -> None:
    web.content = {SUBSET: zipped({"lastfm_subset/A/TRA.json": LIST}, link="lastfm_subset/B")}
    with pytest.raises(ValueError, match="'lastfm_subset/B' leads out of the folder"):
        get(tmp_path / "raw", "lastfm_subset")


def test_a_damaged_archive_leaves_no_half_folder(web: Files, tmp_path: Path) -> None:
    content = bytearray(zipped({f"lastfm_subset/A/TR{n}.json": LIST for n in range(9)}))
    content[content.rindex(b"PK\x03\x04") + 60] ^= 0xFF  # within the last member's data
    web.content = {SUBSET: bytes(content)}
    with pytest.raises(ValueError, match="received a damaged zip file"):
        get(tmp_path / "raw", "lastfm_subset")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_unpacking_left_is_not_kept(web: Files, tmp_path: Path) -> None:
    left = tmp_path / ".raw.part/lastfm_subset.part.unpacked/lastfm_subset/A"
    left.mkdir(parents=True)
    (left / "TRHALF.json").write_bytes(b"{")
    web.content = {SUBSET: zipped({"lastfm_subset/A/TRA.json": LIST, "lastfm_subset/B/TRB.json": LIST})}
    get(tmp_path / "raw", "lastfm_subset")
    assert names(tmp_path) == ["raw/lastfm_subset/A/TRA.json", "raw/lastfm_subset/B/TRB.json"]


# --- where it goes ----------------------------------------------------------------------------------


def test_a_disk_that_is_too_small_is_told_before_the_first_byte(
    web: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.content = {TRACKS: UNIQUE}
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda folder: SimpleNamespace(free=len(UNIQUE) - 1))
    with pytest.raises(ValueError, match=r"unique_tracks\.txt: needs 0 MB on the disk of .*; make room"):
        get(tmp_path / "raw", "unique_tracks")
    assert list(tmp_path.iterdir()) == []


def test_real_songs_do_not_mix_with_the_demo(web: Files, tmp_path: Path) -> None:
    demo.write(tmp_path / "data")
    with pytest.raises(ValueError, match=r"holds the demo corpus.*make repro RAW=FOLDER.*dvc add data"):
        get(tmp_path / "data", "billboard")
    assert web.requests == []


def test_nor_with_the_generic_form(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("id,text\n")
    with pytest.raises(ValueError, match=r"holds texts\.csv, raw data of another form"):
        get(tmp_path, "billboard")


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("", ["lastfm_similars", "lastfm_test"]),
        ("msd/lastfm_similars.db", ["lastfm_test"]),
        ("lastfm_train/A/TRA.json", ["lastfm_similars"]),
    ],
)
def test_lists_in_two_forms_are_refused(web: Files, tmp_path: Path, there: str, wanted: list[str]) -> None:
    if there:
        (tmp_path / there).parent.mkdir(parents=True)
        (tmp_path / there).touch()
    with pytest.raises(ValueError, match="hold the same lists in two forms"):
        get(tmp_path, *wanted)


def test_two_fetches_into_one_folder_do_not_meet(web: Files, tmp_path: Path) -> None:
    (tmp_path / ".raw.part").mkdir()
    with (tmp_path / ".raw.part/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ValueError, match="another fetch works there"):
            get(tmp_path / "raw", "billboard")


@pytest.mark.parametrize("years", [(1949, 1950), (2015, 2016), (1990, 1980)])
def test_years_without_a_file_are_refused(years: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="choose within 1950-2015"):
        fetch.plan(["billboard"], years)


def test_every_source_has_one_place_and_the_usual_ones_are_a_raw_folder() -> None:
    assert len({source.path for source in table.SOURCES.values()}) == len(table.SOURCES)
    usual = [download.path for download in fetch.plan(table.USUAL, (1950, 2015))]
    assert usual[:66] == [f"billboard/{year}.json" for year in range(1950, 2016)]
    assert usual[66:] == ["msd/unique_tracks.txt", "msd/tracks_per_year.txt", "msd/lastfm_similars.db"]


# --- the command ------------------------------------------------------------------------------------


def run(*arguments: str, **others: Any) -> Any:
    return CliRunner().invoke(app, ["fetch", *arguments], **others)


def test_without_consent_nothing_is_downloaded(web: Files, tmp_path: Path) -> None:
    web.content = {BILLBOARD: SONGS}
    result = run(str(tmp_path / "raw"), "--only", "billboard", "--years", "1985")
    assert result.exit_code == 1
    assert "strictly non-commercial" in result.stderr
    assert result.stderr.splitlines()[-1] == (
        "error: nothing is downloaded before the terms above are accepted; give --accept-licence"
    )
    assert (web.requests, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_consent_may_be_typed(
    web: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    monkeypatch.setattr("typer.testing._NamedTextIOWrapper.isatty", lambda stream: True)
    web.content = {BILLBOARD: SONGS}
    result = run(str(tmp_path / "raw"), "--only", "billboard", "--years", "1985", input=typed)
    assert result.exit_code == code
    assert len(web.requests) == (code == 0)
    assert ("a question got no answer; type y or n" in result.stderr) == (typed == "")


def test_consent_as_an_option_and_json_alone_on_stdout(web: Files, tmp_path: Path) -> None:
    web.content = {BILLBOARD: SONGS, TRACKS: UNIQUE}
    folder = tmp_path / "raw"
    result = run(
        str(folder), "--only", "billboard,unique_tracks", "--years", "1985", "--accept-licence", "--json"
    )
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert [one["path"] for one in said["files"]] == ["billboard/1985.json", "msd/unique_tracks.txt"]
    assert said["next"] == f"make repro RAW={folder}"


@pytest.mark.parametrize(("years", "code"), [("1985-", 2), ("now", 2), ("1900", 1), ("1985-1984", 1)])
def test_years_that_are_none(web: Files, tmp_path: Path, years: str, code: int) -> None:
    result = run(str(tmp_path / "raw"), "--only", "billboard", "--years", years, "--accept-licence")
    assert (result.exit_code, web.requests) == (code, [])


def test_an_unknown_source_is_told_the_known_ones(tmp_path: Path) -> None:
    result = run(str(tmp_path / "raw"), "--only", "spotify", "--accept-licence")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: spotify: no such source; choose among billboard, unique_tracks")


def test_the_list_names_every_source_and_asks_nobody(web: Files) -> None:
    listed = json.loads(run("--list", "--json").stdout)
    assert [one["source"] for one in listed] == list(table.SOURCES)
    assert [one["source"] for one in listed if one["usual"]] == list(table.USUAL)
    assert listed[1]["url"] == f"{web.url}/m/AdditionalFiles/unique_tracks.txt"
    shown = run("--list").stdout
    assert all(name in shown for name in table.SOURCES)
    assert web.requests == []
