"""Last.fm lists in every form, with every fault that a list or an entry of it can have."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from tests import raw

from neuralist.ingest.sources.common import Similarities

FORMS = ["similars_src", "similars_dest", "json"]
TRACKS = [f"TR{name}" for name in ("a", "B", "it's", 'say "x"', "é", "e\u0301", "\U0001f3b5", " b ", "%\\n")]
_NUMBERS = "0.5 1 0 -0.0 +.5 5.e-1 0.1234567890123457 5e-324 1e-400 0.99999999999999999 00.5"
_OTHERS = "nan NaN inf -Infinity 1e400 1.5 -0.1 x e5 . 0_5 0.5d 0.5F 0x1p-1 ٠.5 null true"
_SPACED = ["", " 0.25", "\t0.5\r\n", "\x0b0.5\x0c", "0.5\x00", "\x1f0.5", "0.5\u2028", "\xa00.5", "0.5\x85"]
_SCORES = [*_NUMBERS.split(), *_OTHERS.split(), *_SPACED]
_TARGETS = [*TRACKS, "TRz", "tra", ""]
_ENTRIES = [[_TARGETS[at % 12], _SCORES[at % len(_SCORES)]] for at in range(7 * 16)]
_LISTS: list[tuple[str | None, list[Any]]] = [
    ("TRz", _ENTRIES[:2]),
    ("TRz", []),
    *((track, _ENTRIES[16 * at : 16 * (at + 1)]) for at, track in enumerate(TRACKS[:7])),
    (None, _ENTRIES[:2]),
    ("", []),
    (TRACKS[1], _ENTRIES[:5]),
    (TRACKS[7], []),
    (TRACKS[7], _ENTRIES[:1]),
]
# Of tracks TR0, TR1, ... each.
_ODD = ["TRa", "TRa,0.5,TRB", ",", None]
_JSON = [
    *[None, {"TRa": 0.5}, "TRa", ["TRa"], [["TRa"]], [["TRa", 0.5, 1]], [{"TRa": 1, "TRB": 1}], [None]],
    [["TRa", score] for score in (0.5, 1, 1.5, -2, 10**30, float("nan"), float("inf"), None, True, [], {})],
    [[target, 0.5] for target in (None, True, 5, [], {}, "\x00", "a,b")],
    [[None, None]],
]
KNOWN = [*TRACKS, *(f"TR{at}" for at in range(len(_JSON)))]
_TAGS = [None, "rock", ["rock", [], None, {}, [None], [" ", "1"], ["é", "100"], ["", "2"], [5], [["x"]]]]


def write(folder: Path, form: str) -> None:
    """Write them in one of FORMS."""
    if form == "json":
        lists = [*_LISTS, *((f"TR{at}", similars) for at, similars in enumerate(_JSON))]
        for at, (track, similars) in enumerate(lists):
            content = {"track_id": track, "similars": similars, "tags": _TAGS[at % 3]}
            path = folder / f"TR{at:02}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
        (folder / "TR_array.json").write_text("[1]")
        return
    rows = [
        *((track, ",".join(f"{target},{score}" for target, score in entries)) for track, entries in _LISTS),
        *((f"TR{at}", text) for at, text in enumerate(_ODD)),
    ]
    raw.database(folder, rows, form)


def assert_equal(ours: Similarities, theirs: Similarities) -> None:
    """Hold every part of one to that of the other."""
    pd.testing.assert_frame_equal(ours.listed, theirs.listed, check_exact=True)
    pd.testing.assert_frame_equal(ours.rejects, theirs.rejects)
    assert ours.with_list == theirs.with_list
    assert ours.tags == theirs.tags
    assert ours.lastfm_tags == theirs.lastfm_tags
