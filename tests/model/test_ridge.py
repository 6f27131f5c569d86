"""Ridge regression from lyrics: against scikit-learn refitted without each song, and numpy's eigenvectors."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import normalize

from neuralist.model import ridge
from neuralist.model.ridge import TeacherPredictions
from neuralist.text import style

N, TRAIN = 40, np.arange(0, 30)
NOBODY = (np.array([], dtype=np.int64), np.array([], dtype=np.int64))


def corpus(seed: int = 0) -> pd.DataFrame:
    """40 songs whose words depend on their year; two training songs lack a year, three lack tags."""
    generator = np.random.default_rng(seed)
    years = generator.integers(1960, 2010, size=N)
    old, new = ["grey", "harbour", "bell", "lamp"], ["neon", "motor", "glass", "wire"]
    lyrics = []
    for year in years:
        share = (year - 1960) / 50
        chosen = [str(generator.choice(new if generator.random() < share else old)) for _ in range(20)]
        lyrics.append("\n".join(" ".join(chosen[start : start + 4]) for start in range(0, 20, 4)))
    tags = [["new" if year > 1985 else "old", *(["slow"] if year % 2 else [])] for year in years]
    return pd.DataFrame(
        {
            "lyrics": lyrics,
            "year": pd.array(
                [None if song in (3, 8) else year for song, year in enumerate(years)], dtype="Int64"
            ),
            "tags": [
                None if song == 5 else [] if song in (8, 9) else found for song, found in enumerate(tags)
            ],
            "lastfm_tags": [
                None
                if song % 4 == 0
                else ["fast", *(["neon"] if year > 1990 else [])]
                if year > 1985
                else ["calm"]
                for song, year in enumerate(years)
            ],
            "lastfm_weights": [
                None if song % 4 == 0 else [100, *([50] if year > 1990 else [])] if year > 1985 else [80]
                for song, year in enumerate(years)
            ],
            "has_list": [song % 3 == 0 for song in range(N)],
        }
    )


def head_targets(
    songs: pd.DataFrame, listed: tuple[np.ndarray, np.ndarray] = NOBODY, *, plain: bool = False
) -> TeacherPredictions:
    """Answers after learning from the first 30 songs."""
    features = None if plain else style.features(songs["lyrics"].tolist())
    return ridge.answer(songs, listed, TRAIN, "word", features)


def ring(*songs: int) -> tuple[np.ndarray, np.ndarray]:
    """Listed pairs that join songs to a ring, and the first to the third."""
    return np.array([*songs, songs[0]]), np.array([*songs[1:], songs[0], songs[2]])


def kernel(songs: pd.DataFrame, *, plain: bool) -> np.ndarray:
    """The likeness of songs that the module documents, by scikit-learn."""
    terms = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=3, token_pattern=r"\S+")
    terms.fit(songs["lyrics"].iloc[TRAIN])
    vectors = terms.transform(songs["lyrics"]).toarray()
    if plain:
        return vectors @ vectors.T
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=3)
    characters.fit(songs["lyrics"].iloc[TRAIN])
    by_character = characters.transform(songs["lyrics"]).toarray()
    features = style.standardised(style.features(songs["lyrics"].tolist()), TRAIN)
    by_style = rbf_kernel(features, gamma=1 / (2 * len(style.NAMES)))
    return vectors @ vectors.T + 0.5 * by_character @ by_character.T + 0.5 * by_style


@pytest.mark.parametrize("plain", [True, False])
def test_answers_are_those_of_a_fit_without_the_song(plain: bool) -> None:
    songs, likeness = corpus(), kernel(corpus(), plain=plain)
    found = head_targets(songs, plain=plain)
    assert found.groups == ("year", "tags", "tags", "tags", "lastfm", "lastfm")
    n_learned = {"year": 28, "tags": 27, "lastfm": 22}
    for column in range(len(found.names)):
        truth = found.truth[:, column]
        learned = TRAIN[~np.isnan(truth[TRAIN])]
        assert len(learned) == n_learned[found.groups[column]]
        for song in range(N):
            others = learned[learned != song]
            model = KernelRidge(alpha=1.0, kernel="precomputed")
            model.fit(likeness[np.ix_(others, others)], truth[others] - truth[learned].mean())
            expected = model.predict(likeness[np.ix_([song], others)]) + truth[learned].mean()
            assert found.answers[song, column] == pytest.approx(expected[0], abs=1e-9)


def test_the_truth_is_in_deviations_of_the_training_songs() -> None:
    songs = corpus()
    found = head_targets(songs)
    years = songs["year"].to_numpy(dtype=float, na_value=np.nan)
    known = years[TRAIN][~np.isnan(years[TRAIN])]
    assert found.truth[:, 0] == pytest.approx((years - known.mean()) / known.std(), nan_ok=True)


@pytest.mark.parametrize(("group", "column"), [("tags", "tags"), ("lastfm", "lastfm_tags")])
def test_tags_are_the_leading_dimensions_of_their_tfidf(group: str, column: str) -> None:
    songs = corpus()
    found = head_targets(songs)
    positions = found.truth[:, [number for number, of in enumerate(found.groups) if of == group]]
    weights = songs["lastfm_weights"] if group == "lastfm" else songs[column].map(lambda _: None)
    listed = [
        {} if not tags else dict(zip(tags, own or [100] * len(tags), strict=True))
        for tags, own in zip(songs[column], weights, strict=True)
    ]
    tagged = np.array([len(tags) > 0 for tags in listed])
    assert np.isnan(positions[~tagged]).all()
    dictionary = DictVectorizer(sparse=False)
    dictionary.fit([listed[song] for song in TRAIN])
    values = dictionary.transform(listed)
    learned = TRAIN[tagged[TRAIN]]
    documents = (values[learned] > 0).sum(axis=0)
    values = normalize(values * (1 + np.log((1 + len(learned)) / (1 + documents))))
    scores = PCA(positions.shape[1]).fit(values[learned]).transform(values)
    for number in range(positions.shape[1]):
        expected = (scores[:, number] - scores[learned, number].mean()) / scores[learned, number].std()
        assert np.abs(positions[tagged, number]) == pytest.approx(np.abs(expected[tagged]), abs=1e-6)


def test_tags_of_fewer_than_three_training_songs_say_nothing() -> None:
    songs = corpus()
    # `rare` is a tag of two training songs and of all others.
    songs["tags"] = [
        ["rare"] if song in (0, 1) or song >= 30 else ["old", "x"][: 1 + song % 2] for song in range(N)
    ]
    before = head_targets(songs).truth
    songs["tags"] = [["scarce"] if found == ["rare"] else found for found in songs["tags"]]
    np.testing.assert_array_equal(head_targets(songs).truth, before)


def test_years_and_tags_show_in_the_lyrics_but_shuffled_ones_do_not() -> None:
    songs = corpus()
    found = head_targets(songs)
    assert np.corrcoef(found.truth[30:, 0], found.answers[30:, 0])[0, 1] > 0.8
    fits = []
    for seed in range(20):
        songs["year"] = np.random.default_rng(seed).permutation(corpus()["year"].fillna(1985))
        mixed = head_targets(songs)
        fits.append(np.corrcoef(mixed.truth[30:, 0], mixed.answers[30:, 0])[0, 1])
    assert abs(np.mean(fits)) < 0.25


def test_nothing_is_learned_from_songs_outside_training() -> None:
    songs, listed = corpus(), ring(0, 3, 6, 9, 12)
    before = head_targets(songs, listed)
    changed = songs.copy()
    changed["year"] = [1999 if song >= 30 else year for song, year in enumerate(songs["year"])]
    changed["tags"] = [["else"] * 9 if song >= 30 else found for song, found in enumerate(songs["tags"])]
    for column, others in (("lastfm_tags", ["else"]), ("lastfm_weights", [9])):
        changed[column] = [others if song >= 30 else found for song, found in enumerate(songs[column])]
    changed["has_list"] = [song >= 30 or has for song, has in enumerate(songs["has_list"])]
    changed.loc[35:, "lyrics"] = "quite other words"
    outside = np.append(listed[0], [0, 31]), np.append(listed[1], [31, 33])
    after = head_targets(changed, outside)
    assert after.names == before.names
    np.testing.assert_array_equal(after.answers[:35], before.answers[:35])


def test_graph_positions_are_eigenvectors_of_the_listed_pairs() -> None:
    songs, listed = corpus(), ring(0, 1, 2, 4, 7, 10, 11)
    found = head_targets(songs, listed)
    observed = np.array([song for song in TRAIN if song % 3 == 0 or song in listed[0]])
    among = np.zeros((N, N))
    among[listed] = 1
    among = (among + among.T)[np.ix_(observed, observed)]
    root = np.diag((among.sum(axis=1) + 1) ** -0.5)
    scaled = root @ among @ root
    columns = [column for column, group in enumerate(found.groups) if group == "graph"]
    positions = found.truth[:, columns]
    assert np.isnan(np.delete(positions, observed, axis=0)).all()
    values, vectors = np.linalg.eigh(scaled)
    kept = np.argsort(-values)[: len(columns)]
    assert (values[kept] > 1e-9).all()
    assert np.sum(values > 1e-9) == len(columns) <= 9
    for column, place in zip(columns, kept, strict=True):
        own = vectors[:, place] * np.sqrt(values[place])
        own *= np.sign(own[np.argmax(np.abs(own))])  # the largest entry is positive
        assert found.truth[observed, column] == pytest.approx((own - own.mean()) / own.std(), abs=1e-6)


def test_at_most_nine_dimensions_of_the_graph_and_sixteen_of_tags() -> None:
    songs = corpus()
    songs["tags"] = [[f"tag {(song + step) % 30}" for step in (0, 1, 3)] for song in range(N)]
    found = head_targets(songs, (TRAIN[:-1], TRAIN[1:]))
    assert found.groups.count("graph") == 9
    assert found.groups.count("tags") == 16


def test_the_graph_is_left_out_where_no_song_has_a_list() -> None:
    songs, listed = corpus(), ring(0, 1, 2, 3)
    assert "graph" in head_targets(songs, listed).groups
    assert "graph" not in head_targets(songs.assign(has_list=False), listed).groups


def test_the_graph_is_left_out_where_no_pair_is_listed() -> None:
    assert "graph" not in head_targets(corpus()).groups


def test_the_graph_is_left_out_where_it_is_not_wanted() -> None:
    assert "graph" not in head_targets(corpus(), ring(0, 1, 2, 3), plain=True).groups


def test_tags_are_left_out_where_no_song_has_one() -> None:
    songs = corpus().assign(has_list=False, tags=None, lastfm_tags=None)
    assert head_targets(songs, ring(0, 1, 2, 3)).groups == ("year",)


def test_songs_of_one_year_without_tags_and_lists_have_no_target() -> None:
    songs = corpus().assign(
        has_list=False, tags=None, lastfm_tags=None, year=pd.array([1999] * N, dtype="Int64")
    )
    nothing = head_targets(songs, ring(0, 1, 2, 3))
    assert nothing.names == ()
    assert nothing.truth.shape == nothing.answers.shape == nothing.positions.shape == (N, 0)


def test_of_many_training_songs_a_fixed_draw_is_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ridge, "MAX_SONGS", 10)
    songs = corpus().assign(tags=None, lastfm_tags=None, year=pd.array(range(1960, 1960 + N), dtype="Int64"))
    before = head_targets(songs)
    assert np.isfinite(before.answers).all()
    np.testing.assert_array_equal(head_targets(songs).answers, before.answers)
    mattering = 0
    for song in TRAIN:
        changed = songs.copy()
        changed.loc[song, "year"] = 1900
        mattering += head_targets(changed).answers[39, 0] != before.answers[39, 0]
    assert mattering == 10


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_texts_of_any_kind_are_answered(tokens: str) -> None:
    songs = corpus()
    songs.loc[[0, 31], "lyrics"] = ""
    songs.loc[[1, 32], "lyrics"] = "海"
    features = style.features(songs["lyrics"].tolist())
    found = ridge.answer(songs, ring(0, 1, 2, 3), TRAIN, tokens, features)
    assert np.isfinite(found.answers).all()
    assert np.ptp(found.answers[:, 0]) > 0


def test_positions_weigh_year_tags_and_graph() -> None:
    groups = ("year", "tags", "lastfm", "graph")
    found = TeacherPredictions(groups, groups, np.zeros((1, 4)), np.full((1, 4), 2.0))
    assert found.positions.tolist() == [[8, 1, 2, 2]]
