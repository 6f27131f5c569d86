"""`neuralist predict` and `embed`: streamed, whole or not at all, and a bad row never passes unseen."""

import csv
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import tenths
from typer.testing import CliRunner, Result

from neuralist.cli import app, batch, streams
from neuralist.serving.model import Model

ENDINGS = (".csv", ".parquet")
RESULTS = ["similarity", "similar", "decile", "tokens_used_a", "tokens_used_b", "known_a", "known_b", "error"]
Row = dict[str, Any]
# The song of row 3 holds all that a csv field may hold.
PAIRS: list[Row] = [
    {"n": "1", "lyrics_a": "one", "lyrics_b": "a three", "note": ""},
    {"n": "2", "lyrics_a": "two", "lyrics_b": "two", "note": "NA"},
    {"n": "3", "lyrics_a": 'la, "la"\r\nla\n\nseven', "lyrics_b": "zero", "note": "=1+1, <b>"},
]
BAD: list[Row] = [
    PAIRS[0],
    {"n": "2", "lyrics_a": "one", "lyrics_b": "", "note": ""},
    {"n": "3", "lyrics_a": "…", "lyrics_b": "one", "note": ""},
    PAIRS[1],
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tenths.write(tmp_path_factory.mktemp("model") / "served"))


def write(path: Path, rows: list[Row], columns: list[str] | None = None) -> Path:
    names = columns or list(rows[0])
    if path.suffix == ".parquet":
        pq.write_table(pa.table({name: pa.array([row[name] for row in rows]) for name in names}), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([names, *([row[name] for name in names] for row in rows)])
    return path


def read(path: Path) -> pd.DataFrame:
    """The table, texts as they stand in it."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, keep_default_na=False, na_values={"similarity": [""], "error": [""]})


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refusal(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    return line.removeprefix("error: ")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("target", ENDINGS)
def test_predict_by_hand(model: str, tmp_path: Path, ending: str, target: str) -> None:
    source, out = write(tmp_path / f"pairs{ending}", PAIRS), tmp_path / f"out{target}"
    result = run("predict", source, out, "--model", model, "--json")
    assert json.loads(result.stdout) == {"out": str(out), "rows": 3, "bad": 0}
    found = read(out)
    assert list(found) == [*PAIRS[0], *RESULTS]
    for name in PAIRS[0]:
        assert found[name].astype(str).tolist() == [row[name] for row in PAIRS]
    assert found.similarity.tolist() == pytest.approx([math.exp(-0.2), 1, math.exp(-0.7)], abs=1e-6)
    assert found.similar.tolist() == [True, True, False]
    assert found.decile.tolist() == [8, 9, 4]
    assert found.tokens_used_a.tolist() == [1, 1, 4]
    assert found.tokens_used_b.tolist() == [2, 1, 1]
    # "a" and "la" are no words of the vocabulary.
    assert found.known_a.tolist() == [1, 1, 0.25]
    assert found.known_b.tolist() == [0.5, 1, 1]
    assert found.error.isna().all()


FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "-one", "+"]
PLAIN = ["-3", "+4.5", "-1e-7", "-0,5", "1-1", "'=1", " a", "é=", ""]


@pytest.mark.parametrize("ending", ENDINGS)
def test_formulas_of_the_input_are_copied_and_on_demand_guarded(
    model: str, tmp_path: Path, ending: str
) -> None:
    rows = [{"=n": cell, "lyrics_a": "one", "lyrics_b": "=two"} for cell in FORMULAS + PLAIN]
    source, out = write(tmp_path / f"pairs{ending}", rows), tmp_path / "out.csv"

    def written(*option: str) -> list[list[str]]:
        assert run("predict", source, out, "--model", model, *option).exit_code == 0
        with out.open(encoding="utf-8", newline="") as file:
            return [line[:3] for line in csv.reader(file)]

    header = ["=n", "lyrics_a", "lyrics_b"]
    assert written() == [header, *([cell, "one", "=two"] for cell in FORMULAS + PLAIN)]
    guarded = [*(f"'{cell}" for cell in FORMULAS), *PLAIN]
    expected = [["'=n", *header[1:]], *([cell, "one", "'=two"] for cell in guarded)]
    assert written("--guard-formulas") == expected


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())], ids=str
)
def test_formulas_are_guarded_in_every_type_of_text(kind: pa.DataType) -> None:
    cells = pa.array(["=1+1", "one", None, "-3"]).cast(kind)
    guarded = streams.guard_formulas(pa.table({"n": cells, "m": pa.array([-1, 2, 3, 4])}))
    assert guarded["n"].cast(pa.string()).to_pylist() == ["'=1+1", "one", None, "-3"]
    assert guarded["m"].to_pylist() == [-1, 2, 3, 4]


def test_a_parquet_file_has_no_formulas_to_guard(model: str, tmp_path: Path) -> None:
    source, out = write(tmp_path / "pairs.csv", PAIRS), tmp_path / "out.parquet"
    said = refusal("predict", source, out, "--model", model, "--guard-formulas")
    assert said == f"--guard-formulas: {out} is no csv file, so nothing in it is run; leave it out"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_text_of_no_known_word_does_not_stop_and_gets_no_similarity(
    model: str, tmp_path: Path, ending: str
) -> None:
    rows = [PAIRS[1], {"n": "2", "lyrics_a": "one", "lyrics_b": "unheard of", "note": ""}]
    out = tmp_path / f"out{ending}"
    result = run("predict", write(tmp_path / "pairs.csv", rows), out, "--model", model)
    assert result.stdout == f"{out}: 2 rows, 1 of them without a result (see column error)\n"
    found = read(out)
    assert found.similarity.isna().tolist() == [False, True]
    assert found.known_b.tolist() == [1, 0]
    reason = "a text of which the model knows no word; give lyrics in a language whose words it knows"
    assert found.error.tolist()[1] == f"column lyrics_b: received {reason}"


def test_a_text_of_no_known_word_gets_no_embedding(model: str, tmp_path: Path) -> None:
    texts = [{"id": "x", "text": "one"}, {"id": "y", "text": "unheard of"}]
    out = tmp_path / "out.csv"
    result = run("embed", write(tmp_path / "texts.csv", texts), out, "--model", model)
    assert result.stdout == f"{out}: 2 rows, 1 of them without a result (see column error)\n"
    found = pd.read_csv(out)
    assert found.v1.isna().tolist() == found.error.isna().tolist()[::-1] == [False, True]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_bad_row_stops_with_its_number_and_leaves_no_file(model: str, tmp_path: Path, ending: str) -> None:
    source, out = write(tmp_path / f"pairs{ending}", BAD), tmp_path / "out.csv"
    said = refusal("predict", source, out, "--model", model)
    assert said.startswith(f"{source}: row 2, column lyrics_b: received an empty text")
    assert sorted(tmp_path.iterdir()) == [source]


def test_an_earlier_output_survives_a_failure(model: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("earlier")
    refusal("predict", write(tmp_path / "pairs.csv", BAD), out, "--model", model)
    assert out.read_text() == "earlier"


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("target", ENDINGS)
def test_bad_rows_may_be_written_and_counted(model: str, tmp_path: Path, ending: str, target: str) -> None:
    source, out = write(tmp_path / f"pairs{ending}", BAD), tmp_path / f"out{target}"
    result = run("predict", source, out, "--skip-bad", "--model", model)
    assert result.stdout == f"{out}: 4 rows, 2 of them without a result (see column error)\n"
    found = read(out)
    assert found.similarity.isna().tolist() == [False, True, True, False]
    assert found.similarity.dropna().tolist() == pytest.approx([math.exp(-0.2), 1], abs=1e-6)
    assert found.error.fillna("").str.slice(0, 32).tolist() == [
        "",
        "column lyrics_b: received an emp",
        "column lyrics_a: received a text",
        "",
    ]
    assert found.n.astype(str).tolist() == ["1", "2", "3", "2"]


@pytest.mark.parametrize(("value", "said"), [(None, "null"), (5, "a number"), (["one"], "a list")])
def test_values_of_parquet_that_are_no_texts(model: str, tmp_path: Path, value: Any, said: str) -> None:
    source = tmp_path / "pairs.parquet"
    pq.write_table(pa.table({"lyrics_a": pa.array([value]), "lyrics_b": ["one"]}), source)
    assert f"row 1, column lyrics_a: received {said}" in refusal(
        "predict", source, tmp_path / "out.parquet", "--model", model
    )


WORD = st.sampled_from([*tenths.WORDS, "unheard", "Ünïcode", "", "?", 'with, "all"\nsigns one'])


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(st.tuples(WORD, WORD), max_size=12),
    chunk=st.integers(1, 13),
    ending=st.sampled_from(ENDINGS),
    target=st.sampled_from(ENDINGS),
)
def test_the_size_of_a_chunk_changes_nothing(
    model: str, rows: list[tuple[str, str]], chunk: int, ending: str, target: str
) -> None:
    loaded = Model.load(Path(model))
    texts = [{"lyrics_a": a, "lyrics_b": b} for a, b in rows]
    # These have no word, or none of the vocabulary.
    bad = sum(not {a, b}.isdisjoint({"", "?", "unheard", "Ünïcode"}) for a, b in rows)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        columns = ["lyrics_a", "lyrics_b"]
        source = write(folder / f"pairs{ending}", texts, columns)
        for name, size in (("whole", 1000), ("parts", chunk)):
            counts = batch.predict_file(loaded, source, folder / f"{name}{target}", chunk=size, skip_bad=True)
            assert counts == (len(rows), bad)
        whole, parts = (read(folder / f"{name}{target}") for name in ("whole", "parts"))
    pd.testing.assert_frame_equal(whole, parts)
    assert len(whole) == len(rows)


def test_ctrl_c_leaves_nothing_behind(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    predict = Model.predict

    def interrupted(model: Model, *texts: list[str], cleaned: bool) -> pd.DataFrame:
        calls.append(len(texts[0]))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return predict(model, *texts, cleaned=cleaned)

    monkeypatch.setattr(Model, "predict", interrupted)
    monkeypatch.setattr(
        batch.predict_file, "__kwdefaults__", batch.predict_file.__kwdefaults__ | {"chunk": 1}
    )
    source = write(tmp_path / "pairs.csv", PAIRS)
    result = run("predict", source, tmp_path / "out.csv", "--model", model)
    out = tmp_path / "out.csv"
    line = f"stopped by Ctrl-C; {out} was not written; call again to begin at the first row\n"
    assert (result.exit_code, result.output) == (130, line)
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty; give a table with a header"),
        (b"lyrics_a,text\none,two\n", "columns ['lyrics_b'] are missing; found ['lyrics_a', 'text']"),
        (b"lyrics_a,lyrics_a,lyrics_b\n", "columns ['lyrics_a'] stand twice"),
        (b"lyrics_a,lyrics_b\none,two\none,two,three\n", "row 2, received 3 fields for 2 columns"),
        (b"lyrics_a,lyrics_b\none,two\none\n", "row 2, received 1 fields for 2 columns"),
        (b'lyrics_a\tlyrics_b\n"one\ttwo\n', "columns are separated by tabs"),
        (b'lyrics_a,lyrics_b\none,"two\n', "row 1 is no CSV (unexpected end of data)"),
        (b"lyrics_a,lyrics_b\none,tw\xe9\n", "not UTF-8 some way after row 0"),
        (b"lyrics_a,lyrics_b,decile\none,two,1\n", "columns ['decile'] of the input have names that"),
    ],
)
def test_a_table_that_is_none_is_refused(model: str, tmp_path: Path, content: bytes, said: str) -> None:
    source = tmp_path / "pairs.csv"
    source.write_bytes(content)
    assert said in refusal("predict", source, tmp_path / "out.csv", "--model", model)
    assert list(tmp_path.iterdir()) == [source]


def test_fields_too_many_or_few_may_be_written_too(model: str, tmp_path: Path) -> None:
    source, out = tmp_path / "pairs.csv", tmp_path / "out.csv"
    source.write_text("lyrics_a,lyrics_b\none,two\none\none,two,three\n")
    assert run("predict", source, out, "--skip-bad", "--model", model).exit_code == 0
    assert read(out).error.fillna("").str.slice(0, 26).tolist() == [
        "",
        "received 1 fields for 2 co",
        "received 3 fields for 2 co",
    ]


@pytest.mark.parametrize(
    ("source", "out", "said"),
    [
        ("none.csv", "out.csv", "none.csv: no such file"),
        ("pairs.csv", "out.json", "out.json: ends in .json; give a .csv or a .parquet file"),
        ("pairs.csv", "pairs.csv", "pairs.csv: is the input itself; name another output"),
        ("false.parquet", "out.csv", "false.parquet: no readable parquet file"),
        ("lists.parquet", "out.csv", "columns ['tags'] hold lists, which csv cannot; name a .parquet file"),
    ],
)
def test_files_that_cannot_be_used(model: str, tmp_path: Path, source: str, out: str, said: str) -> None:
    write(tmp_path / "pairs.csv", PAIRS)
    (tmp_path / "false.parquet").write_text("lyrics_a")
    write(tmp_path / "lists.parquet", [{**PAIRS[0], "tags": ["rock"]}])
    assert said in refusal("predict", tmp_path / source, tmp_path / out, "--model", model)


# --- embed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("target", ENDINGS)
def test_embed_by_hand(model: str, tmp_path: Path, ending: str, target: str) -> None:
    rows = [{"id": "a", "text": "ends in four", "other": "x"}, {"id": "b", "text": "seven", "other": "y"}]
    source, out = write(tmp_path / f"in{ending}", rows), tmp_path / f"out{target}"
    assert run("embed", source, out, "--model", model).stdout == f"{out}: 2 rows\n"
    found = read(out)
    assert list(found) == ["id", "v1", "error"]
    assert found.id.tolist() == ["a", "b"]
    assert found.v1.tolist() == pytest.approx([0.4, 0.7], abs=1e-6)


def test_embed_takes_other_columns_and_writes_bad_rows(model: str, tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", [{"song": "a", "lyrics": "?"}, {"song": "b", "lyrics": "one"}])
    out = tmp_path / "out.parquet"
    options = ("--text-column", "lyrics", "--id-column", "song", "--model", model)
    assert "row 1, column lyrics: received a text without any word" in refusal("embed", source, out, *options)
    assert run("embed", source, out, *options, "--skip-bad").exit_code == 0
    found = read(out)
    assert found.v1.isna().tolist() == [True, False]
    assert found.v1[1] == pytest.approx(0.1, abs=1e-6)
    assert found.error.isna().tolist() == [False, True]


def test_embed_says_which_columns_there_are(model: str, tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", [{"song": "a", "lyrics": "one"}])
    said = refusal("embed", source, tmp_path / "out.csv", "--model", model)
    assert said == (
        f"{source}: columns ['text', 'id'] are missing; found ['song', 'lyrics']; if they hold the same, "
        "rename 'lyrics' to 'text'; --text-column and --id-column take other names"
    )


def test_columns_are_taken_in_any_case_and_order(model: str, tmp_path: Path) -> None:
    pairs = write(tmp_path / "pairs.csv", [{" Lyrics B": "two", "n": "1", "LYRICS-A": "one"}])
    assert run("predict", pairs, tmp_path / "out.csv", "--model", model).exit_code == 0
    found = read(tmp_path / "out.csv")
    assert list(found) == [" Lyrics B", "n", "LYRICS-A", *RESULTS]
    assert found.similarity.tolist() == pytest.approx([math.exp(-0.1)], abs=1e-6)

    texts = write(tmp_path / "in.parquet", [{"Text": "one", "year": "1999", "ID": "x"}])
    assert run("embed", texts, tmp_path / "vectors.csv", "--model", model).exit_code == 0
    assert read(tmp_path / "vectors.csv")["ID"].tolist() == ["x"]


def test_a_bad_row_names_the_column_as_the_table_does(model: str, tmp_path: Path) -> None:
    pairs = write(tmp_path / "pairs.csv", [{"Lyrics A": "", "Lyrics B": "two"}])
    said = refusal("predict", pairs, tmp_path / "out.csv", "--model", model)
    assert "row 1, column Lyrics A: received an empty text" in said


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_table_without_rows_keeps_its_columns(model: str, tmp_path: Path, ending: str) -> None:
    source = tmp_path / f"in{ending}"
    if ending == ".csv":
        source.write_text("id,text\n")
    else:
        pq.write_table(pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())}), source)
    counts = batch.embed_file(Model.load(Path(model)), source, tmp_path / "out.csv")
    assert counts == (0, 0)
    assert (tmp_path / "out.csv").read_text() == '"id","v1","error"\n'
