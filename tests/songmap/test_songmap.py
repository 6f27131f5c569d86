"""The song map: which songs it shows, where, which are nearest, and what its page may not do."""

import hashlib
import json
import math
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from tests import made_records
from tests.commands import answer

from neuralist.config import params, records
from neuralist.data import parquet, tables
from neuralist.model import onnx_export
from neuralist.model.similarity import Similarity
from neuralist.songmap import html_page, layout, picture, song_words
from neuralist.songmap.layout import Song, SongMap
from neuralist.text.vocabulary import Vocabulary

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = '</script><script>document.title="owned"</script><b>"quoted" & \'so\'</b> 💔 $x^2$'


def made(n_songs: int = 8, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    songs = pd.DataFrame(
        {
            "song_id": [f"s{number}" for number in range(n_songs)],
            "track_ids": [[]] * n_songs,
            "artist": [f"Artist {number % 3}" for number in range(n_songs)],
            "title": [f"Title {number}" for number in range(n_songs)],
            "year": pd.array([2015, 2014] * (n_songs // 2) + [None] * (n_songs % 2), dtype="Int64"),
            "tags": [[]] * n_songs,
            "lastfm_tags": [[]] * n_songs,
            "lastfm_weights": [[]] * n_songs,
            "genre": ["rock", "pop", "pop", "other"] * (n_songs // 4) + ["rock"] * (n_songs % 4),
            "language": "en",
            "lyrics": "paper lanterns over water",
            "raw_lyrics": "paper lanterns over water",
            "n_words": 4,
            "has_list": True,
            "group_id": [f"s{number}" for number in range(n_songs)],
            "fold": 0,
        }
    )
    return songs, np.random.default_rng(seed).normal(size=(n_songs, 5)).astype(np.float32) / 5


def drawn(n_songs: int = 8) -> SongMap:
    return layout.songmap(*made(n_songs), Similarity("manhattan"), 3)


def page(songs: pd.DataFrame, embeddings: np.ndarray, caption: str = "8 songs") -> str:
    words = song_words.weighted(songs["lyrics"].tolist())
    regions = song_words.regions(embeddings, words)
    return html_page.page(
        layout.songmap(songs, embeddings, Similarity("manhattan"), 3),
        words,
        regions,
        caption,
        "All made up.",
    )


def test_nothing_on_the_page_turns_the_writing_around() -> None:
    songs, embeddings = made()
    songs["title"] = [f"Lantern\u202e{number}\x07" for number in range(len(songs))]
    songs["artist"] = "\u2067Example"
    songs["genre"] = ["ro\u2028ck", "pop"] * 4
    song_map = layout.songmap(songs, embeddings, Similarity("manhattan"), 3)
    words = song_words.weighted(songs["lyrics"].tolist())
    text = html_page.page(song_map, words, None, "of \u202egenre", "Note\u202d.")
    data = held(text)
    assert data["songs"]["title"] == [f"Lantern�{number}�" for number in range(len(songs))]
    assert set(data["songs"]["artist"]) == {"�Example"}
    assert {genre["name"] for genre in data["genres"]} == {"ro�ck", "pop"}
    assert "of �genre" in text
    assert "Note�." in text
    assert not {"\u202e", "\u2067", "\u202d", "\u2028", "\x07"} & set(text)
    assert "u202e" not in text


def held(text: str) -> dict[str, Any]:
    """What a page's JSON holds."""
    return json.loads(Tags(text).scripts[0])


def test_the_filter_keeps_songs_whose_column_holds_the_value() -> None:
    songs, _ = made()
    assert layout.filter_songs(songs, {"year": 2015})["song_id"].tolist() == ["s0", "s2", "s4", "s6"]
    assert len(layout.filter_songs(songs, {})) == 8


def test_several_conditions_hold_together() -> None:
    songs, _ = made(16)
    kept = layout.filter_songs(songs, {"year": 2014, "genre": "pop"})
    assert kept["song_id"].tolist() == ["s1", "s5", "s9", "s13"]


def test_a_song_of_unknown_year_is_not_shown() -> None:
    songs, _ = made(9)
    assert "s8" not in layout.filter_songs(songs, {"year": 2015})["song_id"].tolist()


def test_latest_is_the_last_year_of_at_least_three_songs() -> None:
    songs, _ = made()
    songs.loc[songs["song_id"].isin(["s0", "s2"]), "year"] = 2016
    songs.loc[songs["song_id"].isin(["s4", "s6"]), "year"] = 2014
    kept = layout.filter_songs(songs, {"year": "latest"})
    assert kept["song_id"].tolist() == ["s1", "s3", "s4", "s5", "s6", "s7"]


def test_where_no_song_has_a_year_latest_shows_all() -> None:
    songs, _ = made()
    songs["year"] = pd.array([None] * len(songs), dtype="Int64")
    assert len(layout.filter_songs(songs, {"year": "latest"})) == 8


def test_of_too_many_songs_some_are_shown_evenly() -> None:
    songs, _ = made(9)
    assert layout.sample_evenly(songs, 5)["song_id"].tolist() == ["s0", "s2", "s4", "s6", "s8"]
    assert len(layout.sample_evenly(songs, 9)) == 9


def test_of_the_versions_of_a_song_the_first_by_id_is_shown() -> None:
    songs, _ = made(5)
    groups = songs.assign(group_id=["s0", "s4", "s2", "s0", "s4"]).iloc[[4, 3, 2, 1, 0]]
    assert layout.first_versions(groups)["song_id"].tolist() == ["s2", "s1", "s0"]


def test_a_filter_that_matches_nothing_says_which_values_there_are() -> None:
    with pytest.raises(ValueError, match=r"\{'year': 1999\} matches 0 of 8 songs.*year holds 2014, 2015$"):
        layout.filter_songs(made()[0], {"year": 1999})


def test_two_songs_are_too_few_for_a_map() -> None:
    with pytest.raises(ValueError, match="matches 2 of 8 songs, and a map needs 3"):
        layout.filter_songs(made()[0], {"genre": "rock"})
    with pytest.raises(ValueError, match="received 2 songs"):
        layout.songmap(made(2)[0], np.zeros((2, 3)), Similarity("manhattan"), 1)


@pytest.mark.parametrize("column", ["yeer", "lyrics", "tags", "lastfm_weights"])
def test_a_column_that_cannot_choose_songs_is_refused(column: str) -> None:
    with pytest.raises(ValueError, match=f"received column '{column}'; choose of .*'year'"):
        layout.filter_songs(made()[0], {column: 2015})


@pytest.mark.parametrize("embeddings", [np.zeros((7, 2)), np.zeros(8), np.full((8, 2), np.nan)])
def test_embeddings_that_are_not_a_finite_row_a_song_are_refused(embeddings: np.ndarray) -> None:
    with pytest.raises(ValueError, match="not a finite row for each of 8 songs"):
        layout.songmap(made()[0], embeddings, Similarity("manhattan"), 3)


def test_points_on_a_line_keep_their_distances_and_one_component_explains_all() -> None:
    points, explained = layout.pca(np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]))
    np.testing.assert_allclose(points, [[-5, 0], [0, 0], [5, 0]], atol=1e-12)
    np.testing.assert_allclose(explained, (1, 0), atol=1e-12)


def test_pca_agrees_with_the_eigenvectors_of_the_covariance() -> None:
    embeddings = np.random.default_rng(3).normal(size=(40, 6)) * [5, 3, 1, 1, 0.5, 0.1]
    points, explained = layout.pca(embeddings)
    variances, directions = np.linalg.eigh(np.cov(embeddings.T))
    np.testing.assert_allclose(explained, variances[:-3:-1] / variances.sum())
    expected = (embeddings - embeddings.mean(axis=0)) @ directions[:, :-3:-1]
    np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-9)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_sign_of_a_component_follows_its_largest_loading(seed: int) -> None:
    embeddings = np.random.default_rng(seed).normal(size=(9, 4))
    points, _ = layout.pca(embeddings)
    loadings = np.linalg.lstsq(embeddings - embeddings.mean(axis=0), points, rcond=None)[0]
    assert (loadings[np.abs(loadings).argmax(axis=0), [0, 1]] > 0).all()


@pytest.mark.parametrize("embeddings", [np.ones((4, 3)), np.arange(4.0)[:, None]])
def test_embeddings_without_a_second_direction_still_make_a_map(embeddings: np.ndarray) -> None:
    points, explained = layout.pca(embeddings)
    assert points.shape == (4, 2)
    assert np.isfinite([*points.ravel(), *explained]).all()
    x, y = picture.pixel_positions(points)
    assert ((x > 0) & (x < picture.WIDTH) & (y > 0) & (y < picture.HEIGHT)).all()


def test_nearest_songs_are_those_the_model_holds_most_similar() -> None:
    found, similarity = layout.nearest(np.array([[0.0], [0.1], [1.0], [0.1]]), Similarity("manhattan"), 2)
    assert found.tolist() == [[1, 3], [3, 0], [1, 3], [1, 0]]
    np.testing.assert_allclose(similarity[0], np.exp([-0.1, -0.1]))
    np.testing.assert_allclose(similarity[2], np.exp([-0.9, -0.9]))


def test_of_equally_near_songs_the_first_come_first_and_never_the_song_itself() -> None:
    found, _ = layout.nearest(np.zeros((5, 1)), Similarity("manhattan"), 2)
    assert found.tolist() == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]]


def test_no_more_neighbours_are_named_than_there_are_other_songs() -> None:
    found, similarity = layout.nearest(made(4)[1], Similarity("cosine"), 20)
    assert found.shape == similarity.shape == (4, 3)
    assert all(song not in row for song, row in enumerate(found.tolist()))


def test_an_unknown_title_is_the_id_and_without_artist_first_words_follow() -> None:
    songs, embeddings = made()
    songs.loc[0, ["artist", "title", "year"]] = None
    songs.loc[1, "title"] = None
    shown = layout.songmap(songs, embeddings, Similarity("manhattan"), 3).songs[:2]
    # "paper lanterns over water" has 25 characters, of which at most half are shown.
    assert shown[0] == Song("s0", "", "s0: paper…", "rock", None, "en")
    assert shown[1] == Song("s1", "Artist 1", "s1", "pop", 2014, "en")


def test_genres_take_styles_by_number_of_songs_and_other_is_grey_and_last() -> None:
    genres = picture.genres(drawn())
    assert [(one.name, one.style, one.n_songs) for one in genres] == [
        ("pop", 0, 4),
        ("rock", 1, 2),
        ("other", -1, 2),
    ]


def test_languages_take_styles_as_genres_do_and_the_unknown_one_is_grey_and_last() -> None:
    songs, embeddings = made()
    songs["language"] = ["?", "fr", "?", "en", "fr", "?", "de", "fr"]
    spoken = picture.spoken(layout.songmap(songs, embeddings, Similarity("manhattan"), 3))
    assert [(one.name, one.style, one.n_songs) for one in spoken] == [
        ("fr", 0, 3),
        ("de", 1, 1),
        ("en", 2, 1),
        ("?", -1, 3),
    ]


def test_more_genres_than_colours_and_shapes_end_in_grey() -> None:
    songs, embeddings = made(20)
    songs["genre"] = [f"genre {number:02}" for number in range(20)]
    genres = picture.genres(layout.songmap(songs, embeddings, Similarity("manhattan"), 3))
    assert [one.style for one in genres] == [*range(12), *[-1] * 8]


# Linear RGB as seen without one kind of cone (Machado, Oliveira & Fernandes 2009, severity 1).
SEEN_BY = {
    "most people": [1, 0, 0, 0, 1, 0, 0, 0, 1],
    "protanopes": [0.15229, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.052],
    "deuteranopes": [0.36732, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.96888],
    "tritanopes": [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
}  # fmt: skip
OKABE_ITO = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
)  # the common colour-blind-safe six


def linear(colours: tuple[str, ...]) -> np.ndarray:
    coded = np.array([[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in colours])
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def closest(colours: tuple[str, ...], seen_by: str) -> float:
    """The least distance of two colours, in OKLab (Ottosson 2020)."""
    to_cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    seen = np.clip(linear(colours) @ np.reshape(SEEN_BY[seen_by], (3, 3)).T, 0, 1)
    lab = np.cbrt(seen @ np.transpose(to_cones)) @ np.transpose(to_lab)
    return min(math.dist(lab[one], lab[other]) for one in range(len(lab)) for other in range(one))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("seen_by", SEEN_BY)
def test_the_colours_are_as_far_apart_as_okabe_and_itos_where_those_are_closest(
    theme: str, seen_by: str
) -> None:
    least = min(closest(OKABE_ITO, eyes) for eyes in SEEN_BY)
    assert closest(picture.COLOURS[theme], seen_by) >= least


@pytest.mark.parametrize(("theme", "paper"), [("light", "#f6f4ef"), ("dark", "#0b0e15")])
def test_every_colour_stands_out_from_the_paper_by_three_to_one(theme: str, paper: str) -> None:
    css = (ROOT / "src/neuralist/songmap/templates/songmap.css.j2").read_text(encoding="utf-8")
    assert f"--paper: {paper};" in css
    weights = np.array([0.2126, 0.7152, 0.0722])
    luminance = linear((*picture.COLOURS[theme], picture.OTHER[theme])) @ weights
    ground = float(linear((paper,))[0] @ weights)
    contrast = (np.maximum(luminance, ground) + 0.05) / (np.minimum(luminance, ground) + 0.05)
    assert contrast.min() >= 3


@given(seed=st.integers(0, 10_000), n_songs=st.integers(3, 60))
@settings(max_examples=25, deadline=None)
def test_a_label_stays_in_the_drawing_and_hides_no_dot_and_no_other_label(seed: int, n_songs: int) -> None:
    songs, embeddings = made(n_songs, seed)
    placed_map = layout.songmap(songs, embeddings, Similarity("manhattan"), 3)
    x, y = picture.pixel_positions(placed_map.points)
    found = picture.labels(placed_map)
    assert len(found) <= picture.MAX_LABELS
    boxes = []
    for label in found:
        # A letter of 12 units' size is 7 wide on average.
        ends = sorted(
            [label.x, label.x + (1 if label.anchor == "start" else -1) * 7 * len(label.text) * 0.95]
        )
        boxes.append((ends[0], label.y - 6, ends[1], label.y + 6))
    for left, top, right, bottom in boxes:
        assert left >= 0 and right <= picture.WIDTH
        assert not ((x > left) & (x < right) & (y > top) & (y < bottom)).any()
    for one, box in enumerate(boxes):
        for other in boxes[:one]:
            assert box[2] <= other[0] or other[2] <= box[0] or box[3] <= other[1] or other[3] <= box[1]


def drawn_with_regions(n_songs: int = 60) -> tuple[Any, picture.NamedRegions, layout.SongMap]:
    songs, embeddings = made(n_songs)
    song_map = layout.songmap(songs, embeddings, Similarity("manhattan"), 3)
    numbers = np.arange(n_songs) % 3
    of_map = picture.named_regions(numbers, ["lamp, town", "sea, $1$", "<b>"])
    [axes] = picture.picture(song_map, "all", "", of_map).axes
    return axes, of_map, song_map


def test_the_picture_has_the_colours_and_the_names_of_the_pages_regions() -> None:
    axes, _, song_map = drawn_with_regions()
    x, y = picture.pixel_positions(song_map.points)
    for number, points in enumerate(axes.collections[:3]):
        assert to_hex(points.get_facecolor()[0]) == picture.COLOURS["light"][number]
        assert np.asarray(points.get_offsets()) == pytest.approx(np.stack([x, y], axis=1)[number::3])
    written = [text.get_text() for text in axes.texts]
    assert written[:3] == ["lamp, town  20", "sea, $1$  20", "<b>  20"]


def test_no_name_of_a_region_and_no_title_overlap_in_the_picture() -> None:
    axes, _, _ = drawn_with_regions()
    axes.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) > 3
    for number, box in enumerate(boxes):
        assert axes.bbox.x0 <= box.x0
        assert box.x1 <= axes.bbox.x1
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_dots_are_smaller_where_there_are_many() -> None:
    areas = [drawn_with_regions(n)[0].collections[0].get_sizes()[0] for n in (30, 600)]
    assert areas[0] > areas[1]


def test_the_picture_and_the_page_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    songs, embeddings = made()
    songs.loc[0, "title"] = HOSTILE
    for name in ("one.png", "two.png"):
        again = layout.songmap(songs, embeddings, Similarity("manhattan"), 3)
        picture.save_picture(again, "Song map $1$", "", tmp_path / name)
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}
    assert len(digests) == 1
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert page(*made(30)) == page(*made(30))


def test_texts_without_artist_or_list_are_not_called_songs_on_the_picture() -> None:
    songs, embeddings = made(30)
    texts = songs.assign(artist=None, has_list=False)
    headings = []
    for table in (songs, songs.assign(artist=None), texts):
        drawn = layout.songmap(table, embeddings, Similarity("manhattan"), 3)
        caption = layout.caption(30, 40, {}, "one", drawn.things)
        headings.append([text.get_text() for text in picture.picture(drawn, caption).texts])

    of_songs = headings[0]
    assert of_songs[:2] == ["Song map", "30 of 40 songs, by the encoder of one"]
    assert of_songs[2].startswith("Songs that are near have lyrics that the encoder finds alike.")
    assert headings[1] == of_songs, "songs of no known artist that have lists"
    assert headings[2][:2] == ["Text map", "30 of 40 texts, by the encoder of one"]
    assert headings[2][2].startswith("Texts that are near are those that the encoder finds alike.")


class Tags(HTMLParser):
    """Counts the tags of a page and keeps what its JSON holds."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag's name."""
        self.names.append(tag)

    def handle_data(self, data: str) -> None:
        """Keep a script's text."""
        if self.names and self.names[-1] == "script" and data.strip():
            self.scripts.append(data)


@pytest.fixture
def hostile_page() -> str:
    songs, embeddings = made()
    songs.loc[0, ["song_id", "artist", "title", "genre"]] = HOSTILE
    return page(songs, embeddings, HOSTILE)


def test_the_page_holds_any_title_as_text(hostile_page: str) -> None:
    tags = Tags(hostile_page)
    assert tags.names.count("script") == 2
    assert "b" not in tags.names
    songs = held(hostile_page)["songs"]
    assert songs["title"][0] == songs["artist"][0] == songs["id"][0] == HOSTILE


def test_the_page_needs_no_network_and_holds_no_line_of_lyrics(hostile_page: str) -> None:
    addresses = hostile_page.replace("http://www.w3.org/2000/svg", "")
    assert not any(found in addresses for found in ("http:", "https:", "src=", "href=", "url(", "@import"))
    assert "default-src 'none'" in hostile_page
    assert "paper lanterns" not in hostile_page


def test_the_page_names_each_song_and_its_nearest_with_their_similarity(hostile_page: str) -> None:
    told = held(hostile_page)
    songs, embeddings = made()
    found, similarity = layout.nearest(embeddings, Similarity("manhattan"), 3)
    assert told["songs"]["title"][1:] == songs["title"].tolist()[1:]
    assert told["songs"]["year"] == [2015, 2014] * 4
    assert told["nearest"] == found.tolist()
    assert told["similarity"] == similarity.round(4).tolist()


def test_the_page_places_songs_as_the_picture_does() -> None:
    told = held(page(*made()))["songs"]
    x, y = picture.pixel_positions(drawn().points)
    inner = [picture.WIDTH - 88, picture.HEIGHT - 88]
    np.testing.assert_allclose(told["x"], (x - 44) / inner[0], atol=1e-4)
    np.testing.assert_allclose(told["y"], (y - 44) / inner[1], atol=1e-4)


def test_the_page_gives_the_words_that_two_songs_share_and_the_groups_they_belong_to() -> None:
    songs, _ = made(9)
    songs["lyrics"] = ["moon star", "moon star", "moon sky", "rail train", "rail train", "rail coal",
                       "dough oven", "dough oven", "dough salt"]  # fmt: skip
    corners = np.repeat([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]], 3, axis=0) + np.arange(9)[:, None] / 100
    told = held(page(songs, corners))
    pairs = [[told["words"][word] for word in pair] for pair in told["shared"][0]]
    # Songs 1 and 2 are nearest to song 0, then comes song 3: star is rarer than moon, train is not in song 0.
    assert told["nearest"][0] == [1, 2, 3]
    assert pairs == [["star", "moon"], ["moon"], []]
    assert told["region"] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [group["name"] for group in told["regions"]] == ["moon, star", "rail, train", "dough, oven"]


def test_a_small_map_has_no_groups() -> None:
    assert "regions" not in held(page(*made()))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A working folder with songs, and an untrained encoder of three words and four units."""
    folder = tmp_path / "experiments/lyrics"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(2)
    shapes = ((5, 3), (3, 16), (16,), (4, 16))
    vectors, *lstm = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    weights = onnx_export.Weights(vectors, onnx_export.LSTM(*lstm))
    onnx_export.export([weights], folder / "encoder.onnx")
    Vocabulary(["paper", "lanterns", "water"]).save(folder / "vocabulary.txt")
    records.save(made_records.trained("lyrics", {"max_tokens": 4}), folder / "experiment.json")
    songs, _ = made(12)
    songs["lyrics"] = [("paper " * (number + 1) + "water lanterns")[: 40 - number] for number in range(12)]
    parquet.write(songs, tables.SONGS, tmp_path / "songs.parquet")
    shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
    (tmp_path / "corpus.json").write_text('{"note": "All made up.", "epochs": 1}')
    return tmp_path


OUTS = "--corpus corpus.json --picture out/songmap.png --page out/songmap.html"


def filter_by(workspace: Path, criteria: dict[str, Any]) -> None:
    chosen = params.read_yaml(workspace / "params.yaml")
    chosen["songmap"]["filter"] = criteria
    (workspace / "params.yaml").write_text(yaml.safe_dump(chosen), encoding="utf-8")


def test_the_stage_draws_all_songs_as_a_picture_where_no_filter_is_set(
    workspace: Path, run_script: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    run_script(workspace, f"songmap.py songs.parquet experiments {OUTS}")
    assert capsys.readouterr() == ("12 songs drawn by lyrics, 12 of them in the picture\n", "")


def test_the_stage_draws_the_latest_year_as_a_picture_and_all_songs_as_a_page(
    workspace: Path, run_script: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    filter_by(workspace, {"year": "latest"})
    run_script(workspace, f"songmap.py songs.parquet experiments {OUTS}")
    assert capsys.readouterr() == ("12 songs drawn by lyrics, 6 of them in the picture\n", "")
    page = (workspace / "out/songmap.html").read_text(encoding="utf-8")
    assert "12 songs, by the encoder of lyrics" in page
    assert "All made up." in page
    assert len(held(page)["songs"]["id"]) == 12
    assert (workspace / "out/songmap.png").stat().st_size > 10_000


def test_songs_of_no_known_word_are_neither_drawn_nor_counted(
    workspace: Path, run_script: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    songs = parquet.read(workspace / "songs.parquet", tables.SONGS)
    songs.loc[[1, 2, 4], "lyrics"] = "none of these"  # s2 and s4 are of the latest year
    parquet.write(songs, tables.SONGS, workspace / "songs.parquet")
    filter_by(workspace, {"year": "latest"})
    run_script(workspace, f"songmap.py songs.parquet experiments {OUTS}")
    assert capsys.readouterr().out == "9 songs drawn by lyrics, 4 of them in the picture\n"
    shown = held((workspace / "out/songmap.html").read_text(encoding="utf-8"))["songs"]["id"]
    assert {"s1", "s2", "s4"}.isdisjoint(shown)


def test_the_stage_shows_one_song_a_group_and_the_command_all_on_request(
    workspace: Path, run_script: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    songs = parquet.read(workspace / "songs.parquet", tables.SONGS)
    songs.loc[[3, 5], "group_id"] = "s1"
    parquet.write(songs, tables.SONGS, workspace / "songs.parquet")
    run_script(workspace, f"songmap.py songs.parquet experiments {OUTS}")
    shown = held((workspace / "out/songmap.html").read_text(encoding="utf-8"))["songs"]["id"]
    assert set(songs["song_id"]) - set(shown) == {"s3", "s5"}

    home = workspace / "home"
    (home / "pipelines").mkdir(parents=True)
    (home / "dvc.yaml").touch()
    shutil.copy(workspace / "params.yaml", home)
    shutil.copytree(workspace, home / "artifacts", ignore=shutil.ignore_patterns("home", "out"))
    shutil.copy(home / "artifacts/songs.parquet", home / "artifacts/catalogue_songs.parquet")
    monkeypatch.chdir(home)
    drawn = answer("map", "--versions")
    page = Path(drawn["path"])
    assert page.parent == home / "work/maps"
    assert page.stem.endswith("-versions")
    assert held(page.read_text(encoding="utf-8"))["songs"]["id"] == songs["song_id"].tolist()


def test_the_stage_stops_with_one_line_where_nothing_matches(
    workspace: Path, run_script: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    filter_by(workspace, {"year": 1901})
    with pytest.raises(SystemExit):
        run_script(workspace, f"songmap.py songs.parquet experiments {OUTS}")
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: songmap.filter: {'year': 1901} matches 0 of 12 songs")
    assert not (workspace / "out").exists()
