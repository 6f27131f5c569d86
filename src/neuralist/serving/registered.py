"""The registered models by name, with what MLflow's pages say of each; no mlflow here."""

COMPARE, RECOMMEND = "neuralist", "neuralist-recommender"
MODELS = {
    COMPARE: "How alike two songs are, from their lyrics.",
    RECOMMEND: "The songs of a catalogue nearest to given lyrics.",
}
