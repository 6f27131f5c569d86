"""A model trained with ICU reads by ICU; one trained without never needs it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from tests import fake_encoder, made_records

from neuralist.config import records
from neuralist.model.encoder import Encoder, ReadsOtherwise
from neuralist.text import style
from neuralist.text.hashed_tfidf import HashedTfidf
from neuralist.text.tfidf import tfidf
from neuralist.text.tokenizer import TokenWindowing

CHINESE = "我爱北京天安门"  # ICU: 我, 爱, 北京, 天安门
COVERAGE = {"source": "by hand", "words": 2, "dimensions": 1}


def write(folder: Path, **coverage: str) -> Path:
    """A trained folder that knows 北京 and the whole line."""
    fake_encoder.write(folder, {"北京": (0.5,), CHINESE: (0.25,)}, unknown=(0.0,))
    records.save(made_records.trained(coverage=COVERAGE | coverage), folder / "experiment.json")
    return folder


def test_a_model_reads_the_words_that_it_was_trained_on(tmp_path: Path) -> None:
    pytest.importorskip("icu4py")
    reading = Encoder.load(write(tmp_path / "icu", segmenter="icu")).read([CHINESE])
    assert reading.n_tokens.tolist() == [4]
    assert reading.known.tolist() == [0.25]
    reading = Encoder.load(write(tmp_path / "none")).read([CHINESE])
    assert reading.n_tokens.tolist() == [1]
    assert reading.known.tolist() == [1]


def test_a_model_says_at_load_that_icu4py_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icu4py.breakers", None)
    assert Encoder.load(write(tmp_path / "none")).read([CHINESE]).n_tokens.tolist() == [1]
    folder = write(tmp_path / "icu", segmenter="icu")
    with pytest.raises(ValueError, match=r"icu4py, which is missing .*pip install 'neuralist\[icu\]'"):
        Encoder.load(folder)


@pytest.mark.filterwarnings("error")
def test_a_model_says_at_load_that_another_icu_is_installed(tmp_path: Path) -> None:
    icu4py = pytest.importorskip("icu4py")
    major = icu4py.icu_version.split(".")[0]
    for number, version in enumerate((icu4py.icu_version, f"{major}.99")):  # a smaller change is fine
        Encoder.load(write(tmp_path / str(number), segmenter="icu", segmenter_version=version))
    Encoder.load(write(tmp_path / "before", segmenter="icu"))
    folder = write(tmp_path / "old", segmenter="icu", segmenter_version="60.2")
    with pytest.warns(ReadsOtherwise, match=rf"old: its words were cut by ICU 60\.2, .* by ICU {major}"):
        assert Encoder.load(folder).read([CHINESE]).n_tokens.tolist() == [4]


@pytest.mark.filterwarnings("error")
def test_a_model_says_at_load_that_it_knows_elided_words_that_texts_no_longer_have(tmp_path: Path) -> None:
    plain = {f"word{number}": (0.5,) for number in range(99)}

    def load(*words: str) -> Encoder:
        folder = tmp_path / " ".join(words)
        fake_encoder.write(folder, plain | dict.fromkeys(words, (0.25,)), unknown=(0.0,))
        records.save(made_records.trained(coverage=COVERAGE), folder / "experiment.json")
        return Encoder.load(folder)

    load("don't")
    with pytest.warns(ReadsOtherwise, match=r"before elided words were cut: 1 of its words, such as l'amour"):
        assert load("l'amour").read(["l'amour"]).known.tolist() == [0]
    plain |= {f"other{number}": (0.5,) for number in range(2)}
    load("d'amour")  # one of 102 words: of an English corpus


def test_style_counts_the_words_of_a_run() -> None:
    pytest.importorskip("icu4py")
    [[words, *_]] = style.features([CHINESE], "icu").tolist()
    assert words == pytest.approx(np.log(5))


def test_tfidf_compares_the_words_of_runs() -> None:
    pytest.importorskip("icu4py")
    found = tfidf([CHINESE, "北京"], np.arange(2), "word", lengths=(1, 1), segmenter="icu")
    assert set(found.terms) == {"我", "爱", "北京", "天安门"}
    windowing = TokenWindowing("word", 9, "head", segmenter="icu")
    rows = HashedTfidf.fit("word", windowing, [CHINESE]).rows([CHINESE, "北京"])
    assert rows.cosines(np.array([0]), np.array([1])) > 0
