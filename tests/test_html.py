"""What pages and terminals show of texts of others: characters that act on their neighbours are marks."""

import jinja2
import pytest

from neuralist import html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("song\u202egnp.exe", "song�gnp.exe"),
        ("\u202aa\u202bb\u202cc\u202dd", "�a�b�c�d"),
        ("\u2066a\u2067b\u2068c\u2069", "�a�b�c�"),
        ("bell\x07 \x1b[31mred\x9b0m null\x00", "bell� �[31mred�0m null�"),
        ("one\u2028two\u2029three\x85four", "one�two�three�four"),
        ("half \ud83d", "half �"),
        ("two\nlines\tand\r\n", "two\nlines\tand\r\n"),
        (
            "שלום \u200fعليكم 👨\u200d👩\u200d👧 é e\u0301 歌",
            "שלום \u200fعليكم 👨\u200d👩\u200d👧 é e\u0301 歌",
        ),
    ],
)
def test_characters_that_act_are_marks_and_writing_stays(text: str, shown: str) -> None:
    assert html.visible(text) == shown


def test_a_page_shows_every_value_so_and_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    template = "<p>{{ note }} {{ rows[0].name | upper }} {{ number }} {{ data | tojson }}</p>"
    monkeypatch.setattr(jinja2, "PackageLoader", lambda package: jinja2.DictLoader({"page": template}))
    rows = [{"name": "a\u202eb<"}]
    page = html.render("any", "page", note="x\u2067&", rows=rows, number=3, data=["\u202e"])
    assert page == '<p>x�&amp; A�B&lt; 3 ["\\u202e"]</p>'
