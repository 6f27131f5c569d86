"""Texts of the same words are equal, and of no others."""

from hypothesis import given
from hypothesis import strategies as st

from neuralist.text.equal_texts import first_equal, folded


def test_case_and_punctuation_do_not_matter_and_order_does() -> None:
    texts = ["Tin roof, tin!", "tin  ROOF tin", "tin tin roof", "don’t", "don't", ""]
    assert first_equal(map(folded, texts)).tolist() == [0, 0, 2, 3, 3, 5]


@given(st.lists(st.sampled_from(["a", "b", "a b", "b a"]), max_size=20))
def test_each_text_has_the_first_position_of_its_like(texts: list[str]) -> None:
    shown = [f"{text.upper()}." for text in texts]
    assert first_equal(map(folded, shown)).tolist() == [texts.index(text) for text in texts]
