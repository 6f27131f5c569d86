"""Workspaces: the pipeline on another raw folder, with the checkout left as it was."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from neuralist import workspace
from neuralist.config import corpus, params, records
from neuralist.ingest.sources import generic_csv

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what a workspace links to."""
    folder = tmp_path / "checkout"
    for part in ("src", "pipelines"):
        (folder / part).mkdir(parents=True)
    (folder / "dvc.yaml").write_text("stages: {}\n")
    shutil.copy(ROOT / "params.yaml", folder)
    return folder


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return make_raw(tmp_path / "songs of ours")


def make_raw(folder: Path, settings: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "texts.csv").write_text("id,text\n1,la la\n")
    if settings:
        (folder / "corpus.yaml").write_text(settings)
    return folder


def test_a_workspace_links_the_pipeline_and_the_raw_folder(checkout: Path, raw: Path) -> None:
    folder = workspace.prepare(raw, checkout).folder

    assert folder == checkout / "work" / "songs-of-ours"
    assert (folder / "data").resolve() == raw
    for part in ("src", "pipelines", "dvc.yaml"):
        assert (folder / part).resolve() == checkout / part
    assert (folder / ".dvc" / ".." / ".." / ".." / ".dvc" / "cache").resolve() == checkout / ".dvc" / "cache"


def test_a_name_may_be_given(checkout: Path, raw: Path) -> None:
    assert workspace.prepare(raw, checkout, "ours").folder.name == "ours"


def test_the_checkouts_files_stay_as_they_are(checkout: Path, raw: Path) -> None:
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    workspace.prepare(raw, checkout)
    after = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file() and path in before}

    assert after == before


def test_a_workspace_keeps_the_changes_of_its_catalogue(checkout: Path, raw: Path) -> None:
    path = workspace.prepare(raw, checkout).folder / "catalogue/removed.csv"
    assert path.read_text() == "id,date,reason\n"
    path.write_text("id,date,reason\ns1,,\n")

    workspace.prepare(raw, checkout)
    assert path.read_text() == "id,date,reason\ns1,,\n"


def test_without_a_corpus_yaml_the_params_are_the_checkouts_but_for_the_models_name(
    checkout: Path, raw: Path
) -> None:
    folder = workspace.prepare(raw, checkout).folder

    expected = params.read_yaml(checkout / "params.yaml")
    expected["register"]["name"] = "neuralist-songs-of-ours"
    assert params.read_yaml(folder / "params.yaml") == expected


def test_a_corpus_may_name_its_model(checkout: Path, tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "ours", "register: {name: charts}\n")
    path = workspace.prepare(raw, checkout).folder / "params.yaml"
    assert params.load(path).registration.name == "charts"


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("歌詞", "歌詞"),
        ("песни", "песни"),
        ("गीत", "गीत"),  # its vowel sign is no letter
        ("Chansons d'été", "Chansons-d-été"),
        ("e\u0301te\u0301", "été"),  # as some file systems keep it
        ("🎵", "raw"),
    ],
)
def test_a_folder_named_in_any_script_gets_a_workspace_and_a_model_of_its_own(
    checkout: Path, tmp_path: Path, folder: str, name: str
) -> None:
    made = workspace.prepare(make_raw(tmp_path / folder), checkout).folder
    assert made == checkout / "work" / name
    assert params.load(made / "params.yaml").registration.name == f"neuralist-{name}"


@pytest.mark.parametrize("name", ["recommender", "songs-recommender"])
def test_the_name_of_another_second_model_is_refused(checkout: Path, tmp_path: Path, name: str) -> None:
    message = rf"^NAME={name}: not usable .* neuralist-{name}, the name of another corpus' second model; give"
    with pytest.raises(ValueError, match=message):
        workspace.prepare(make_raw(tmp_path / name), checkout)
    assert not (checkout / "work").exists()


def test_corpus_yaml_is_laid_over_and_its_experiments_replace_the_list(
    checkout: Path, tmp_path: Path
) -> None:
    text = "similarity_range: [1, 5]\npairs: {test_fold: 3}\nexperiments: {only: {max_tokens: 9}}\n"
    raw = make_raw(tmp_path / "graded", text + "songmap: {experiment: only}\n")
    settings = params.load(workspace.prepare(raw, checkout).folder / "params.yaml")

    assert settings.similarity_range == (1, 5)
    assert settings.pairs.test_fold == 3
    assert settings.pairs.seed == 2017
    assert list(settings.experiments) == ["only"]
    assert settings.experiment("only").max_tokens == 9


def test_preparing_again_follows_both_files_and_rewrites_nothing_in_vain(checkout: Path, raw: Path) -> None:
    path = workspace.prepare(raw, checkout).folder / "params.yaml"
    dated = path.stat().st_mtime_ns
    workspace.prepare(raw, checkout)
    assert path.stat().st_mtime_ns == dated

    (raw / "corpus.yaml").write_text("train: {units: 7}\n")
    workspace.prepare(raw, checkout)
    assert params.load(path).train.units == 7


def test_the_params_file_says_where_it_came_from(checkout: Path, raw: Path) -> None:
    assert (
        "make repro RAW"
        in (workspace.prepare(raw, checkout).folder / "params.yaml").read_text().splitlines()[0]
    )


def test_a_relative_raw_folder_is_found(checkout: Path, raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)

    assert (workspace.prepare(Path("../songs of ours"), checkout).folder / "data").resolve() == raw


def test_a_raw_folder_inside_the_checkout_is_served(checkout: Path) -> None:
    raw = make_raw(checkout / "data" / "other")

    assert (workspace.prepare(raw, checkout).folder / "data").resolve() == raw


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("missing", "missing: no such folder"),
        ("file", "file: this is a file"),
        ("empty", "empty: this folder is empty"),
        ("checkout", "holds the checkout itself"),
        (".", "holds the checkout itself"),
    ],
)
def test_an_unusable_raw_folder_is_refused(checkout: Path, tmp_path: Path, folder: str, message: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()

    with pytest.raises(ValueError, match=message):
        workspace.prepare(tmp_path / folder, checkout)
    assert not (checkout / "work").exists()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "a/b", "-x", "a b", "a:b", "checkpoints", "x" * 101, "é" * 51]
)
def test_an_odd_name_is_refused(checkout: Path, raw: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not usable for a workspace"):
        workspace.prepare(raw, checkout, name)


def test_a_name_serves_one_raw_folder(checkout: Path, raw: Path, tmp_path: Path) -> None:
    workspace.prepare(raw, checkout, "ours")

    with pytest.raises(
        ValueError,
        match=r"work/ours already serves .*songs of ours.*NAME=.*put them there.*work/ours/catalogue",
    ):
        workspace.prepare(make_raw(tmp_path / "others"), checkout, "ours")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("expected: {sonks: [1, 2]}", r"corpus\.yaml.*expected\.sonks"),
        ("colour: red", r"corpus\.yaml: colour: unknown key 'colour'; remove it$"),
        ("epoch: 3", r"corpus\.yaml: epoch: unknown key 'epoch'; did you mean 'epochs'\?$"),
        ("regster: {name: a}", r"corpus\.yaml: regster: unknown key 'regster'; did you mean 'register'\?$"),
        ("register: {nam: a}", r"corpus\.yaml.*register\.nam: unknown key 'nam'; did you mean 'name'\?$"),
        ("register: {name: a/b}", r"corpus\.yaml.*register\.name: received 'a/b'; give letters"),
        ("train: {units: many}", r"corpus\.yaml.*train\.units"),
        ("songmap: {experiment: none}", r"corpus\.yaml.*songmap\.experiment"),
        (
            "study: {direction: minimize}",
            r"corpus\.yaml: study\.direction: it follows from study\.metric now",
        ),
        (
            "register: {metric: spearmann}",
            r"corpus\.yaml.*register\.metric: received 'spearmann'; choose one",
        ),
        ("experiments:", r"^corpus\.yaml: experiments: received None; give keys and values, or remove"),
        ("experiments: {a: {}}\nstudy: 3", r"^corpus\.yaml: study: received 3; give keys and values"),
        ("run:", r"corpus\.yaml, laid over params\.yaml: run: received None; give a list$"),
        ("note: [1]", r"corpus\.yaml: note: Input should be a valid string"),
        ("[1, 2]", r"corpus\.yaml: expected keys and values"),
        ("a: b: c", r"corpus\.yaml: not readable as YAML"),
    ],
)
def test_a_bad_corpus_yaml_is_refused_by_name_and_key(
    checkout: Path, tmp_path: Path, bad: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        workspace.prepare(make_raw(tmp_path / "bad", bad), checkout)
    assert not (checkout / "work").exists()


# --- a given split, and which experiments run -------------------------------------------------------

GIVEN = "left_id,right_id,similarity,split\n1,2,0.5,train\n"
THREE = """\
experiments:
  short: {protocol: paper, max_tokens: 9}
  shorter: {protocol: songs, target: observable, max_tokens: 9}
  other: {protocol: songs, max_tokens: 10}
"""


def split_raw(folder: Path, settings: str = THREE, pairs: str = GIVEN) -> Path:
    make_raw(folder, settings)
    (folder / "pairs.csv").write_text(pairs)
    return folder


def test_a_given_split_makes_given_the_one_protocol_and_runs_equal_experiments_once(
    checkout: Path, tmp_path: Path
) -> None:
    made = workspace.prepare(split_raw(tmp_path / "graded"), checkout)
    settings = params.load(made.folder / "params.yaml")
    assert settings.run == ("short", "other")
    assert list(settings.experiments) == ["short", "shorter", "other"]
    for name in settings.experiments:
        assert (settings.experiment(name).protocol, settings.experiment(name).target) == (
            "given",
            "listed_only",
        )
    assert settings.train.protocol == "given"
    assert made.note == (
        "pairs.csv gives the split, so protocol given replaces the others; "
        "equal by now and run once: short = shorter"
    )


def test_the_shipped_experiments_that_differ_in_protocol_alone_run_once(
    checkout: Path, tmp_path: Path
) -> None:
    shipped = params.load(checkout / "params.yaml")
    expected: dict[str, str] = {}
    for name in shipped.run:
        own = shipped.experiment(name).model_dump(exclude={"protocol", "target"})
        expected.setdefault(str(own), name)
    raw = split_raw(tmp_path / "graded", settings=f"run: {list(shipped.run)}\n")
    made = workspace.prepare(raw, checkout)
    assert params.load(made.folder / "params.yaml").run == tuple(expected.values())


@pytest.mark.parametrize(
    ("pairs", "has_list", "text", "run"),
    [
        ("1,2,0\n1,3,0.5\n2,3,1\n", "", "six words and a full stop.", ("malstm2016", "graded")),
        ("1,2,0\n1,3,0.5\n2,3,1\n", "", "Ann Lee", ("malstm2016", "graded_char", "graded")),
        ("1,2,0\n1,3,0\n2,3,1\n", "", "Ann Lee", None),  # two grades: no more than alike or not
        ("1,2,0\n1,3,0.5\n2,3,1\n", ",1", "six words and a full stop.", None),  # songs with lists
    ],
)
def test_where_pairs_grade_texts_the_recipes_for_graded_pairs_are_run(
    checkout: Path, tmp_path: Path, pairs: str, has_list: str, text: str, run: tuple[str, ...] | None
) -> None:
    raw = make_raw(tmp_path / "graded", "")
    (raw / "pairs.csv").write_text(f"left_id,right_id,similarity\n{pairs}")
    header = "id,text,has_list" if has_list else "id,text"
    (raw / "texts.csv").write_text(header + "".join(f"\n{i},{text}{has_list}" for i in (1, 2, 3)))
    made = workspace.prepare(raw, checkout)
    settings = params.load(made.folder / "params.yaml")
    assert settings.run == (run or params.load(checkout / "params.yaml").run)
    assert made.note == (f"pairs.csv grades texts, so these are run: {', '.join(run)}" if run else "")
    assert run is None or settings.mapped_experiment == settings.studied_experiment == "graded"
    check(raw, made.folder / "params.yaml")
    named = workspace.prepare(raw, checkout, experiments=["songs15"])
    assert params.load(named.folder / "params.yaml").run == ("songs15",)


def test_a_map_of_an_experiment_not_run_is_drawn_by_its_equal_or_the_last(
    checkout: Path, tmp_path: Path
) -> None:
    raw = split_raw(tmp_path / "graded", THREE + "songmap: {experiment: shorter}\n")
    for experiments, drawn in (([], "short"), (["other"], "other")):
        made = workspace.prepare(raw, checkout, experiments=experiments)
        assert params.load(made.folder / "params.yaml").mapped_experiment == drawn
        check(raw, made.folder / "params.yaml")


SPACE = "study: {space: {units: [4, 8]}}\n"
SPACES = "study: {spaces: {other: {units: [4, 8]}}}\n"


@pytest.mark.parametrize(
    ("settings", "spaces"),
    [
        ("", ["graded", "graded_char"]),
        # A space without a name is meant for what the corpus runs.
        ("run: [graded]\n" + SPACE, []),
        # The experiments of params.yaml go, and so do their spaces.
        (THREE, []),
        (THREE + SPACES, ["other"]),
        ("experiments: {graded: {units: 8}}\n", ["graded"]),
    ],
)
def test_spaces_of_params_yaml_stay_where_the_corpus_leaves_them_a_use(
    checkout: Path, tmp_path: Path, settings: str, spaces: list[str]
) -> None:
    raw = make_raw(tmp_path / "ours", settings)
    made = workspace.prepare(raw, checkout)

    loaded = params.load(made.folder / "params.yaml")
    assert list(loaded.study.spaces) == spaces
    if "units: [4, 8]" in settings:
        assert loaded.studied_space == {"units": (4, 8)}
    check(raw, made.folder / "params.yaml")


def test_a_corpus_with_a_space_of_no_experiment_is_refused(checkout: Path, tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "ours", SPACES)
    message = r"corpus\.yaml, laid over params\.yaml: study\.spaces\.other: no experiment has this name"
    with pytest.raises(ValueError, match=message):
        workspace.prepare(raw, checkout)


def test_without_a_split_protocols_stay_as_they_are(checkout: Path, tmp_path: Path) -> None:
    raw = split_raw(tmp_path / "graded", pairs="left_id,right_id,similarity\n1,2,0.5\n")
    made = workspace.prepare(raw, checkout)
    settings = params.load(made.folder / "params.yaml")
    assert [settings.experiment(name).protocol for name in settings.run] == ["paper", "songs", "songs"]
    assert made.note == ""


def test_the_experiments_to_run_may_be_named(checkout: Path, tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "ours", THREE)
    for named, run in ([], ("short", "shorter", "other")), (["other", "short"], ("other", "short")):
        made = workspace.prepare(raw, checkout, experiments=named)
        assert params.load(made.folder / "params.yaml").run == run
        check(raw, made.folder / "params.yaml")
    with pytest.raises(
        ValueError, match=r"EXPERIMENTS=short,none: 'none' is not among .*short, shorter, oth"
    ):
        workspace.prepare(raw, checkout, experiments=["short", "none"])


def test_a_corpus_may_name_which_of_its_experiments_run(checkout: Path, tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "ours", THREE + "run: [other]\n")
    assert params.load(workspace.prepare(raw, checkout).folder / "params.yaml").run == ("other",)


def test_a_split_in_the_checkouts_own_data_needs_protocol_given(checkout: Path, tmp_path: Path) -> None:
    raw = split_raw(tmp_path / "graded", settings="")
    with pytest.raises(
        ValueError, match=r"pairs\.csv gives the split, so its one protocol is given.*songs15"
    ):
        check(raw, checkout / "params.yaml")
    made = workspace.prepare(raw, checkout)
    check(raw, made.folder / "params.yaml")
    (raw / "pairs.csv").unlink()
    with pytest.raises(ValueError, match=r"protocol given for .*train, but .*graded gives no split"):
        check(raw, made.folder / "params.yaml")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Within `make test` these two say that this call is one of its own, which then tells its folder.
    alone = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=alone, capture_output=True, text=True, check=False
    )


def test_experiments_without_a_raw_folder_are_refused_with_the_command_that_works() -> None:
    said = make("repro", "EXPERIMENTS=a,b")
    assert said.returncode == 2
    assert "dvc exp run -S 'run=[a,b]'" in said.stderr.splitlines()[0]
    assert said.stdout == ""
    assert '--experiments "$EXPERIMENTS"' in make("--dry-run", "repro", "RAW=x", "EXPERIMENTS=a").stdout
    assert "--experiments" not in make("--dry-run", "repro", "RAW=x").stdout


def check(raw: Path, path: Path) -> None:
    corpus.check(corpus.read(raw), raw, path, gives_split=generic_csv.gives_split(raw))


def test_a_corpus_tells_its_note_and_epochs_to_later_stages(tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "told", "note: >-\n  All\n  made up.\nepochs: 7\npairs: {seed: 1}\n")
    told = corpus.read(raw)
    assert (told.note, told.epochs, told.values) == ("All made up.", 7, {"pairs": {"seed": 1}})
    corpus.save(told, tmp_path / "corpus.json")
    assert corpus.load(tmp_path / "corpus.json") == records.CorpusNote(note="All made up.", epochs=7)
    with pytest.raises(ValueError, match=r"nowhere\.json: missing; run `dvc repro`"):
        corpus.load(tmp_path / "nowhere.json")


def test_epochs_left_to_the_corpus_are_its_own_and_others_stay() -> None:
    settings = params.load(ROOT / "params.yaml")
    assert settings.experiment("words15").epochs == 50
    assert settings.experiment("words15", 7).epochs == 7
    named = settings.model_copy(update={"experiments": {"own": {"epochs": 3}}})
    assert named.experiment("own", 7).epochs == 3


def test_params_that_agree_with_corpus_yaml_pass(checkout: Path, tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "agreeing", "similarity_range: [0.0, 1]\npairs: {test_fold: 0}\n")
    check(raw, checkout / "params.yaml")
    check(make_raw(tmp_path / "silent"), checkout / "params.yaml")


@pytest.mark.parametrize(
    ("differing", "message"),
    [
        ("similarity_range: [1, 5]", r"similarity_range is \[1, 5\] there and \[0, 1\] in params.yaml; copy"),
        ("pairs: {seed: 2017, test_fold: 3}", r"pairs.test_fold is 3 there and 0 in params.yaml; copy"),
        (
            "study: {direction: minimize}",
            r"corpus\.yaml: study\.direction: it follows from study\.metric now",
        ),
        ("experiments: {own: {max_tokens: 15}}", r"experiments\.words15 is None there"),
    ],
)
def test_params_that_differ_from_corpus_yaml_are_named(
    checkout: Path, tmp_path: Path, differing: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check(make_raw(tmp_path / "differing", differing), checkout / "params.yaml")


def test_spaces_of_params_that_would_replace_the_corpus_own_are_named(checkout: Path, tmp_path: Path) -> None:
    values = params.read_yaml(checkout / "params.yaml")
    values["study"] |= {"space": {"units": [4, 8]}, "spaces": {"words15": {"units": [2]}}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    raw = make_raw(tmp_path / "own", "study: {space: {units: [4, 8]}}")
    with pytest.raises(ValueError, match=r"study\.spaces\.words15 is None there"):
        check(raw, tmp_path / "params.yaml")


def test_a_workspace_agrees_with_its_corpus_yaml(checkout: Path, tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "graded", "similarity_range: [1, 5]\n")
    folder = workspace.prepare(raw, checkout).folder

    check(folder / "data", folder / "params.yaml")


# --- a raw folder of someone else -------------------------------------------------------------------

TRUST = r"or, if you trust whoever made this folder, give TRUST=1 to make, --trust to a command$"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere/private.vec"
    path.parent.mkdir()
    path.write_text("secret 1 2\n")
    return path


@pytest.mark.parametrize(
    "source", ["{outside}", "[own.vec, {outside}]", "../elsewhere/private.vec", "none.vec"]
)
def test_vectors_outside_of_a_raw_folder_need_trust(
    checkout: Path, tmp_path: Path, outside: Path, source: str
) -> None:
    source = source.format(outside=outside)
    raw = make_raw(tmp_path / "theirs", f"vectors: {{source: {source}}}\n")
    (raw / "own.vec").touch()
    named = source.strip("[]").split(", ")[-1]
    message = (
        rf"^{raw}/corpus\.yaml: vectors\.source: '{named}' is no file in this folder; put it there, {TRUST}"
    )
    for call in (workspace.prepare, workspace.settings):
        with pytest.raises(ValueError, match=message):
            call(raw, checkout)
    assert not (checkout / "work").exists()

    given = params.load(workspace.prepare(raw, checkout, trust=True).folder / "params.yaml").vectors.source
    assert given == workspace.settings(raw, checkout, trust=True).vectors.source
    assert named in given


@pytest.mark.parametrize(
    "source", ["auto", "train", "own.vec", "vectors/../own.vec", "[own.vec, vectors/b.vec]"]
)
def test_its_own_vectors_need_none(checkout: Path, tmp_path: Path, source: str) -> None:
    raw = make_raw(tmp_path / "theirs", f"vectors: {{source: {source}}}\n")
    (raw / "vectors").mkdir()
    (raw / "own.vec").touch()
    (raw / "vectors/b.vec").touch()
    workspace.prepare(raw, checkout)


def test_an_encoder_that_would_be_run_needs_trust(checkout: Path, tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "theirs", "evaluate: {sentence_encoder: 'os:getcwd'}\n")
    message = (
        rf"evaluate\.sentence_encoder: 'os:getcwd' would be loaded and run; set it in params\.yaml, {TRUST}"
    )
    with pytest.raises(ValueError, match=message):
        workspace.settings(raw, checkout)
    assert workspace.settings(raw, checkout, trust=True).evaluate.sentence_encoder == "os:getcwd"


@pytest.mark.parametrize("link", ["texts2.csv", "vectors", "lists/A/TRA.json"])
def test_a_link_that_leaves_a_raw_folder_needs_trust(
    checkout: Path, tmp_path: Path, outside: Path, link: str
) -> None:
    raw = make_raw(tmp_path / "theirs")
    (raw / link).parent.mkdir(parents=True, exist_ok=True)
    target = outside.parent if link == "vectors" else outside
    (raw / link).symlink_to(target)
    with pytest.raises(
        ValueError, match=rf"^{raw / link}: is a link to {target}, which is not in this .*{TRUST}"
    ):
        workspace.prepare(raw, checkout)
    workspace.prepare(raw, checkout, trust=True)


def test_a_link_within_it_needs_none_nor_does_a_link_to_it(checkout: Path, tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "theirs")
    (raw / "notes").mkdir()
    (raw / "notes/copy.csv").symlink_to("../texts.csv")
    (tmp_path / "linked").symlink_to(raw)
    assert workspace.prepare(tmp_path / "linked", checkout).folder.name == "theirs"


def test_data_of_the_checkout_or_workspace_is_trusted(checkout: Path, outside: Path) -> None:
    raw = make_raw(checkout / "data", f"vectors: {{source: {outside}}}\n")
    (raw / "more.csv").symlink_to(outside)
    assert workspace.settings(raw, checkout).vectors.source == str(outside)


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("storage", ["postgresql://team:s3cret@host/db", "null"])
def test_no_raw_folder_names_a_database(checkout: Path, tmp_path: Path, storage: str, *, trust: bool) -> None:
    raw = make_raw(tmp_path / "theirs", f"study: {{storage: '{storage}'}}\n")
    with pytest.raises(
        ValueError, match=r"corpus\.yaml: study\.storage: a raw folder is data and"
    ) as refused:
        workspace.prepare(raw, checkout, trust=trust)
    assert "s3cret" not in str(refused.value)


def test_a_database_of_params_yaml_is_that_of_its_workspaces(checkout: Path, raw: Path) -> None:
    values = params.read_yaml(checkout / "params.yaml")
    values["study"]["storage"] = "sqlite:///ours.db"
    (checkout / "params.yaml").write_text(yaml.safe_dump(values))
    (raw / "corpus.yaml").write_text("study: {trials: 1}\n")
    made = params.load(workspace.prepare(raw, checkout).folder / "params.yaml")
    assert (made.study.storage, made.study.trials) == ("sqlite:///ours.db", 1)
