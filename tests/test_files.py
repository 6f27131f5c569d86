"""Files that git could not merge are refused, with the first line that says so; so is YAML that grows."""

from pathlib import Path

import pytest
import yaml
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


# --- YAML ------------------------------------------------------------------------------------------

# Lists of ten aliases each: 10 values, then a hundred, a thousand, ...
ALIASES = "n0: &n0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"n{row}: &n{row} [{', '.join([f'*n{row - 1}'] * 10)}]\n" for row in range(1, 9)
)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000, "a: " + "[" * 100 + "]" * 100]
)
def test_yaml_that_is_nested_too_deep_is_refused_and_ends_no_process(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match="nested more than 100 deep"):
        files.parse_yaml(text)


def test_aliases_that_stand_for_too_many_values_are_refused() -> None:
    with pytest.raises(yaml.YAMLError, match=r"its aliases \(\*\) stand for more than 1,000,000 values"):
        files.parse_yaml(ALIASES)


def test_yaml_with_a_few_aliases_and_lists_is_read() -> None:
    few = "".join(ALIASES.splitlines(keepends=True)[:3])

    assert files.parse_yaml(few)["n2"] == [[[1] * 10] * 10] * 10
    assert files.parse_yaml("a: " + "[" * 98 + "]" * 98) is not None
    assert files.parse_yaml("") is None
