"""What kind of texts the table songs holds."""

from typing import Literal

import pandas as pd

Things = Literal["songs", "texts"]


def things(songs: pd.DataFrame) -> Things:
    """Return the word for the rows of tables.SONGS: songs where some have an artist or a list, else texts."""
    return "songs" if bool(songs["artist"].notna().any() or songs["has_list"].any()) else "texts"
