"""The years that a song may be of; any other one is a slip."""

from datetime import UTC, datetime

FIRST = 1000


def latest() -> int:
    """Return next year, of which songs are announced."""
    return datetime.now(UTC).year + 1
