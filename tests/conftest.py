"""What every test may ask for: the real data when this machine has it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(
            f"needs the third-party data in {folder.parent.name}/{name}, which is not on this machine"
        )
    return folder


@pytest.fixture(scope="session")
def real() -> Path:
    """The Million Song / Last.fm / Billboard subset, raw."""
    return _shared("real")


@pytest.fixture(scope="session")
def paper() -> Path:
    """The predecessor's own table in the generic form."""
    return _shared("paper")
