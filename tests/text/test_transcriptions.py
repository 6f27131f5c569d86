"""Other transcriptions of a song leave lines out, and only lines."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neuralist.text import transcriptions
from neuralist.text.tokenizer import words

LINES = st.lists(
    st.sampled_from(["Moss grows", "moss grows!", "stone", "", "...", "a river runs"]), min_size=1
)


def test_a_line_that_repeats_an_earlier_one_is_read_once() -> None:
    once, _, _ = transcriptions.others("Moss grows\nstone\nmoss grows!\n\nriver", np.random.default_rng(0))
    assert words(once) == ["moss", "grows", "stone", "river"]


def test_of_ten_lines_without_their_end_six_to_ten_are_read() -> None:
    text = "\n".join(f"line{number}" for number in range(10))
    rng = np.random.default_rng(0)
    lengths = {len(transcriptions.others(text, rng)[1].split()) for _ in range(200)}
    assert lengths == {6, 7, 8, 9, 10}


def test_of_a_hundred_lines_about_fifteen_are_left_out() -> None:
    text = "\n".join(f"line{number}" for number in range(101))  # the first one always stays
    rng = np.random.default_rng(0)
    left_out = [101 - len(transcriptions.others(text, rng)[2].split()) for _ in range(100)]
    # four standard errors of a mean of 100 binomial counts of 100 are 1.4
    assert abs(np.mean(left_out) - 15) < 1.5


def test_a_text_of_one_line_stays_as_it_is() -> None:
    others = transcriptions.others("moss grows", np.random.default_rng(0))
    assert [words(text) for text in others] == [["moss", "grows"]] * 3


@given(LINES.filter(lambda lines: any(map(words, lines))), st.integers(0, 9))
def test_each_transcription_holds_some_lines_of_the_text_in_their_order(lines: list[str], seed: int) -> None:
    spoken = [words(line) for line in lines if words(line)]
    for text in transcriptions.others("\n".join(lines), np.random.default_rng(seed)):
        remaining = iter(spoken)
        read = [words(line) for line in text.splitlines()]
        assert all(line in remaining for line in read)
        assert read[0] == spoken[0]
