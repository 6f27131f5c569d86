"""Five sentences on made metrics, worked out by hand, and the page that begins with them."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests import trained

from neuralist.config import params
from neuralist.config.metric_table import BY_NAME, CHOOSING
from neuralist.config.records import ExperimentMetrics
from neuralist.evaluation import results, results_page, summary

SETTINGS = params.Evaluate(draws=1000, level=0.95, sentence_encoder=None, seed=1)
# Of the paired difference to the model by Spearman: it leads, neither, it trails.
LEADS, UNCLEAR, TRAILS = (0.25, 0.125, 0.5), (0.0625, -0.125, 0.25), (-0.25, -0.5, -0.125)


def entry(
    rivals: dict[str, tuple[float | None, tuple[float, float, float]]], metric: str = "spearman", **own: Any
) -> dict[str, Any]:
    """An experiment with 0.5 [0.25, 0.75] by a metric on test, and baselines: value, difference."""
    made = trained.entry("songs", **{metric: 0.5}) | own
    test = made["splits"]["test"]
    test["metrics"][metric] = trained.figure(0.5, 0.25, 0.75)
    nothing = trained.figure(None) | {"difference": trained.figure(None)}
    for name, (value, difference) in rivals.items():
        figure = trained.figure(value, value, value) | {"difference": trained.figure(*difference)}
        test["baselines"][name] = dict.fromkeys(test["metrics"], nothing) | {metric: figure}
    return made


def said(of: dict[str, ExperimentMetrics], metric: str = "spearman", **more: Any) -> list[str]:
    return summary.sentences(of, summary.subject(of, metric), 1234, SETTINGS, **more)


def test_five_sentences_say_what_on_what_data_how_good_and_how_sure() -> None:
    rivals = {
        "constant": (0.125, LEADS),
        "tfidf": (0.25, LEADS),
        "ridge": (0.4375, UNCLEAR),
        "same_artist": (0.75, TRAILS),
    }
    metrics = trained.metrics(one=entry(rivals), leaky=trained.entry("paper"))

    assert said(metrics, corpus_note="Made up.", warnings={"songs": ["val is small."], "paper": ["No."]}) == [
        "2 models (one, leaky), trained to tell from their words how alike two songs are, are each "
        "compared with "
        "up to 4 simpler methods, the baselines, from one constant answer to regressions on the same words.",
        "The best on val, one, learned from 1,234 pairs of songs (train), was chosen on 2 other pairs "
        "(val), and "
        "is tested on 4 further pairs of 5 songs (test), though train also holds 12.5% of these songs "
        "and 0.0% of "
        "these pairs.",
        "Its Spearman, how well it orders pairs by their similarity, from -1 to 1 (0 by guessing), is "
        "0.500 [0.250, 0.750] on test (in brackets a 95 % interval); over the best baseline that reads "
        "the same "
        "words, ridge from TF-IDF and style (15 words) with 0.438, it leads by 0.062 [-0.125, 0.250], "
        "which shows "
        "no lead.",
        "By Spearman it is shown to be better than 2 of 4 baselines; no lead is shown over “ridge from "
        "TF-IDF and "
        "style”, and “same artist” (metadata) is better than it.",
        "How far to trust this: an interval, from 1,000 resamples of the songs, says how far a figure "
        "would move "
        "with other songs of this kind, and nothing of another training or another corpus; leaky is "
        "flattered, "
        "for its test repeats what was in training; val is small; and of this corpus it is said: “Made up”.",
    ]


def test_songs_never_seen_are_said_to_be_so_and_unlisted_pairs_to_count_as_0() -> None:
    made = entry({}, target="observable")
    made["splits"]["test"]["seen_in_train"] = {"pairs": 0.0, "songs": 0.0}
    made["splits"]["test"]["ranking"] = {"n_queries": 1, "n_left_out": 0, "n_pairs": 4, "n_listed": 1}

    assert said(trained.metrics(one=made))[1].endswith(
        "is tested on 4 further pairs of 5 songs that are not in train (test), 3 of them in no list of "
        "similar "
        "songs and so counted as 0."
    )


@pytest.mark.parametrize(
    ("difference", "ending"),
    [
        (
            LEADS,
            ", 0.250 [0.125, 0.500] better than the best baseline that reads the same words, TF-IDF (15 "
            "words) ",
        ),
        (
            TRAILS,
            "; the best baseline that reads the same words, TF-IDF (15 words) with 0.250, is better: "
            "the model ",
        ),
    ],
)
def test_a_lead_that_is_shown_and_one_that_is_not_read_differently(
    difference: tuple[float, float, float], ending: str
) -> None:
    assert ending in said(trained.metrics(one=entry({"tfidf": (0.25, difference)})))[2]


def test_of_an_error_the_lowest_baseline_is_the_best_and_a_fall_is_a_lead() -> None:
    """0.5 is less than TF-IDF's 0.75: the difference of -0.25 is a lead of 0.25."""
    rivals = {"tfidf": (0.75, (-0.25, -0.5, -0.125)), "ridge": (0.875, (-0.375, -0.5, -0.125))}
    sentences = said(trained.metrics(one=entry(rivals, "mse")), "mse")

    assert ", 0.2500 [0.1250, 0.5000] better than" in sentences[2]
    assert "TF-IDF (15 words) with 0.7500" in sentences[2]
    assert sentences[3] == "By MSE it is better than each of the 2 baselines."


def test_many_baselines_are_named_from_the_best_on_and_then_counted() -> None:
    kinds = ["tfidf", "tfidf_characters", "style", "ridge_tfidf", "ridge"]
    rivals = {name: (number / 8, UNCLEAR) for number, name in enumerate(kinds)}

    assert said(trained.metrics(one=entry(rivals)))[3] == (
        "By Spearman it is shown to be better than 0 of 5 baselines; no lead is shown over “ridge from "
        "TF-IDF and "
        "style”, “ridge from TF-IDF”, “style” and 2 more."
    )


def test_a_baseline_without_a_value_is_not_counted_as_beaten() -> None:
    nothing = (None, (None, None, None))
    sentences = said(trained.metrics(one=entry({"constant": nothing, "tfidf": (0.25, LEADS)})))
    assert sentences[3] == "By Spearman it is better than the one baseline."

    sentences = said(trained.metrics(one=entry({"constant": nothing})))
    assert sentences[2].endswith("is 0.500 [0.250, 0.750] on test (in brackets a 95 % interval).")
    assert sentences[3] == "By Spearman it can be compared with no baseline here."


def test_baselines_without_an_interval_are_said_to_be_there() -> None:
    """On a few pairs the page draws their values: that there is none to compare with would be untrue."""
    no_interval = (0.25, None, None)
    sentences = said(trained.metrics(one=entry({"tfidf": (0.75, no_interval), "ridge": (0.25, no_interval)})))
    assert sentences[3] == (
        "By Spearman it is shown to be better than none of 2 baselines: on so few pairs no difference has an "
        "interval."
    )


def test_of_one_model_none_is_called_the_best() -> None:
    sentences = said(trained.metrics(one=entry({"tfidf": (0.25, LEADS)})))
    assert sentences[1].startswith(
        "It learned from 1,234 pairs of texts (train), its best epoch was chosen on 2 other pairs "
        "(val), and it is tested on 4 further pairs"
    )


def test_an_empty_test_part_is_said_and_not_measured() -> None:
    made = entry({}, protocol="given")
    empty = {"n_pairs": 0, "n_songs": 0, "baselines": {}}
    undefined = trained.figure(None) | {"reason": "no pairs"}
    made["splits"]["test"] = empty | {"metrics": dict.fromkeys(made["splits"]["test"]["metrics"], undefined)}
    metrics = trained.metrics(one=made)
    sentences = said(metrics)

    assert sentences[0] == (
        "One model (one), trained to tell from their words how alike two texts are, is compared with no "
        "simpler method."
    )
    assert sentences[1].endswith("was chosen on 2 other pairs (val), and there is no pair to test it on.")
    assert sentences[2].endswith("is undefined on test: no pairs.")
    about = summary.subject(metrics, "spearman")
    assert results_page.bars(about, metrics["one"]) == []


def test_where_all_were_tested_on_songs_of_training_the_best_is_shown_and_not_served() -> None:
    metrics = trained.metrics(
        low=trained.entry("paper", spearman=0.25), high=trained.entry("paper", spearman=0.5)
    )
    about = summary.subject(metrics, "auto")

    assert about == ("high", "spearman", False)
    assert "a test that repeats what was in training flatters every model" in said(metrics, "auto")[4]
    assert results.headline(metrics, None) == {"served": None}


def test_every_metric_that_an_experiment_is_chosen_by_is_explained() -> None:
    assert [name for name in CHOOSING if not BY_NAME[name].means] == []


# --- what DVC's tables show ------------------------------------------------------------------------


def test_the_headline_is_the_served_model_with_four_figures_of_test() -> None:
    plain = entry({})
    ranked = entry({})
    ranked["splits"]["test"]["metrics"] |= {
        "listed_auc": trained.figure(0.75),
        "ndcg_at_10": trained.figure(None),
    }
    metrics = trained.metrics(plain=plain, ranked=ranked)

    figures = {"served": "plain", "spearman": 0.5, "mse": 0.25, "average_precision": 0.25, "roc_auc": 0.25}
    assert results.headline(metrics, "plain") == figures
    figures = {"served": "ranked", "listed_auc": 0.75, "ndcg_at_10": None, "spearman": 0.5, "mse": 0.25}
    assert results.headline(metrics, "ranked") == figures


# --- the page --------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Texts of a page's list items and of its cells by row, its images, and where it links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.items: list[str] = []
        self.rows: list[list[str]] = []
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self._within: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an item, row, cell or image."""
        values = dict(attrs)
        self.links += [value for key in ("href", "src", "srcset") if (value := values.get(key))]
        if tag == "img":
            self.images.append(values)
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "li":
            self.items.append("")
        if tag in ("td", "th", "li"):
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """End an item or a cell."""
        if self._within and tag == self._within[-1]:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        """Keep text of items and cells."""
        if self._within and self._within[-1] == "li":
            self.items[-1] += data
        elif self._within:
            self.rows[-1][-1] += data


def written(metrics: dict[str, ExperimentMetrics], figures: Path, **more: Any) -> tuple[list[str], str]:
    """The sentences and the page of these metrics."""
    about, sentences = summary.subject(metrics, "spearman"), said(metrics)
    pictures = results_page.pictures(figures / "light", figures / "dark")
    return sentences, results_page.page(metrics, about, sentences, SETTINGS, pictures, **more)


def test_the_page_begins_with_the_sentences_and_has_every_cell_of_the_tables(tmp_path: Path) -> None:
    rivals = {"tfidf": (0.25, UNCLEAR), "year_gap": (0.75, TRAILS)}
    metrics = trained.metrics(one=entry(rivals), two=entry(rivals))
    sentences, text = written(metrics, tmp_path, warnings={"songs": ["val is small."]})
    page, markdown = Page(text), results.markdown(metrics, SETTINGS, summary=sentences)

    assert page.items[:5] == sentences
    assert markdown.splitlines()[2:7] == sentences
    lines = [line.strip("| ").split(" | ") for line in markdown.splitlines() if line.startswith("| a")]
    shown = [row for row in page.rows if row[0].startswith("a ")]
    assert lines
    assert [[cell.strip() for cell in row] for row in shown] == lines
    assert "Warning: val is small." in text
    assert page.items[5] == "one is no better than TF-IDF by Spearman (0.062 [-0.125, 0.250])."


def test_the_page_is_whole_by_itself_with_its_figures_inside(tmp_path: Path) -> None:
    for paper in ("light", "dark"):
        (tmp_path / paper).mkdir()
        (tmp_path / paper / "curves.png").write_bytes(b"curves on %s paper" % paper.encode())
        (tmp_path / paper / "of_another.png").write_bytes(b"PNG")
    _, text = written(trained.metrics(one=entry({})), tmp_path)
    page = Page(text)

    assert [image["alt"] for image in page.images] == [results_page.CAPTIONS["curves"], "of another"]
    start = "data:image/png;base64,"
    assert [link[: len(start)] for link in page.links] == 4 * [start]
    of_curves = [base64.b64decode(link.removeprefix(start)) for link in page.links[:2]]
    assert of_curves == [b"curves on dark paper", b"curves on light paper"]


def test_a_name_with_markup_is_text_on_the_page(tmp_path: Path) -> None:
    _, text = written(trained.metrics(**{"<b>&one": entry({"tfidf": (0.25, LEADS)})}), tmp_path)

    assert "<b>&one" not in text
    assert "&lt;b&gt;&amp;one" in text


def test_bars_stand_by_value_from_the_lowest_end_to_the_highest() -> None:
    """From 0.25, the model's lower end and TF-IDF's value, to 0.75, its upper end and that of year gap."""
    metrics = trained.metrics(one=entry({"tfidf": (0.25, UNCLEAR), "year_gap": (0.75, TRAILS)}))
    shown = results_page.bars(summary.subject(metrics, "spearman"), metrics["one"])

    assert [bar[:4] for bar in shown] == [
        ("year gap*", "other", "0.750 [0.750, 0.750]", "!"),
        ("one", "model", "0.500 [0.250, 0.750]", ""),
        ("TF-IDF", "lyrics", "0.250 [0.250, 0.250]", "~"),
    ]
    assert [bar[4:] for bar in shown] == [(100, 100, 100), (50, 0, 100), (0, 0, 0)]


@pytest.mark.parametrize("protocol", ["given", "songs"])
def test_texts_without_artist_or_list_are_never_called_songs(protocol: Any, tmp_path: Path) -> None:
    about = {"protocol": protocol, "note": "About the split."}
    metrics = trained.metrics(one=entry({"tfidf": (0.25, LEADS)}, **about))
    _, text = written(metrics, tmp_path)

    said = re.sub(r"(?s)<style>.*?</style>|<[^>]*>", " ", text).replace("Protocol songs", "")
    assert "resamples of the texts" in said
    assert "Listed AUC is the chance" not in said
    assert re.findall(r"(?i)\b(?:songs?|lyrics|artists?)\b", said) == []


def test_lists_of_similar_songs_or_a_known_artist_make_songs() -> None:
    of_lists = entry({})
    of_lists["splits"]["test"]["ranking"] = {"n_queries": 1, "n_left_out": 0, "n_pairs": 4, "n_listed": 1}

    assert results.things(trained.metrics(one=entry({}), two=of_lists)) == "songs"
    assert results.things(trained.metrics(one=entry({"same_artist": (0.25, LEADS)}))) == "songs"
    assert results.things(trained.metrics(one=entry({"year_gap": (0.25, LEADS)}))) == "texts"
