"""Which word is right for the rows of the table songs."""

import pandas as pd
import pytest

from neuralist.data.songs import things


@pytest.mark.parametrize(
    ("artists", "lists", "expected"),
    [
        ([None, None], [False, False], "texts"),
        ([None, "Ann"], [False, False], "songs"),
        ([None, None], [True, False], "songs"),
        ([], [], "texts"),
    ],
)
def test_rows_are_songs_where_some_have_an_artist_or_a_list(
    artists: list[str | None], lists: list[bool], expected: str
) -> None:
    table = pd.DataFrame({"artist": pd.array(artists, "str"), "has_list": pd.array(lists, "bool")})
    assert things(table) == expected
