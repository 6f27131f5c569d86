"""TF_CONFIG, which tells a worker where the others are."""

import pytest

from neuralist.training.distributed import workers

pytestmark = pytest.mark.tensorflow

TWO = '{"cluster": {"worker": ["one:1", "two:2"]}, "task": {"type": "worker", "index": 1}}'


def test_a_worker_is_told_where_all_are_and_which_it_is() -> None:
    assert workers.read_cluster({"TF_CONFIG": TWO}) == (("one:1", "two:2"), 1)


@pytest.mark.parametrize("text", [None, "", TWO.replace(', "two:2"', "").replace("1}", "0}")])
def test_without_others_a_process_trains_alone(text: str | None) -> None:
    assert workers.read_cluster({} if text is None else {"TF_CONFIG": text}) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("one:1,two:2", "expected"),
        ("[]", "expected"),
        (TWO.replace('"index": 1', '"index": "x"'), "expected"),
        (TWO.replace('"index": 1', '"index": 2'), "index from 0 to their number less 1"),
        (TWO.replace('"index": 1', '"index": -1'), "index from 0 to their number less 1"),
        (TWO.replace('"type": "worker"', '"type": "chief"'), "name all processes as `worker`"),
        (TWO.replace('{"worker"', '{"ps": ["three:3"], "worker"'), "name all processes as `worker`"),
    ],
)
def test_what_is_no_cluster_of_workers_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"TF_CONFIG: received .*{told}"):
        workers.read_cluster({"TF_CONFIG": text})
