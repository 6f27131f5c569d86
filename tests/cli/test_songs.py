"""`neuralist`: what its commands say, on a model whose scores are known by hand (tests.tenths)."""

import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path

import pyarrow as pa
import pytest
from tests import made_records, served, tenths
from tests.commands import answer, refusal, run

from neuralist.config import records
from neuralist.data import parquet, tables

COMMANDS = (
    "compare",
    "recommend",
    "playlist",
    "map",
    "predict",
    "embed",
    "evaluate",
    "demo",
    "fetch",
    "doctor",
)
SLOW = ("pandas", "numpy", "pyarrow", "onnxruntime", "mlflow", "tensorflow", "keras", "requests", "yaml")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tenths.write(tmp_path_factory.mktemp("model") / "served"))


# --- the whole --------------------------------------------------------------------------------------


def test_help_comes_at_once() -> None:
    """The best of three in processor time, since a test machine may be busy."""
    code = """
import sys, time
from neuralist.cli import app
try:
    app(["--help"])
except SystemExit:
    print(time.process_time(), *sys.modules)
"""
    seconds = []
    for _ in range(3):
        command = [sys.executable, "-c", code]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        *shown, last = said.splitlines()
        taken, *modules = last.split()
        seconds.append(float(taken))
        assert not set(SLOW) & set(modules)
        assert all(name in "\n".join(shown) for name in COMMANDS)
    assert min(seconds) < 0.5


def test_importing_the_commands_imports_nothing_that_they_need() -> None:
    code = "import neuralist.cli, sys; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {*SLOW, "rich.table", "rich.console"} & set(said.split())


def test_help_fills_the_width_of_the_terminal() -> None:
    """As broken for 110 columns it would be ragged in 80."""
    for command in (["playlist"], ["recommend"], ["catalogue", "add"]):
        said, _, _ = run(*command, "--help", env={"COLUMNS": "80"}).stdout.partition("╭")
        lines = "\n".join(line.rstrip() for line in said.splitlines()).strip().split("\n\n")[-1].splitlines()
        assert len(lines) > 2
        assert all(len(f"{line} {after.split()[0]}") > 79 for line, after in itertools.pairwise(lines))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_json_and_help(command: str) -> None:
    result = run(command, "--help", env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "--json" in result.stdout


@pytest.mark.parametrize("arguments", [["compose"], ["compare", "a"], ["playlist"], ["recommend", "-k", "0"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


# --- which model ------------------------------------------------------------------------------------


def checkout(folder: Path) -> Path:
    """A folder that looks like a checkout."""
    (folder / "pipelines").mkdir(parents=True)
    (folder / "dvc.yaml").write_text("stages:\n  package:\n    cmd: nothing\n")
    return folder


def test_the_model_is_that_of_the_checkout_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = checkout(tmp_path / "home")
    tenths.write(home / "artifacts/served")
    (home / "src/deep").mkdir(parents=True)
    for folder in (home, home / "src/deep"):
        monkeypatch.chdir(folder)
        assert answer("compare", "one", "one")["model"] == "tiny"
    # A workspace within the checkout has a model of its own, or none.
    monkeypatch.chdir(checkout(home / "work/songs"))
    assert "work/songs/artifacts/served: no trained model there; run `dvc repro`" in refusal(
        "compare", "a", "b"
    )


def test_without_checkout_or_model_the_fix_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = refusal("compare", "a", "b")
    assert said.startswith(f"{tmp_path} lies in no checkout of Neuralist")
    assert said.endswith("or name a model: a folder, or models:/...")


# --- compare ----------------------------------------------------------------------------------------

A = "first comes one\nthen comes four\nlast comes seven\nno words\ntwo"
B = "other things seven\nother things two\nfirst comes one\nlast THINGS one"


def test_compare_by_hand(model: str) -> None:
    result = answer("compare", "a song of one", "a tale of three", "--model", model)
    assert result["similarity"] == pytest.approx(math.exp(-0.2), abs=1e-6)
    assert (result["similar"], result["decile"], result["tokens_used"]) == (True, 8, [4, 4])
    # Quantiles spread evenly: of all pairs 81.9 % lie below 0.8187.
    assert result["percentile"] == 81.9
    assert result["no_lead_over"] == ["tfidf"]


def test_compare_names_the_lines_most_alike_each_once(model: str) -> None:
    """Embeddings: A .1 .4 .7 (the last two lines are too short), B .7 .2 .1 .1; A ends in two, B in one."""
    result = answer("compare", A, B, "--model", model)
    assert result["similarity"] == pytest.approx(math.exp(-0.1), abs=1e-6)
    assert [(line["a"], line["b"]) for line in result["lines"]] == [
        ("first comes one", "first comes one"),
        ("last comes seven", "other things seven"),
        ("then comes four", "other things two"),
    ]
    assert [line["similarity"] for line in result["lines"]] == pytest.approx([1, 1, math.exp(-0.2)], abs=1e-6)


def test_compare_shows_what_it_found(model: str) -> None:
    result = run("compare", A, B, "--model", model)
    assert result.exit_code == 0
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[:4] == [
        "similarity  0.905, similar (from 0.800 on it is)",
        "decile      9 (0.9 to 1.0)",
        "percentile  90.5 % of all pairs of the catalogue are less alike",
        "read        12 and 12 words, 33% and 33% of them known",
    ]
    assert any(line.split() == ["0.819", "then", "comes", "four", "other", "things", "two"] for line in lines)
    assert lines[-1] == "Model tiny. On val it shows no lead over: tfidf. Made by hand."


def test_compare_reads_files_and_stdin(model: str, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_bytes(b"\xef\xbb\xbfone")
    result = answer("compare", str(tmp_path / "one.txt"), "-", "--model", model, input="two\n")
    assert result["similarity"] == pytest.approx(math.exp(-0.1), abs=1e-6)


def test_lyrics_may_be_longer_than_a_file_name(model: str) -> None:
    assert answer("compare", "one " * 5000 + "\0", "one", "--model", model)["tokens_used"] == [50, 1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("missing.txt", "A, missing.txt: no such file; give a file, or --text and the lyrics"),
        ("no/such", "A, no/such: no such file; give a file, or --text and the lyrics"),
        (
            "one two - three four.lrc",
            "A, one two - three four.lrc: no such file; give a file, or --text and the lyrics",
        ),
        ("My Songs/one two", "A, My Songs/one two: no such file; give a file, or --text and the lyrics"),
        ("./", "A, ./: a folder; give a file, or --text and the lyrics"),
        ("", "A: received an empty text; give the words of a song"),
        ("?! …", "A: received a text without any word; give the words of a song"),
        ("la " * 33_334, "A: received 100,002 characters; a text may have 100,000"),
    ],
)
def test_what_is_no_lyrics_is_refused(model: str, given: str, said: str) -> None:
    assert refusal("compare", given, "one", "--model", model) == said


def test_with_text_what_looks_like_a_file_is_lyrics(model: str) -> None:
    assert answer("compare", "--text", "one and/or two", "one two.txt", "--model", model)["tokens_used"] == [
        4,
        3,
    ]
    # Several lines are no file's name.
    assert answer("compare", "one and/or\ntwo", "one", "--model", model)["tokens_used"] == [4, 1]


def test_recommend_takes_lyrics_as_compare_does(model: str) -> None:
    by_text = answer("recommend", "--lyrics", "three", "-k", "1", "--model", model)
    piped = answer("recommend", "--lyrics", "-", "-k", "1", "--model", model, input="three")
    assert by_text["songs"] == piped["songs"]
    assert "no/such: no such file" in refusal("recommend", "--lyrics", "no/such", "--model", model)
    assert answer("recommend", "--text", "--lyrics", "three.txt", "-k", "1", "--model", model)["songs"]


def test_a_file_that_is_not_utf8_or_too_long_is_refused(model: str, tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_bytes(b"caf\xe9 one")
    assert refusal("compare", "one", str(path), "--model", model) == (
        f"B, {path}: byte 4 is not UTF-8; save the file as UTF-8"
    )
    path.write_bytes(b"a " * 200_001)
    assert "more than 400,000 bytes; give the lyrics of one song" in refusal(
        "compare", "one", str(path), "--model", model
    )


def test_a_damaged_model_is_told_in_one_line(model: str, tmp_path: Path) -> None:
    folder = shutil.copytree(model, tmp_path / "served")
    (folder / "encoder.onnx").write_bytes(b"no graph")
    said = refusal("compare", "one", "two", "--model", str(folder))
    assert said.startswith(f"{folder / 'encoder.onnx'}: no graph that ONNX Runtime can run")


# --- recommend, playlist ----------------------------------------------------------------------------


def test_recommend_near_a_song_leaves_it_out(model: str) -> None:
    result = answer("recommend", "--song", "the example - lanterns", "-k", "3", "--model", model)
    assert result["query"]["song_id"] == "s0"
    assert [(song["rank"], song["song_id"], song["year"]) for song in result["songs"]] == [
        (1, "s1", 2014),
        (2, "s2", 1999),
        (3, "s3", None),
    ]
    expected = [math.exp(-0.1), math.exp(-0.2), math.exp(-0.4)]
    assert [song["similarity"] for song in result["songs"]] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-k", "2"], ["s1", "s2"]),
        (["--exclude-artist", "example"], ["s2", "s3", "s4"]),
        (["--min-year", "1990"], ["s1", "s2"]),
        (["--max-year", "1999"], ["s2", "s4"]),
        (["--min-year", "1990", "--max-year", "2014", "-k", "1"], ["s1"]),
    ],
)
def test_recommend_heeds_its_options(model: str, options: list[str], expected: list[str]) -> None:
    result = answer("recommend", "--song", "The Example - Lanterns", *options, "--model", model)
    assert [song["song_id"] for song in result["songs"]] == expected


@pytest.fixture
def covered(model: str, tmp_path: Path) -> str:
    """The model whose s2 is a cover of s0."""
    folder = shutil.copytree(model, tmp_path / "covered")
    songs = parquet.read(folder / "catalogue.parquet", tables.CATALOGUE)
    songs.loc[2, "group_id"] = "s0"
    parquet.write(songs, tables.CATALOGUE, folder / "catalogue.parquet")
    return str(folder)


def test_no_cover_of_a_song_is_near_it_unless_versions_are_wanted(covered: str) -> None:
    start = "--song", "The Example - Lanterns"
    for options, expected in (([], ["s1", "s3", "s4"]), (["--versions"], ["s1", "s2", "s3", "s4"])):
        result = answer("recommend", *start, *options, "--model", covered)
        assert [song["song_id"] for song in result["songs"]] == expected
        assert [song["rank"] for song in result["songs"]] == [*range(1, len(expected) + 1)]
    assert [
        song["song_id"] for song in answer("playlist", *start, "-n", "2", "--model", covered)["songs"]
    ] == [
        "s0",
        "s3",
    ]
    played = answer("playlist", *start, "-n", "2", "--versions", "--model", covered)["songs"]
    assert [song["song_id"] for song in played] == ["s0", "s2"]


def test_recommend_near_lyrics(model: str, tmp_path: Path) -> None:
    (tmp_path / "song.txt").write_text("all of it ends in four")
    result = answer("recommend", "--lyrics", str(tmp_path / "song.txt"), "-k", "1", "--model", model)
    assert result["query"] is None
    assert [(song["song_id"], song["similarity"]) for song in result["songs"]] == [("s3", 1.0)]
    piped = answer("recommend", "--lyrics", "-", "-k", "1", "--model", model, input="six")
    # Between .4 and .7, .7 is nearer to .6.
    assert piped["songs"][0]["song_id"] == "s4"


def test_a_misspelled_song_is_found_and_an_unknown_one_gets_suggestions(model: str) -> None:
    found = answer("playlist", "--song", "cafe nord - rian", "-n", "1", "--model", model)
    assert found["query"]["title"] == "Rain"
    said = refusal("recommend", "--song", "example", "--model", model)
    assert said.startswith(
        "--song: no song 'example' among the 5 of the catalogue; did you mean 'The Example - "
    )


def test_nothing_left_is_told(model: str) -> None:
    said = refusal("recommend", "--song", "The Example - Lanterns", "--min-year", "2016", "--model", model)
    assert said == "none of 5 songs is left by these options; ask for more"


@pytest.mark.parametrize("options", [[], ["--song", "a", "--lyrics", "b"]])
def test_recommend_wants_a_song_or_lyrics(options: list[str]) -> None:
    assert run("recommend", *options).exit_code == 2


def test_playlist_by_hand(model: str) -> None:
    """From .0: the next is by the same artist, so .2; then .1 (The Example again), then .4, then .7."""
    result = answer("playlist", "--song", "The Example - Lanterns", "-n", "5", "--model", model)
    assert [song["song_id"] for song in result["songs"]] == ["s0", "s2", "s1", "s3", "s4"]
    steps = [None, *(math.exp(-step) for step in (0.2, 0.1, 0.3, 0.3))]
    assert [song["similarity"] for song in result["songs"]] == pytest.approx(steps, abs=1e-6)
    assert "5 of 6 songs" in refusal(
        "playlist", "--song", "The Example - Lanterns", "-n", "6", "--model", model
    )


# --- what is shown ----------------------------------------------------------------------------------


def recommended(model: str, width: int) -> str:
    """What recommend prints, without white space and rules."""
    env = {"COLUMNS": str(width)}
    result = run("recommend", "--song", "The Example - Lanterns", "--model", model, env=env)
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines()[1:])) <= width
    return "".join(result.stdout.split()).replace("─", "")


def test_any_name_is_shown_as_the_text_it_is(model: str) -> None:
    said = recommended(model, 100)
    for name in ("[bold]Loud[/]&<b>Proud</b>", "🎵Fern", "�[31mRed�[0m:smile:"):
        assert name in said
    assert "\x1b" not in said


@pytest.mark.parametrize("width", [24, 40, 80])
def test_a_narrow_terminal_folds_and_loses_no_sign(model: str, width: int) -> None:
    assert sorted(recommended(model, width)) == sorted(recommended(model, 200))


def test_json_holds_names_as_they_are(model: str) -> None:
    songs = answer("recommend", "--song", "The Example - Lanterns", "--model", model)["songs"]
    assert [(song["artist"], song["title"]) for song in songs] == [song[:2] for song in tenths.SONGS[1:]]


def test_an_error_stays_one_harmless_line(model: str) -> None:
    said = refusal("recommend", "--song", "\x1b[2Jno\nsuch [red]song", "--model", model)
    assert said.startswith("--song: no song '�[2Jno such [red]song' among")


# --- map, demo --------------------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = checkout(tmp_path / "home")
    (home / "artifacts").mkdir()
    monkeypatch.chdir(home)
    path = home / "artifacts/songmap.html"
    path.write_text("<html>")
    return path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that the browser was asked to open."""
    pages: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: bool(pages.append(url)) or True)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return pages


def test_map_opens_the_page_where_there_is_a_display(page: Path, opened: list[str]) -> None:
    assert run("map").stdout == f"{page}\n"
    assert opened == []
    assert run("map", env={"DISPLAY": ":0"}).stdout == f"{page}\n"
    assert opened == [page.as_uri()]
    assert run("map", "--print", env={"DISPLAY": ":0"}).stdout == f"{page}\n"
    assert answer("map", env={"DISPLAY": ":0"}) == {"path": str(page), "opened": False}
    assert opened == [page.as_uri()]


def test_a_map_that_is_not_drawn_yet(page: Path) -> None:
    page.unlink()
    assert refusal("map") == f"{page}: not there yet; run `dvc repro` to draw the map"


def test_demo_writes_the_corpus_that_data_dvc_pins(tmp_path: Path) -> None:
    from neuralist import demo

    folder = tmp_path / "new/demo"
    result = answer("demo", str(folder))
    pin = (Path(__file__).parents[2] / "data.dvc").read_text()
    assert f"md5: {demo.digest(folder)}\n" in pin
    assert f"nfiles: {result['files']}\n" in pin
    assert result["next"] == f"make repro RAW={folder}"
    assert refusal("demo", str(folder)) == f"{folder}: exists already; name a new folder"
    assert os.listdir(tmp_path / "new") == ["demo"]  # noqa: PTH208 - no hidden rest either


# --- recommend with what is known -------------------------------------------------------------------


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model of tests.served, whose blend is known by hand."""
    return str(served.write(tmp_path_factory.mktemp("known") / "served"))


def test_recommend_says_what_it_used(known: str) -> None:
    asked = "recommend", "--text", "--lyrics", "fern", "--model", known
    assert answer(*asked)["used"] == ["lyrics"]
    by_year = answer(*asked, "--year", "1996")
    assert by_year["used"] == ["lyrics", "year"]
    by_song = {song["song_id"]: song for song in by_year["songs"]}
    assert by_song["s1"]["similarity"] == served.STONE_FERN
    # log-odds of exp(-1/4), an eighth less for each of 4 years
    odds = math.exp(-0.25) / (1 - math.exp(-0.25)) * math.exp(-4 / 8)
    assert by_song["s1"]["score"] == pytest.approx(odds / (1 + odds), abs=1e-5)
    both = run(*asked, "--year", "1996", "--tags", "Rock, quiet")
    assert "By lyrics, year and tags." in both.stdout.splitlines()
    assert both.stdout.split()[:2] == ["score", "similarity"]
    assert "By lyrics." in run(*asked).stdout.splitlines()


def test_a_song_of_the_catalogue_brings_its_own_facts(known: str, tmp_path: Path) -> None:
    folder = shutil.copytree(known, tmp_path / "served")
    songs = served.SONGS.astype({"artist": object})
    songs.loc[4, "artist"] = None
    parquet.write(songs, tables.CATALOGUE, folder / "catalogue.parquet")
    asked = "recommend", "--song", "s4", "--model", str(folder)
    result = answer(*asked)
    assert result["used"] == ["lyrics", "year", "tags"]
    assert "s4" not in [song["song_id"] for song in result["songs"]]
    alone = answer(*asked, "--lyrics-only")
    assert alone["used"] == ["lyrics"]
    assert [song["song_id"] for song in alone["songs"]] == ["s0", "s3", "s1", "s2"]


def test_where_a_songs_facts_bring_nothing_the_answer_says_why(known: str) -> None:
    result = run("recommend", "--song", "s4", "--model", known)
    assert result.stderr == ""
    said = " ".join(result.stdout.split())
    assert (
        "By lyrics: validation songs are too few to learn from artist, year and tags; lyrics rank alone."
        in said
    )


def test_an_unknown_tag_is_warned_of(known: str) -> None:
    asked = "recommend", "--text", "--lyrics", "moss", "--model", known, "--json"
    result = run(*asked, "--tags", "polka, \x1b[2Jrock")
    assert "warning: tags that no song of the catalogue has are left out: polka, �[2jrock" in result.stderr
    assert json.loads(result.stdout)["used"] == ["lyrics"]


def test_contrast_says_what_it_kept_apart(known: str) -> None:
    asked = "recommend", "--text", "--lyrics", "moss", "--model", known, "--contrast"
    result = answer(*asked, "--tags", "folk", "--year", "1990")
    assert result["contrast"] == {"genres": ["folk"], "year": 1990}
    assert [song["song_id"] for song in result["songs"]] == ["s3", "s4", "s2"]
    said = " ".join(run(*asked, "--tags", "folk", "--year", "1990").stdout.split())
    assert "By lyrics, among songs of another genre than folk or 20 years or more from 1990." in said
    of_song = answer("recommend", "--song", "s0", "--contrast", "--model", known)
    assert of_song["contrast"] == {"genres": ["folk"], "year": 1990}
    assert refusal(*asked).startswith("--contrast: neither year nor genre of the query is known")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--min-year", "2000", "--max-year", "1999"],
            "--min-year: received 2000, after the latest year, 1999",
        ),
        (["--language", "jp"], "--language: received 'jp', which is no code of a language"),
        (["--language", "same"], "--language: received 'same', but that of the query is unknown"),
        (["--year", "3000"], "--year: received 3000; give one from "),
        (["--artist", "a" * 1001], "--artist: received 1,001 characters; give at most 1,000"),
        (["--tags", "a," * 101], "--tags: received over 100"),
    ],
)
def test_a_refusal_names_the_option_that_a_person_typed(known: str, options: list[str], said: str) -> None:
    assert refusal("recommend", "--text", "--lyrics", "moss", *options, "--model", known).startswith(said)


ENGLISH = "so the moss is growing on the old stone wall and nobody here will ever take it away from me again"


def test_recommend_chooses_songs_by_language(known: str) -> None:
    asked = "recommend", "--model", known, "--text", "--lyrics", ENGLISH
    for language, expected in (("same", ["s0", "s1"]), ("other", ["s4", "s2"]), ("sv", ["s2"])):
        result = answer(*asked, "--language", language)
        assert [song["song_id"] for song in result["songs"]] == expected
    assert result["songs"][0]["language"] == "sv"
    assert "language" not in answer(*asked)["songs"][0]
    assert answer(*asked, "--language", "other")["language"] == {"asked": "other", "query": "en"}
    said = run(*asked, "--language", "other").stdout
    assert "By lyrics, in another language than en." in said.splitlines()
    assert said.split()[:5] == ["similarity", "artist", "title", "year", "language"]
    assert "By lyrics, in sv." in run(*asked, "--language", "SV").stdout.splitlines()
    assert "(the catalogue has en (2), de (1) and sv (1)); ask" in run(*asked, "--language", "fr").stderr


def test_a_song_of_the_catalogue_brings_its_own_language(known: str) -> None:
    asked = "--model", known, "--song"
    near = answer("recommend", *asked, "s0", "--language", "other", "--lyrics-only")["songs"]
    assert [song["song_id"] for song in near] == ["s4", "s2"]
    played = answer("playlist", *asked, "s4", "-n", "3", "--language", "other")["songs"]
    assert [(song["song_id"], song["language"]) for song in played] == [
        ("s4", "de"),
        ("s0", "en"),
        ("s2", "sv"),
    ]
    for command in ("recommend", "playlist"):
        said = refusal(command, *asked, "s3", "--language", "same")
        assert said.startswith(
            "--language: received 'same', but that of the query is unknown (under 20 words"
        )


@pytest.mark.parametrize("fact", [["--artist", "Anna"], ["--year", "1990"], ["--tags", "folk"]])
def test_a_song_of_the_catalogue_takes_no_other_facts(known: str, fact: list[str]) -> None:
    assert run("recommend", "--song", "s0", *fact, "--model", known).exit_code == 2


def test_a_model_of_an_earlier_format_refuses_facts_and_ranks_its_songs_by_lyrics(
    known: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(known, tmp_path / "served")
    records.save(made_records.served(format=6), folder / "served.json")
    older = pa.schema(
        [field for field in tables.CATALOGUE if field.name not in {"tags", "tag_weights", "language"}]
    )
    parquet.write(served.SONGS[older.names], older, folder / "catalogue.parquet")
    said = refusal("recommend", "--text", "--lyrics", "moss", "--year", "1990", "--model", str(folder))
    assert said.startswith("--year: an earlier version packed this model")
    assert answer("recommend", "--song", "s0", "--model", str(folder))["used"] == ["lyrics"]
