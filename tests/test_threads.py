"""Work is shared among threads, and its results come in the order of the items."""

import threading
import time
from collections.abc import Iterator

import pytest

from neuralist import threads


@pytest.fixture(autouse=True)
def three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 3)


def test_results_come_in_the_order_of_the_items() -> None:
    def slowest_first(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    assert list(threads.mapped(slowest_first, [0.06, 0.03, 0.0])) == [0.06, 0.03, 0.0]


def test_as_many_items_as_cores_are_worked_on_at_once() -> None:
    together = threading.Barrier(3, timeout=10)  # breaks if the others do not come
    assert sorted(threads.mapped(lambda _: together.wait(), range(3))) == [0, 1, 2]


def test_a_single_item_stays_in_the_calling_thread_and_none_gives_nothing() -> None:
    assert list(threads.mapped(lambda _: threading.get_ident(), [0])) == [threading.get_ident()]
    assert list(threads.mapped(lambda _: 1, [])) == []


def test_an_error_is_raised_and_items_that_have_not_begun_are_left() -> None:
    begun = []

    def fails(item: int) -> None:
        begun.append(item)
        time.sleep(0.01)
        raise ValueError(f"item {item}")

    results: Iterator[None] = threads.mapped(fails, range(1000))
    with pytest.raises(ValueError, match="item 0"):
        list(results)
    assert len(begun) < 1000
