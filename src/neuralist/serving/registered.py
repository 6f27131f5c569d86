"""The two registered models of a corpus: their kinds and their names. Does not import mlflow."""

from neuralist.config.params import RECOMMENDER

# Kinds of models, as saved ones name them, to descriptions, as MLflow's pages show them.
COMPARE, RECOMMEND = "neuralist", "neuralist-recommender"
MODELS = {
    COMPARE: "How alike two songs are, from their lyrics.",
    RECOMMEND: "The songs of a catalogue nearest to given lyrics.",
}


def names(name: str) -> dict[str, str]:
    """Return the registered models of a corpus, name to kind; the first one's champion is the corpus'.

    Args:
        name: register.name in params.yaml.
    """
    return {name: COMPARE, f"{name}{RECOMMENDER}": RECOMMEND}
