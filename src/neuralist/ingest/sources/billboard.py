"""Billboard year files, billboard/YYYY.json: a list of records {artist, title, year, tags, lyrics, ...}.

Form: github kevinschaich/billboard, data/years. `where` is `file:index`, counted from 0 as jq does.
"""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

from neuralist.ingest import columns
from neuralist.ingest.sources import common

_FIELDS = ("artist", "title", "year", "tags", "lyrics")


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """Read all year files of `folder`/billboard.

    Returns:
        records, rejects and unread, see `neuralist.ingest.sources.common`; a record without year gets the
        year of its file name.

    Raises:
        ValueError: a file is no JSON list, is truncated or is not UTF-8, no record at all can be used, or two
            fields are swapped.
    """
    records, faults, names = [], [], dict[str, None]()
    for path in sorted((folder / "billboard").glob("[!.]*.json")):
        file_name = path.relative_to(folder).as_posix()
        for index, entry in enumerate(_entries(path, file_name)):
            where = f"{file_name}:{index}"
            fields = _named(entry) if isinstance(entry, dict) else {"artist": entry}
            names |= dict.fromkeys(fields)
            fault = _fault(fields)
            if fault:
                faults.append(("billboard", where, *fault))
            else:
                records.append(_record(fields, where, path.stem))
    table, rejects = common.entries("billboard/*.json", records, common.RECORDS, faults)
    common.check_swapped("billboard/*.json", table, "lyrics")
    return table, rejects, common.unread("billboard/*.json", names, _FIELDS)


def _named(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the entry with its fields under their known names, unless one is written so already."""
    known = {name: columns.canonical(name) for name in entry}
    return {name if known[name] in entry else known[name]: value for name, value in entry.items()}


def _entries(path: Path, file_name: str) -> list[object]:
    text = common.text(path, file_name)
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{file_name}:{error.lineno}: cut short or no JSON ({error.msg}); put the whole file there"
        ) from error
    except ValueError:  # what Python says of it names no file
        raise ValueError(f"{file_name}: a number of more than 4,300 digits; write it shorter") from None
    except RecursionError:
        raise ValueError(f"{file_name}: brackets nested too deep; expected a list of records") from None
    if not isinstance(entries, list):
        raise ValueError(f"{file_name}: expected a list of records, received {type(entries).__name__}")
    return entries


def _fault(entry: dict[str, Any]) -> tuple[str, str] | None:
    for field in ("artist", "title", "lyrics"):
        if not isinstance(entry.get(field), str):
            return f"{field} is missing or not text", common.shortened(entry.get(field))
        if field != "lyrics" and not entry[field].strip():
            return f"{field} is empty", common.shortened(entry[field])
    tags = entry.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        return "tags is not a list of texts", common.shortened(tags)
    named = {field: entry[field] for field in ("artist", "title", "lyrics")}
    if fault := common.too_long(named | {"tags": ";".join(tags)}):
        return fault
    try:
        "".join([entry["artist"], entry["title"], entry["lyrics"], *tags]).encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which is no character", common.shortened(entry["title"])
    return None


def _record(entry: dict[str, Any], where: str, stem: str) -> dict[str, object]:
    year = entry.get("year")
    if year is None:
        year = stem if re.fullmatch("[0-9]{4}", stem) else None
    names = {field: " ".join(entry[field].split()) for field in ("artist", "title")}
    tags = [tag for tag in entry.get("tags") or [] if tag.strip()]
    return {"where": where, **names, **common.year_columns(year), "tags": tags, "lyrics": entry["lyrics"]}
