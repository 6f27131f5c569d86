"""What messages echo of their input."""

import pytest

from neuralist import excerpts
from neuralist.serving import facts, mlflow_model, requests
from neuralist.serving.catalogue import _check_options

LONG = "x" * 1_000_000


def test_a_text_of_100_characters_is_whole_and_a_longer_one_is_cut() -> None:
    assert excerpts.excerpt("x" * 100) == "x" * 100
    assert excerpts.excerpt("x" * 101) == "x" * 97 + "..."


@pytest.mark.parametrize(
    "refuse",
    [
        lambda: requests.parse(b"{}", LONG, ["lyrics"]),
        lambda: requests.parse(b"{}", f"application/json; charset={LONG}", ["lyrics"]),
        lambda: mlflow_model.checked_params({f"{n}{LONG[:9]}": 1 for n in range(100_000)}),
        lambda: mlflow_model.checked_params({"k": LONG}),
        lambda: mlflow_model.checked_params({"language": [LONG]}),
        lambda: facts.checked(artist=LONG),
        lambda: facts.checked(year=LONG),
        lambda: facts.checked(year="1" * 5_000),
        lambda: facts.checked(year=10**4_000),
        lambda: facts.checked(tags="a," * 101),
        lambda: facts.checked(tags=LONG),
        lambda: facts.checked(tags=["x" * 5_001] * 2),
        lambda: _check_options(LONG, None, None),
        lambda: _check_options(1, None, LONG),
    ],
)
def test_a_message_echoes_100_characters_at_most(refuse: object) -> None:
    with pytest.raises(ValueError, match="received") as caught:
        refuse()  # type: ignore[operator]
    assert len(str(caught.value)) < 350
    assert "x" * 101 not in str(caught.value)


def test_the_most_tags_and_the_longest_artist_are_taken() -> None:
    taken = facts.checked(artist="x" * 1_000, tags=",".join(f"{n:098}" for n in range(100)))
    assert len(taken.tags) == 100
