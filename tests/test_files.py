"""Files that git could not merge are refused, with the first line that says so."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralist import files

PATH = Path("params.yaml")
# A line that begins with seven of one of these signs may be a mark; drawn texts have none.
LINES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="<>=|\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
)
MARKS = st.sampled_from(["<<<<<<< HEAD", "||||||| 1a2b3c", "=======", ">>>>>>> theirs", "<<<<<<<"])


@given(before=LINES, mark=MARKS, after=LINES)
def test_the_first_mark_of_a_conflict_is_named_by_its_line(
    before: list[str], mark: str, after: list[str]
) -> None:
    text = "\n".join([*before, mark, *after])
    with pytest.raises(ValueError, match=f"^params.yaml: line {len(before) + 1}, '") as refused:
        files.refuse_conflict(PATH, text)
    assert f"'{mark}', marks a merge conflict; keep one side" in str(refused.value)


@given(lines=LINES)
def test_a_text_without_marks_passes(lines: list[str]) -> None:
    more = [
        "  ======= indented",
        "key: <<<<<<< HEAD",
        "========",
        "<< : *defaults",
        "# ======= heading =======",
    ]
    files.refuse_conflict(PATH, "\n".join([*lines, *more]))


def test_marks_with_the_line_ends_of_windows_are_marks() -> None:
    with pytest.raises(ValueError, match="line 2, '======='"):
        files.refuse_conflict(PATH, "run: [a]\r\n=======\r\nrun: [b]\r\n")
