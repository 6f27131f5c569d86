"""A song's genre is that of its first tag that a list holds."""

from collections import Counter

import pytest
from pydantic import TypeAdapter

from neuralist.config import params
from neuralist.text import genres

OWN = {"rock": ("rock", "hard rock"), "soul": ("soul", "Rock")}


@pytest.mark.parametrize(
    ("tags", "genre"),
    [
        (["loud", "HARD ROCK", "soul"], "rock"),
        (["soul", "rock"], "soul"),
        (["rock"], "rock"),  # Two lists hold it.
        (["loud"], "other"),
        ([], "other"),
    ],
)
def test_genre_is_that_of_the_first_tag_that_has_one(tags: list[str], genre: str) -> None:
    assert genres.of_song(tags, genres.by_tag(OWN)) == genre


def test_without_lists_of_ones_own_those_of_the_package_are_read() -> None:
    by_tag = genres.by_tag(None)

    assert genres.of_song(["Motown", "rock"], by_tag) == "soul"
    assert genres.of_song(["rock & roll"], by_tag) == "rock"
    assert len(set(by_tag.values())) == 12


def test_the_packages_lists_are_as_params_would_take_them_and_hold_no_tag_twice() -> None:
    lists = TypeAdapter(params.Songs.model_fields["genres"].annotation).validate_python(
        params.read_yaml(genres.DEFAULT)
    )

    assert [
        tag for tag, count in Counter(tag for tags in lists.values() for tag in tags).items() if count > 1
    ] == []
