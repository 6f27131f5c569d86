"""The time that an answer may take: a block has a deadline, and what computes in it looks there."""

import threading

import numpy as np
import pytest
from tests import served

from neuralist.model.similarity import Similarity
from neuralist.serving import deadline
from neuralist.serving.catalogue import Catalogue
from neuralist.serving.facts import Facts
from neuralist.serving.model import Model

OVER = r" in -1 s, when the time was over; send fewer rows in a request$"


def test_a_check_raises_once_the_time_is_over() -> None:
    with deadline.within(3600):
        deadline.check(1, 2, "rows were read")
    with (
        deadline.within(-1),
        pytest.raises(ValueError, match=r"^1,234 of 10,000 rows were read" + OVER),
    ):
        deadline.check(1_234, 10_000, "rows were read")


def test_outside_of_its_block_a_deadline_is_over() -> None:
    with deadline.within(-1):
        assert deadline.is_set()
    assert not deadline.is_set()
    deadline.check(1, 2, "rows were read")


def test_a_deadline_is_of_one_thread() -> None:
    seen = list[bool]()
    with deadline.within(-1):
        other = threading.Thread(target=lambda: seen.append(deadline.is_set()))
        other.start()
        other.join()
    assert seen == [False]


@pytest.mark.parametrize("facts", [None, [Facts(year=1990)] * 100])
def test_a_search_with_a_deadline_finds_the_same_and_ends_when_it_is_over(facts: list[Facts] | None) -> None:
    catalogue = Catalogue(served.SONGS, served.EMBEDDINGS, Similarity("manhattan"), served.BLEND)
    queries = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    whole = catalogue.nearest(queries, 3, facts=facts)
    with deadline.within(3600):
        assert catalogue.nearest(queries, 3, facts=facts).equals(whole)
    with deadline.within(-1), pytest.raises(ValueError, match=r"^0 of 100 queries were compared" + OVER):
        catalogue.nearest(queries, 3, facts=facts)


def test_reading_texts_ends_when_the_time_is_over(tmp_path_factory: pytest.TempPathFactory) -> None:
    model = Model.load(served.write(tmp_path_factory.mktemp("reading") / "served"))
    texts = [f"word{number} moss" for number in range(2_000)]
    # They are read by 512.
    with deadline.within(-1), pytest.raises(ValueError, match=r"^512 of 2,000 texts were read" + OVER):
        model.encode(texts)
