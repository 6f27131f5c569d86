"""Genres of songs from their tags, by lists of tags: those of genres.yaml, or a mapping of the user's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from neuralist.config import params

OTHER = "other"  # of a song of no genre that is known
DEFAULT = Path(__file__).with_name("genres.yaml")


def by_tag(genres: dict[str, tuple[str, ...]] | None) -> dict[str, str]:
    """The genre of each tag, case-folded; of a tag in several lists the first one's.

    Args:
        genres: tags of each genre; None: those of genres.yaml.
    """
    lists = params.read_yaml(DEFAULT) if genres is None else genres
    return {tag.casefold(): genre for genre, tags in reversed(lists.items()) for tag in tags}


def of_song(tags: Sequence[str], genre_by_tag: Mapping[str, str]) -> str:
    """Return the genre of the first tag that has one, case aside, else OTHER."""
    return next((genre_by_tag[tag.casefold()] for tag in tags if tag.casefold() in genre_by_tag), OTHER)
