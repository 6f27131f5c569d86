"""`neuralist playlist` between songs and from likes, and the files it writes, read as a player reads them."""

import csv
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests import tenths
from tests.commands import answer, refusal, run

from neuralist.cli import playlist_files
from neuralist.data import parquet, tables


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Songs at 0.0 and 0.1 (The Example), 0.2 (Café Nord), 0.4 (Moss), 0.7 (Fern); see tests.tenths."""
    return str(tenths.write(tmp_path_factory.mktemp("model") / "served"))


def ids(result: dict[str, Any]) -> list[str]:
    return [song["song_id"] for song in result["songs"]]


# --- between two songs, and from likes --------------------------------------------------------------


def test_from_one_song_to_another_the_steps_are_short_and_even(model: str) -> None:
    # Over 0.4 (0.16 + 0.09), not over 0.2 (0.04 + 0.25) nor over 0.1, whose artist is the first song's.
    result = answer("playlist", "--from", "The Example - Lanterns", "--to", "s4", "-n", "3", "--model", model)
    assert ids(result) == ["s0", "s3", "s4"]
    steps = [None, math.exp(-0.4), math.exp(-0.3)]
    assert [song["similarity"] for song in result["songs"]] == pytest.approx(steps, abs=1e-6)
    assert (result["query"]["song_id"], result["to"]["song_id"]) == ("s0", "s4")


def test_liked_songs_rank_by_their_product_less_the_mean_of_the_others(model: str) -> None:
    result = answer("playlist", "--like", "s0", "--like", "s1", "--not", "s4", "-n", "2", "--model", model)
    assert ids(result) == ["s2", "s3"]
    near = math.exp(-0.15) - math.exp(-0.5)
    far = math.exp(-0.35) - math.exp(-0.3)
    assert [song["score"] for song in result["songs"]] == pytest.approx([near, far], abs=1e-6)
    assert [song["song_id"] for song in result["like"]] == ["s0", "s1"]
    assert [song["song_id"] for song in result["not"]] == ["s4"]
    assert result["query"] is None


def test_the_answer_begins_with_what_was_asked(model: str) -> None:
    asked = ["--like", "s0", "--like", "s2", "--not", "s1", "-n", "1", "--model", model]
    first, *_ = run("playlist", *asked).stdout.splitlines()
    assert first == (
        "Like The Example - Lanterns (2015) and Café Nord - Rain (1999), "
        "not The Example - More Lanterns (2014)"
    )
    first, *_ = run("playlist", "--from", "s0", "--to", "s2", "-n", "2", "--model", model).stdout.splitlines()
    assert first == "From The Example - Lanterns (2015) to Café Nord - Rain (1999)"


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--song", "s0", "--like", "s1"],
        ["--to", "s1"],
        ["--like", "s0", "--to", "s1"],
        ["--song", "s0", "--not", "s1"],
        ["--from", "s0", "--to", "s1", "-n", "1"],
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(options: list[str]) -> None:
    assert run("playlist", *options).exit_code == 2


def test_an_end_or_a_like_that_is_no_song_is_named(model: str) -> None:
    for *before, option in (["--song"], ["--from", "s0", "--to"], ["--like"], ["--like", "s0", "--not"]):
        said = refusal("playlist", *before, option, "s9", "--model", model)
        assert said.startswith(f"{option}: no song 's9' among the 5")
    said = refusal("playlist", "--from", "s9", "--to", "s0", "--model", model)
    assert said.startswith("--from: no song 's9' among the 5")


@pytest.mark.parametrize(("blank", "shown"), [("", ""), ("  ", " "), ("\t", " ")])
def test_a_blank_in_place_of_a_song_is_refused(model: str, blank: str, shown: str) -> None:
    said = f"no song '{shown}' among the 5 of the catalogue; give 'artist - title'"
    for options in (["--song"], ["--from", "s0", "--to"], ["--like"], ["--like", "s0", "--not"]):
        assert refusal("playlist", *options, blank, "--model", model) == f"{options[-1]}: {said}"
    assert refusal("recommend", "--song", blank, "--model", model) == f"--song: {said}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--from", "s0", "--to", "The Example - Lanterns"],
            "--to: received the song at which the path begins, or a version of it; name another one",
        ),
        (
            ["--from", "s0", "--to", "s4", "-n", "6"],
            "-n: 3 songs lie between, and make no path of 6 in which no two in a row are by one artist",
        ),
        (
            ["--like", "s0", "--not", "s0"],
            "--not: received The Example - Lanterns, or a version of it, which is liked too; name it once",
        ),
        (["--like", "s0", "-n", "5"], "-n: no song is left after 4 of 5 songs; ask for fewer"),
        (["--song", "s0", "-n", "6"], "-n: no song is left after 5 of 6 songs; ask for 5 or begin elsewhere"),
        (["--song", "s0", "--language", "jp"], "--language: received 'jp', which is no code of a language"),
    ],
)
def test_a_refusal_names_the_option_that_a_person_typed(model: str, options: list[str], said: str) -> None:
    assert refusal("playlist", *options, "--model", model).startswith(said)


def test_a_song_that_is_named_twice_counts_once(model: str) -> None:
    once = answer("playlist", "--like", "s0", "--like", "s3", "--not", "s4", "-n", "1", "--model", model)
    likes = ["--like", "s0", "--like", "The Example - Lanterns", "--like", "s3"]
    nots = ["--not", "s4", "--not", "s4"]
    assert answer("playlist", *likes, *nots, "-n", "1", "--model", model) == once


# --- files ------------------------------------------------------------------------------------------


def lines(path: Path) -> list[str]:
    """The lines of a playlist as a player cuts them: at line feeds alone."""
    content = path.read_bytes()
    assert content.endswith(b"\n")
    return content.decode("utf-8").removesuffix("\n").split("\n")


def test_without_files_an_m3u_names_artists_and_titles_and_says_so(model: str, tmp_path: Path) -> None:
    out = tmp_path / "list.m3u"
    asked = ["playlist", "--song", "s2", "-n", "2", "--model", model, "--out", str(out)]
    assert ids(answer(*asked)) == ["s2", "s1"]
    assert lines(out) == [
        "#EXTM3U",
        "#PLAYLIST:From Café Nord - Rain (1999)",
        "# No song has a file here: #EXTINF names artist and title alone. neuralist playlist --files FOLDER "
        "names the audio files in FOLDER.",
        "#EXTINF:-1,Café Nord - Rain",
        "#EXTINF:-1,The Example - More Lanterns",
    ]
    assert run(*asked).stderr == f"{out}: 2 songs, 0 of them with a file; --files names the folder of yours\n"


def test_with_the_folder_of_the_files_an_m3u_has_their_paths(model: str, tmp_path: Path) -> None:
    music, out = tmp_path / "music", tmp_path / "lists" / "list.m3u8"
    for name in (
        "The Example/Album/02 Lanterns.mp3",
        "#1 cafe nord - RAIN.mp3",
        "03 - Café Nord - Rain.flac",
        "Café Nord - Rain.txt",
    ):
        (music / name).parent.mkdir(parents=True, exist_ok=True)
        (music / name).touch()
    asked = ["--song", "s0", "-n", "3", "--model", model, "--out", str(out), "--files", str(music)]
    result = answer("playlist", *asked)
    assert [song["file"] for song in result["songs"]] == [
        str(music / "The Example/Album/02 Lanterns.mp3"),
        str(music / "03 - Café Nord - Rain.flac"),
        None,
    ]
    assert lines(out) == [
        "#EXTM3U",
        "#PLAYLIST:From The Example - Lanterns (2015)",
        "# 1 of 3 songs have no file here: #EXTINF names artist and title alone.",
        "#EXTINF:-1,The Example - Lanterns",
        "../music/The Example/Album/02 Lanterns.mp3",
        "#EXTINF:-1,Café Nord - Rain",
        "../music/03 - Café Nord - Rain.flac",
        "#EXTINF:-1,The Example - More Lanterns",
    ]
    for _, path in zip(range(2), [line for line in lines(out) if not line.startswith("#")], strict=True):
        assert (out.parent / path).is_file()


def test_an_lrc_file_beside_it_names_an_audio_file(tmp_path: Path) -> None:
    (tmp_path / "track7.ogg").touch()
    (tmp_path / "track7.lrc").write_text("[ar:Zoë]\n[ti:Rain, #2]\nla la", encoding="utf-8")
    files = playlist_files.AudioFiles(tmp_path)
    assert files.find("zoe", "Rain #2") == tmp_path / "track7.ogg"
    assert files.find("zoe", "Rain") is None
    assert files.find(None, "Rain #2") is None


HOSTILE = [
    {"artist": "A\nB", "title": "#EXTINF:-1,one\r\nhttp://evil/x.mp3", "song_id": "s0"},
    {"artist": "C, D", "title": "ev\u202eil\x00\x1b[31m\u2028#x", "song_id": "s1"},
    {"artist": None, "title": "\ud83d lone", "song_id": "s2"},
    {"artist": "#", "title": None, "song_id": "s3\n"},
]


def test_no_title_breaks_a_line_of_an_m3u_or_turns_it_around(tmp_path: Path) -> None:
    text = playlist_files.m3u(HOSTILE, tmp_path, "From a\nb\u202e")
    assert text.split("\n") == [
        "#EXTM3U",
        "#PLAYLIST:From a b�",
        text.split("\n")[2],
        "#EXTINF:-1,A B - #EXTINF:-1,one http://evil/x.mp3",
        "#EXTINF:-1,C, D - ev�il��[31m�#x",
        "#EXTINF:-1,� lone",
        "#EXTINF:-1,# - s3",
        "",
    ]
    assert text.split("\n")[2].startswith("# No song has a file here")
    assert len(text.splitlines()) == 7  # cut at every kind of line end there is
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("#a.mp3", "./#a.mp3"),
        ("http:a.mp3", "./http:a.mp3"),
        ("a, b\u202e.mp3", "./a, b\u202e.mp3"),
        ("a\nb.mp3", None),
        ("a\rb.mp3", None),
        ("a.mp3 ", None),
        (b"a\xff.mp3".decode("utf-8", "surrogateescape"), None),
    ],
)
def test_a_path_that_no_line_can_hold_is_left_out(tmp_path: Path, name: str, line: str | None) -> None:
    songs = [{"artist": "A", "title": "B", "song_id": "s", "file": str(tmp_path / name)}]
    entries = playlist_files.m3u(songs, tmp_path, "x").split("\n")[-3 if line else -2 :]
    assert entries == ["#EXTINF:-1,A - B", *([line] if line else []), ""]


def test_json_and_csv_hold_what_the_command_prints(model: str, tmp_path: Path) -> None:
    asked = ["playlist", "--song", "s2", "-n", "3", "--model", model]
    result = answer(*asked, "--out", str(tmp_path / "list.json"))
    assert json.loads((tmp_path / "list.json").read_text(encoding="utf-8")) == result
    answer(*asked, "--out", str(tmp_path / "list.csv"))
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["song_id"] for row in rows] == ids(result)
    assert list(rows[0]) == ["rank", "similarity", "artist", "title", "year", "song_id"]
    assert (rows[0]["similarity"], rows[0]["year"]) == ("", "1999")


def test_a_title_that_is_a_formula_is_text_in_the_csv(model: str, tmp_path: Path) -> None:
    folder = shutil.copytree(model, tmp_path / "served")
    songs = parquet.read(folder / "catalogue.parquet", tables.CATALOGUE)
    songs.loc[2, "title"] = '=HYPERLINK("http://x")\n, "y"'
    parquet.write(songs, tables.CATALOGUE, folder / "catalogue.parquet")
    out = tmp_path / "list.csv"
    answer("playlist", "--song", "s2", "-n", "1", "--model", str(folder), "--out", str(out))
    with out.open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert row["title"] == '\'=HYPERLINK("http://x")\n, "y"'


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "list.txt"], "list.txt: ends in .txt; name a file that ends in .m3u, .m3u8, .json, .csv"),
        (["--out", "list"], "list: has no ending; name a file that ends in .m3u, .m3u8, .json, .csv"),
        (["--out", "."], ".: is a folder; name a file that ends in .m3u, .m3u8, .json, .csv"),
        (["--files", "none"], "--files: none is no folder; name the one with your audio files"),
        (["--files", "."], "--files: no audio file is in .; name the folder of your audio files"),
    ],
)
def test_a_wrong_file_is_refused_before_the_model_is_read(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal("playlist", "--song", "s0", *options, "--model", "nowhere") == said
