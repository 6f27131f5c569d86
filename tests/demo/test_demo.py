"""The demo corpus: its bytes, its songs, and all that is awkward in real data. Reads the raw files itself."""

import hashlib
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from neuralist import demo
from neuralist.demo.words import CHORUS, ERAS, HOOKS, SHARED, THEMES, TITLE_WORDS, VERSE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "data"
    demo.write(folder)
    return folder


@pytest.fixture(scope="module")
def records(corpus: Path) -> list[dict[str, Any]]:
    years = sorted((corpus / "billboard").glob("*.json"))
    return [record for year in years for record in json.loads(year.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def tracks(corpus: Path) -> list[list[str]]:
    lines = (corpus / "msd/unique_tracks.txt").read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    return [line.split("<SEP>") for line in lines]


@pytest.fixture(scope="module")
def lists(corpus: Path) -> dict[str, dict[str, Any]]:
    read = (json.loads(path.read_text(encoding="utf-8")) for path in (corpus / "lastfm").glob("?/?/?/*.json"))
    return {content["track_id"]: content for content in read}


def plain(name: str) -> str:
    """A name without case, brackets, guest, The, & and accents, as far as the demo has them."""
    name = re.sub(r"\s*(\(.*\)|\[.*\]|feat\. .*)$", "", name.lower()).removeprefix("the ").replace("&", "and")
    return name.translate(str.maketrans("áåçèéêëíñóöøü", "aaceeeeinooou"))


def key(artist: str, title: str) -> tuple[str, str]:
    return plain(artist), plain(title)


def songs(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records whose lyrics are their own: no notice, no text that stands under several titles."""
    titles: dict[str, set[str]] = defaultdict(set)
    for record in records:
        titles[record["lyrics"]].add(plain(record["title"]))
    return [record for record in records if len(titles[record["lyrics"]]) == 1]


def phrases(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(words, words[1:], words[2:], words[3:], strict=False))


def test_is_the_same_bytes_every_time(corpus: Path, tmp_path: Path) -> None:
    demo.write(tmp_path / "again")
    for path in corpus.rglob("*.*"):
        assert (tmp_path / "again" / path.relative_to(corpus)).read_bytes() == path.read_bytes()
    assert demo.digest(tmp_path / "again") == demo.digest(corpus)


def test_is_what_data_dvc_pins(corpus: Path) -> None:
    [pinned] = yaml.safe_load((ROOT / "data.dvc").read_text(encoding="utf-8"))["outs"]
    files = [path for path in corpus.rglob("*") if path.is_file()]
    assert demo.digest(corpus) == pinned["md5"]
    assert len(files) == pinned["nfiles"]
    assert sum(path.stat().st_size for path in files) == pinned["size"] < 3_000_000


def test_the_digest_follows_dvc_for_a_folder_known_by_hand(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "one.txt").write_bytes(b"1")
    (tmp_path / "a.txt").write_bytes(b"")
    listed = (
        '[{"md5": "d41d8cd98f00b204e9800998ecf8427e", "relpath": "a.txt"}, '
        '{"md5": "c4ca4238a0b923820dcc509a6f75849b", "relpath": "b/one.txt"}]'
    )
    assert demo.digest(tmp_path) == hashlib.md5(listed.encode()).hexdigest() + ".dir"


def test_is_not_written_over_anything(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="exists already"):
        demo.write(tmp_path)


def test_says_of_itself_that_it_is_synthetic(corpus: Path) -> None:
    assert "Synthetic" in yaml.safe_load((corpus / "corpus.yaml").read_text(encoding="utf-8"))["note"]


def test_holds_some_300_songs_of_40_to_400_words(records: list[dict[str, Any]]) -> None:
    kept = songs(records)
    assert 280 <= len({key(record["artist"], record["title"]) for record in kept}) <= 320
    assert all(40 <= len(record["lyrics"].split()) <= 400 for record in kept)
    assert all(record["num_words"] == len(record["lyrics"].split()) for record in kept)


def test_records_have_the_fields_of_the_official_files(records: list[dict[str, Any]], real: Path) -> None:
    official = json.loads((real / "billboard/1985.json").read_text(encoding="utf-8"))[0]
    for record in records:
        assert {name: type(value) for name, value in record.items()} == {
            name: type(value) for name, value in official.items()
        }


def test_no_line_is_one_of_an_existing_song(records: list[dict[str, Any]], real: Path) -> None:
    def lines(texts: list[str]) -> set[str]:
        return {
            " ".join(re.findall(r"[^\W_]+", line.lower())) for text in texts for line in text.split("\n")
        } - {""}

    paths = (real / "billboard").glob("*.json")
    existing = [record["lyrics"] for path in paths for record in json.loads(path.read_text(encoding="utf-8"))]
    own = [record["lyrics"] for record in songs(records)]
    assert len(lines(own)) > 2000
    assert not lines(own) & lines(existing)


def test_no_artist_is_an_existing_one(tracks: list[list[str]], real: Path) -> None:
    rows = (real / "msd/unique_tracks.txt").read_text(encoding="utf-8").splitlines()
    existing = {plain(row.split("<SEP>")[2]) for row in rows}
    assert not {plain(artist) for _, _, artist, _ in tracks} & existing


def test_no_word_stands_in_two_pools_or_in_a_template() -> None:
    pools = [*THEMES.values(), SHARED, TITLE_WORDS]
    words = Counter(word for pool in pools for part in pool for word in part)
    phrases_between = [*VERSE, *CHORUS, *HOOKS, *(opening for _, openings in ERAS for opening in openings)]
    fixed = set(re.findall(r"\w+", re.sub(r"\{\w\}", "", " ".join(phrases_between)).lower()))
    assert max(words.values()) == 1
    assert not fixed & set(words)


def test_unlike_songs_share_few_four_word_phrases(records: list[dict[str, Any]]) -> None:
    by_title = {plain(record["title"]): phrases(record["lyrics"]) for record in songs(records)}
    held = list(by_title.values())
    shares = [
        len(left & right) / min(len(left), len(right)) for i, left in enumerate(held) for right in held[:i]
    ]
    assert max(shares) < 0.2


def test_has_covers_by_another_artist_in_nearly_the_same_words(records: list[dict[str, Any]]) -> None:
    versions: dict[str, dict[str, set[tuple[str, ...]]]] = defaultdict(dict)
    for record in songs(records):
        versions[plain(record["title"])][plain(record["artist"])] = phrases(record["lyrics"])
    covers = [list(texts.values()) for texts in versions.values() if len(texts) == 2]
    assert len(covers) >= 6
    assert sum(left != right for left, right in covers) >= 5
    for left, right in covers:
        assert len(left & right) / min(len(left), len(right)) > 0.4


def test_has_songs_charted_twice_in_two_spellings(records: list[dict[str, Any]]) -> None:
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in songs(records):
        names[key(record["artist"], record["title"])].add(record["artist"])
    assert sum(len(spelled) > 1 for spelled in names.values()) >= 4


def test_has_wrong_lyrics(records: list[dict[str, Any]]) -> None:
    titles: dict[str, set[str]] = defaultdict(set)
    for record in records:
        titles[record["lyrics"]].add(record["title"])
    notices = [held for text, held in titles.items() if "not licensed to display" in text]
    others = [held for text, held in titles.items() if len(held) > 1 and "not licensed" not in text]
    assert [len(held) for held in notices] == [4]
    assert [len(held) for held in others] == [3]


def test_tracks_are_spelled_in_other_ways(records: list[dict[str, Any]], tracks: list[list[str]]) -> None:
    charted = {(record["artist"], record["title"]) for record in records}
    close = {key(*names) for names in charted}
    others = [
        (artist, title)
        for _, _, artist, title in tracks
        if key(artist, title) in close and (artist, title) not in charted
    ]
    artists = {artist for artist, _ in charted}
    spelled = " | ".join(f"{artist} / {title}" for artist, title in others)
    for part in (" feat. ", "(Album Version)", "[Live]", " & ", " and "):
        assert part in spelled
    assert any(artist.isupper() for artist, _ in others)
    assert any(f"The {artist}" in artists for artist, _ in others)
    assert any(
        not name.isascii() and plain(artist) == plain(name) and artist.isascii()
        for artist, _ in others
        for name in artists
    )


def test_has_songs_of_several_tracks_and_of_none(
    records: list[dict[str, Any]], tracks: list[list[str]]
) -> None:
    count = Counter(key(artist, title) for _, _, artist, title in tracks)
    held = {key(record["artist"], record["title"]): record["year"] for record in songs(records)}
    assert sum(count[names] > 1 for names in held) >= 20
    assert sum(count[names] == 0 and year < 2015 for names, year in held.items()) >= 5
    assert {count[names] for names, year in held.items() if year == 2015} == {0}
    assert sum(year == 2015 for year in held.values()) >= 10
    assert len({track for track, *_ in tracks}) == len(tracks)


def test_tracks_per_year_names_tracks_of_the_list(corpus: Path, tracks: list[list[str]]) -> None:
    lines = (corpus / "msd/tracks_per_year.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("<SEP>") for line in lines]
    known = {track: [artist, title] for track, _, artist, title in tracks}
    assert len(rows) > 100
    for year, track, *names in rows:
        assert 1960 <= int(year) <= 2015
        assert names == known[track]


def test_similars_have_the_official_form(corpus: Path, lists: dict[str, dict[str, Any]]) -> None:
    for track, content in lists.items():
        assert (corpus / "lastfm" / track[2] / track[3] / track[4] / f"{track}.json").is_file()
        scores = [score for _, score in content["similars"]]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        assert list(content) == ["artist", "timestamp", "similars", "tags", "track_id", "title"]
    lengths = [len(content["similars"]) for content in lists.values() if content["similars"]]
    assert 40 <= sum(lengths) / len(lengths) <= 60
    assert any(type(score) is int for content in lists.values() for _, score in content["similars"])


def test_has_tracks_without_a_list_and_targets_without_lyrics(
    records: list[dict[str, Any]], tracks: list[list[str]], lists: dict[str, dict[str, Any]]
) -> None:
    charted = {key(record["artist"], record["title"]) for record in records}
    with_lyrics = {track for track, _, artist, title in tracks if key(artist, title) in charted}
    targets = {target for content in lists.values() for target, _ in content["similars"]}
    assert len(with_lyrics - set(lists)) >= 20
    assert sum(not content["similars"] for content in lists.values()) >= 10
    assert len(targets - with_lyrics) >= 50


def test_has_pairs_whose_rows_disagree_and_some_similar_ones(lists: dict[str, dict[str, Any]]) -> None:
    scores: dict[frozenset[str], set[float]] = defaultdict(set)
    for track, content in lists.items():
        for target, score in content["similars"]:
            scores[frozenset((track, target))].add(score)
    disagree = sum(len(values) > 1 for values in scores.values())
    similar = sum(max(values) >= 0.5 for values in scores.values()) / len(scores)
    assert disagree >= 100
    assert 0.25 <= similar <= 0.45
