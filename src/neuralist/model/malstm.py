"""MaLSTM: a shared LSTM encodes both songs, similarity is by distance (Mueller & Thyagarajan, AAAI 2016).

Tensors: words int32 (n_words,), distinct token ids; tokens int32 (n_texts, n_steps), positions in words, 0 =
padding; lengths float32 (n_songs,), tokens of the whole song; embeddings float32 (n_songs, width); left and
right int32 (n_pairs,), rows of embeddings; similarity float32 (n_pairs,) in [0, 1].
Written in keras.ops, so that the TensorFlow, JAX and torch backends of Keras 3 run it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from neuralist.model import layers
from neuralist.model.backend import keras, ops


@dataclass(frozen=True)
class Architecture:
    """The configuration of a MaLSTM.

    Attributes:
        n_tokens: rows of the word vector matrix, padding and <unk> included.
        dimensions: columns of it.
        units: size of the LSTM's state.
        similarity: a kind of `PairSimilarity`, or `learned`, see `LearnedSimilarity`.
        bidirectional: whether a second LSTM reads each text from its end; the states of both are pooled, one
            after the other.
        pooling: a kind of `Pooling`.
        length_features: whether the embedding also uses the text's length; see `layers.LengthFeatures`.
        embedding: free coordinates of an embedding besides the heads' predictions; None: with heads there are
            none, without heads the pooled vector is the embedding.
        heads: group of auxiliary heads to their number; see `layers.AuxiliaryHeads`.
        bag_of_words: whether the heads' predictions are a mean of the LSTM's and of `layers.BagOfWords`.
        bag_share: of the latter in the mean.
        forget_bias: initial bias of the forget gates; 2.5 in Mueller & Thyagarajan's training.
        trained_vectors: whether training changes the word vectors.
        dropout: share of the word vectors' coordinates set to 0 in training, drawn anew for each batch.
        seed: of the dropout; without one the torch backend draws from a generator that no checkpoint holds.
    """

    n_tokens: int
    dimensions: int
    units: int
    similarity: str
    bidirectional: bool = False
    pooling: str = "last"
    length_features: bool = False
    embedding: int | None = None
    heads: Mapping[str, int] = field(default_factory=dict)
    bag_of_words: bool = False
    bag_share: float = 0.5
    forget_bias: float = 1.0
    trained_vectors: bool = False
    dropout: float = 0.0
    seed: int = 0


@keras.saving.register_keras_serializable("neuralist")
class MaLSTM(keras.Model):
    """A siamese LSTM over word vectors.

    The same LSTM, with shared weights, encodes all songs; a bidirectional model has two, of which the second
    reads from the last word to the first. With pooling `last` a song's embedding is the state after the last
    word read, as Mueller & Thyagarajan do. A batch holds each distinct word and each song once,
    however often they occur: inputs are a mapping of `words`, `tokens`, `lengths`, `left` and `right`, and of
    `average` where songs are read in several windows. An embedding does not depend on padding, nor on the
    batch's longest song.

    Args:
        architecture: its configuration.
    """

    def __init__(self, architecture: Architecture, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.architecture = architecture
        n_tokens, heads, free = architecture.n_tokens, architecture.heads, architecture.embedding or 0
        self.vectors = keras.layers.Embedding(
            n_tokens, architecture.dimensions, trainable=architecture.trained_vectors, name="vectors"
        )
        self.dropout = keras.layers.Dropout(architecture.dropout, seed=architecture.seed, name="dropout")
        bias: Any = layers.gates(architecture.forget_bias)
        self.projection = keras.layers.Dense(4 * architecture.units, bias_initializer=bias, name="projection")
        self.recurrence = layers.Recurrence(architecture.units, name="recurrence")
        self.backward_projection = self.backward_recurrence = None
        if architecture.bidirectional:
            self.backward_projection = keras.layers.Dense(
                4 * architecture.units, bias_initializer=bias, name="backward_projection"
            )
            self.backward_recurrence = layers.Recurrence(architecture.units, name="backward_recurrence")
        self.pooling = layers.Pooling(architecture.pooling, name="pooling")
        self.length_features = self.auxiliary_heads = self.bag_of_words = None
        if architecture.length_features:
            self.length_features = layers.LengthFeatures(name="length_features")
        if heads or free:
            self.auxiliary_heads = layers.AuxiliaryHeads(
                heads, free, architecture.bag_share, name="auxiliary_heads"
            )
        if architecture.bag_of_words:
            self.bag_of_words = layers.BagOfWords(n_tokens, sum(heads.values()), name="bag_of_words")
        if architecture.similarity == "learned":
            self.scale = layers.Scale(name="scale")
            self.similarity = layers.LearnedSimilarity(name="similarity")
        else:
            self.scale = None
            self.similarity = layers.PairSimilarity(architecture.similarity, name="similarity")
        self.build()

    def build(self, input_shape: Any = None) -> None:
        """Create the weights; their shapes do not depend on the input's."""
        self.vectors.build((None,))
        self.projection.build((None, self.architecture.dimensions))
        self.recurrence.build()
        width = self.architecture.units * len(self.pooling.parts)
        if self.backward_projection is not None and self.backward_recurrence is not None:
            self.backward_projection.build((None, self.architecture.dimensions))
            self.backward_recurrence.build()
            width *= 2
        if self.length_features is not None:
            self.length_features.build()
            width = 2 * width + 1
        if self.auxiliary_heads is not None:
            self.auxiliary_heads.build((None, width))
            width = sum(self.architecture.heads.values()) + (self.architecture.embedding or 0)
        if self.bag_of_words is not None:
            self.bag_of_words.build()
        if self.scale is not None:
            self.scale.build((None, width))
            self.similarity.build((None, width))
        self.built = True

    def encode(self, inputs: Mapping[str, Any], training: bool = False) -> tuple[Any, Any]:
        """Embed songs.

        Args:
            inputs: `words`, int32 (n_words,), token ids, the first of them padding; `tokens`, int32 (n_texts,
                n_steps), positions in `words`, 0, padding, only at the end, where a text is a song, or a
                window of a song; `average`, float32 (n_songs, n_texts), the share of each text in each song,
                without which every text is a song; `lengths`, float32 (n_songs,), which a model with
                `length_features` reads; `distinct`, int32 (n_songs, max_distinct), each song's distinct token
                ids, padded, which a model with a `bag_of_words` reads.
            training: whether to drop coordinates.

        Returns:
            Embeddings (n_songs, width), and the heads' predictions (n_songs, n_heads), None without heads.
        """
        tokens: Any = ops.transpose(inputs["tokens"])  # by time, as an LSTM reads
        words = self.dropout(self.vectors(inputs["words"]), training=training)
        states: Any = self.recurrence(self.projection(words), tokens)
        if self.backward_projection is not None and self.backward_recurrence is not None:
            backward = self.backward_recurrence(self.backward_projection(words), layers.reverse(tokens))
            states = ops.concatenate([states, backward], axis=-1)
        pooled: Any = self.pooling(states, ops.not_equal(tokens, 0))
        if "average" in inputs:
            pooled = ops.matmul(inputs["average"], pooled)
        if self.length_features is not None:
            pooled = self.length_features(pooled, inputs["lengths"])
        answers = None
        if self.auxiliary_heads is not None:
            by_words = None if self.bag_of_words is None else self.bag_of_words(inputs["distinct"])
            pooled, answers = self.auxiliary_heads(pooled, by_words)
        return pooled if self.scale is None else self.scale(pooled), answers

    def call(self, inputs: Mapping[str, Any], training: bool = False) -> Any:
        """Predict the similarity of each pair; with heads a mapping of `similarity` and the heads' `answers`.

        For inputs without `left` and `right`, return the songs' embeddings.
        """
        embeddings, answers = self.encode(inputs, training=training)
        if "left" not in inputs:
            return embeddings
        left = ops.take(embeddings, inputs["left"], axis=0)
        right = ops.take(embeddings, inputs["right"], axis=0)
        similarity = self.similarity(left, right)
        return {"similarity": similarity, "answers": answers} if self.architecture.heads else similarity

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of this model, for JSON."""
        return {"name": self.name, "architecture": asdict(self.architecture)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> "MaLSTM":
        """Create a model from the result of `get_config`."""
        return cls(**{**config, "architecture": Architecture(**config["architecture"])})
