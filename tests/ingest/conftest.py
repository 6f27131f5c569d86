"""Raw folders that several modules read."""

from pathlib import Path

import pytest
from tests import raw


@pytest.fixture
def two_songs(tmp_path: Path) -> Path:
    """Two songs of one track each, TRAAA1 and TRBBB1, with lists in a database."""
    raw.database(raw.two_songs(tmp_path), [("TRAAA1", "TRBBB1,0.5")])
    return tmp_path
