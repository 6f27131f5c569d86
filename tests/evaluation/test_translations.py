"""Retrieval of translations: metrics by hand and by scikit-learn, resamples by repeating texts."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from neuralist.data.pair_sets import Pairs
from neuralist.evaluation import resampling, translations
from neuralist.evaluation.translations import Similarities, TranslationQueries

NAN = np.nan
LANGUAGES = ["fr", "en", "fr", "en", "de", "en", "en"]
# Texts 0 and 1 are a song in French and English, so are 2 and 3; 4 and 5 are one in German; 6 stands alone.
PAIRS = Pairs(np.array([0, 3, 4]), np.array([1, 2, 5]))


def pairs(*texts: tuple[int, int]) -> Pairs:
    left, right = np.array(texts).T
    return Pairs(left, right)


def rows_of(matrix: np.ndarray) -> Similarities:
    return lambda texts: matrix[texts]


def figures(
    queries: TranslationQueries, matrix: Sequence[Sequence[float]] | np.ndarray, languages: str = "all"
) -> dict[str, float]:
    """The metrics of the sample."""
    found = translations.measure(queries, {"": rows_of(np.array(matrix, dtype=float))}, 0, 1)[""]
    return {name: values.item() for name, values in found[languages].items()}


def asked(*texts: int, among: int = 7) -> np.ndarray:
    return np.isin(np.arange(among), texts)


def test_each_text_of_a_pair_looks_for_the_other() -> None:
    queries = TranslationQueries.of(PAIRS, LANGUAGES)

    assert queries.counts == {"all": 6, "de→en": 1, "en→de": 1, "en→fr": 2, "fr→en": 2}
    assert queries.text[queries.query].tolist() == [0, 1, 2, 3, 4, 5]
    assert queries.answer.tolist() == [1, 0, 3, 2, 5, 4]


def test_candidates_as_alike_as_the_translation_count_with_all_their_orders() -> None:
    # Text 2 is nearer than the translation, 3 and 6 as near: it is second, third or fourth.
    matrix = np.zeros((7, 7))
    matrix[0] = [9, 0.5, 0.9, 0.5, 0.1, 0.2, 0.5]
    found = figures(TranslationQueries.of(PAIRS, LANGUAGES, asked(0)), matrix)

    assert found == pytest.approx(
        {"recall_at_1": 0, "recall_at_10": 1, "mrr": (1 / 2 + 1 / 3 + 1 / 4) / 3, "auc": (2 + 2 / 2) / 5}
    )


def test_a_tie_for_the_first_place_is_shared() -> None:
    matrix = np.zeros((7, 7))
    matrix[0] = [9, 0.9, 0.9, 0.5, 0.1, 0.2, 0.5]
    found = figures(TranslationQueries.of(PAIRS, LANGUAGES, asked(0)), matrix)

    assert found == pytest.approx({"recall_at_1": 0.5, "recall_at_10": 1, "mrr": 0.75, "auc": 4.5 / 5})


def test_recall_at_10_ends_at_the_tenth_place() -> None:
    """With nine texts nearer than the translation it is the tenth, with ten the eleventh."""
    languages, song_pairs = ["fr", "en"] * 12, pairs(*((2 * n, 2 * n + 1) for n in range(12)))
    queries = TranslationQueries.of(song_pairs, languages, asked(0, among=24))
    recalls = []
    for nearer in (9, 10):
        matrix = np.zeros((24, 24))
        matrix[0, 1], matrix[0, 2 : 2 + nearer] = 0.5, 1
        recalls.append(figures(queries, matrix)["recall_at_10"])

    assert recalls == [1, 0]
    matrix = np.zeros((24, 24))
    matrix[0, 2:11], matrix[0, [1, 11]] = 1, 0.5  # nine nearer, one as near: tenth or eleventh
    assert figures(queries, matrix)["recall_at_10"] == 0.5


def test_auc_is_that_of_scikit_learn_and_means_are_by_language_pair() -> None:
    draw = np.random.default_rng(5)
    matrix = draw.integers(0, 4, size=(7, 7)) / 4  # with many ties
    by_query = {}
    for text, answer in enumerate([1, 0, 3, 2, 5, 4]):
        candidates = [candidate for candidate in range(7) if candidate != text]
        truth = [candidate == answer for candidate in candidates]
        by_query[text] = roc_auc_score(truth, matrix[text, candidates])
    queries = TranslationQueries.of(PAIRS, LANGUAGES)

    assert figures(queries, matrix)["auc"] == pytest.approx(np.mean(list(by_query.values())))
    assert figures(queries, matrix, "fr→en")["auc"] == pytest.approx((by_query[0] + by_query[2]) / 2)
    assert figures(queries, matrix, "de→en")["auc"] == pytest.approx(by_query[4])


def test_the_best_of_several_translations_counts_and_the_songs_other_texts_do_not() -> None:
    """Text 0 has two English versions; its German one, joined through 1, is neither right nor a rival."""
    queries = TranslationQueries.of(pairs((0, 1), (2, 0), (3, 1)), ["fr", "en", "en", "de", "en", "es"])
    matrix = np.zeros((6, 6))
    matrix[0] = [9, 0.1, 0.7, 0.9, 0.8, 0.2]

    assert queries.song.tolist() == [0, 0, 0, 0, 1, 2]
    assert queries.counts == {"all": 5, "de→en": 1, "en→de": 1, "en→fr": 2, "fr→en": 1}
    # Of the other songs one text is nearer than 2, one is not.
    assert figures(queries, matrix, "fr→en") == {
        "recall_at_1": 0,
        "recall_at_10": 1,
        "mrr": pytest.approx(1 / 2),
        "auc": 0.5,
    }


def test_a_text_translated_into_two_languages_is_a_query_for_each() -> None:
    queries = TranslationQueries.of(
        pairs((0, 1), (0, 2), (0, 1)), ["en", "fr", "de", "en"], asked(0, among=4)
    )
    matrix = np.zeros((4, 4))
    matrix[0] = [9, 0.9, 0.1, 0.5]

    assert queries.counts == {"all": 2, "en→de": 1, "en→fr": 1}
    assert (figures(queries, matrix, "en→fr")["mrr"], figures(queries, matrix, "en→de")["mrr"]) == (1, 0.5)


@pytest.mark.parametrize(
    ("row", "rank", "auc"),
    [
        ([NAN, 0.5, NAN, 0.9, NAN, 0.2, 0.1], 2, 4 / 5),  # unread candidates come last
        ([NAN, NAN, NAN, 0.9, 0.0, 0.2, 0.1], 6, 0),  # an unread translation after all
        ([NAN] * 7, 6, 0),  # an unread query
    ],
)
def test_what_a_predictor_cannot_read_comes_last(row: list[float], rank: int, auc: float) -> None:
    matrix = np.zeros((7, 7))
    matrix[0] = row
    found = figures(TranslationQueries.of(PAIRS, LANGUAGES, asked(0)), matrix)

    assert (found["mrr"], found["auc"]) == pytest.approx((1 / rank, auc))


def test_a_song_drawn_twice_counts_twice_in_the_mean() -> None:
    # Text 0 finds its translation first, text 2 last.
    matrix = np.tile([0.5, 0.9, 0.8, 0.0, 0.7, 0.6, 0.4], (7, 1))
    queries = TranslationQueries.of(PAIRS, LANGUAGES, asked(0, 2))
    recall = translations.measure(queries, {"": rows_of(matrix)}, 30, 1)[""]["fr→en"]["recall_at_1"]
    # Of the four songs two are asked for, and drawn.
    drawn = np.concatenate(list(resampling.song_counts(2, 2, 30, 1))).astype(float)
    total = drawn[:, 0] + drawn[:, 1]

    assert recall == pytest.approx(drawn[:, 0] / total)
    assert set(recall.tolist()) == {0, 0.5, 1}


def test_a_resample_draws_a_song_with_the_queries_of_all_its_texts() -> None:
    # Each of both texts of the first song finds the other, no text of the other songs does.
    matrix = np.tile([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], (7, 1))
    matrix[0, 1] = matrix[1, 0] = 2
    found = translations.measure(TranslationQueries.of(PAIRS, LANGUAGES), {"": rows_of(matrix)}, 30, 1)[""]
    drawn = np.concatenate(list(resampling.song_counts(3, 6, 30, 1))).astype(float)

    assert found["all"]["recall_at_1"] == pytest.approx(drawn[:, 0] / 3)
    # A resample without a song of the language pair has no value.
    of_french = np.divide(drawn[:, 0], of := drawn[:, 0] + drawn[:, 1], out=np.full(31, NAN), where=of > 0)
    assert found["fr→en"]["recall_at_1"] == pytest.approx(of_french, nan_ok=True)
    assert np.isnan(of_french).any()


def test_figures_do_not_depend_on_how_many_queries_are_computed_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix = np.random.default_rng(2).random((7, 7))
    sizes: list[int] = []

    def similarities(texts: np.ndarray) -> np.ndarray:
        sizes.append(len(texts))
        return matrix[texts]

    queries = TranslationQueries.of(PAIRS, LANGUAGES)
    whole = translations.measure(queries, {"": similarities}, 5, 1)[""]
    monkeypatch.setattr(translations, "_SIMILARITIES_AT_ONCE", 14)
    parts = translations.measure(queries, {"": similarities}, 5, 1)[""]

    assert sizes == [6, 2, 2, 2]
    assert list(whole) == list(parts)
    for languages, found in whole.items():
        for name, values in found.items():
            assert parts[languages][name] == pytest.approx(values, nan_ok=True)


def test_the_half_of_a_song_is_the_last_bit_of_its_smallest_ids_hash() -> None:
    # By sha256sum: a ends in b, odd; b in d, odd; c in 6, even.
    song = np.array([0, 0, 1, 2, 2])

    assert translations.halves(song, ["z", "a", "b", "c", "d"]).tolist() == ["B", "B", "B", "A", "A"]


def test_no_query_where_no_song_of_the_half_is_translated() -> None:
    assert TranslationQueries.of(PAIRS, LANGUAGES, asked(6)).counts == {"all": 0}


def test_ten_thousand_texts_need_no_square_of_numbers() -> None:
    """Similarities are asked for a hundred queries at a time: 8 MB, not 800."""
    n_texts = 10_000
    languages, song_pairs = ["fr", "en"] * (n_texts // 2), Pairs(*np.arange(n_texts).reshape(-1, 2).T)
    queries = TranslationQueries.of(song_pairs, languages)
    chunks = list(translations._chunks(queries))

    assert {chunk.stop - chunk.start for chunk in chunks} == {100}
    assert all(first.stop == second.start for first, second in pairwise(chunks))
    assert (chunks[0].start, chunks[-1].stop) == (0, n_texts)
