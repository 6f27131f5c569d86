"""The registered models: name to description, as MLflow's pages show it. Does not import mlflow."""

COMPARE, RECOMMEND = "neuralist", "neuralist-recommender"
MODELS = {
    COMPARE: "How alike two songs are, from their lyrics.",
    RECOMMEND: "The songs of a catalogue nearest to given lyrics.",
}
