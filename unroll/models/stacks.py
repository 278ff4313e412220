"""The stacks of layers that several architectures share; what differs is the recurrent layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from unroll.models.parameters import Autoencoder, Classifier

if TYPE_CHECKING:
    import keras
    import numpy as np

# What fills short series in front where the model is to pass over it: no scaled value is so low.
MASKED = -1e6


@dataclass(frozen=True)
class Data:
    """What the data are, as far as layers depend on it.

    Attributes:
        steps: of every sequence, padding included.
        features: numbers a step; None where a step is a word id.
        vocabulary: word ids, including the special tokens; 0 where steps are no words.
        classes: of the labels; 0 without labels.
        bounded: whether values lie in [0, 1], as those of images do.
        vectors: of the words at the beginning, float32 (vocabulary, embedding); None: random ones.
    """

    steps: int
    features: int | None
    vocabulary: int
    classes: int
    bounded: bool
    vectors: np.ndarray | None = field(default=None, kw_only=True)


def reading(parameters: Classifier, data: Data) -> list[Any]:
    """The layers that make sequences of numbers of what a classifier is given."""
    from keras import layers

    stack: list[Any]
    if data.features is None:
        width, mask = parameters.embedding, parameters.mask
        stack = [
            layers.Input((data.steps,), dtype="int32"),
            layers.Embedding(data.vocabulary, width, mask_zero=mask, name="embedding"),
        ]
    else:
        stack = [layers.Input((data.steps, data.features))]
        stack += [layers.Masking(MASKED, name="masking")] if parameters.mask else []
    if parameters.dropout_steps:
        # (M. Iyyer et al., Deep unordered composition rivals syntactic methods, ACL 2015.)
        shape = (None, None, 1)
        stack.append(layers.Dropout(parameters.dropout_steps, shape, name="dropout_steps"))
    return [*stack, layers.Dropout(parameters.dropout_input, name="dropout_input")]


def scoring(data: Data) -> Any:
    """The last layer of a classifier: (batch, 1) for two classes, else (batch, classes)."""
    from keras import layers

    two = data.classes == 2
    units, activation = (1, "sigmoid") if two else (data.classes, "softmax")
    return layers.Dense(units, activation=activation, dtype="float32", name="score")


def classifier(
    cell: Any, label: str, parameters: Classifier, data: Data, name: str, **options: Any
) -> keras.Sequential:
    """Sequences to scores, by recurrent layers one above the other.

    Args:
        cell: the class of the recurrent layers.
        label: their name.
        options: more of them.
    """
    import keras
    from keras import layers

    from unroll.models.recurrent.pooling import MeanMaxPooling

    pooled = parameters.pooling == "mean_max"
    recurrent: list[Any] = []
    for number in range(1, parameters.layers + 1):
        own = label if parameters.layers == 1 else f"{label}_{number}"
        every = pooled or number < parameters.layers
        layer = cell(parameters.units, return_sequences=every, name=own, **options)
        if parameters.bidirectional:
            layer = layers.Bidirectional(layer, name=f"bi{own}")
        recurrent.append(layer)
    recurrent += [MeanMaxPooling(name="pooling")] if pooled else []
    model = keras.Sequential(
        [
            *reading(parameters, data),
            *recurrent,
            layers.BatchNormalization(name="normalization"),
            layers.Dropout(parameters.dropout_output, name="dropout_output"),
            scoring(data),
        ],
        name=name,
    )
    if data.vectors is not None:
        model.get_layer("embedding").embeddings.assign(data.vectors)
    return model


def autoencoder(
    parameters: Autoencoder, data: Data, name: str, *, bidirectional: bool, orthogonal: bool
) -> keras.Sequential:
    """Sequences (batch, steps, features) to codes (batch, latent) in [0, 1] and back.

    Args:
        orthogonal: whether the columns of the code's kernel start out orthogonal.
    """
    import keras
    from keras import layers

    from unroll.models.recurrent.layer import LSTM

    def lstm(**options: Any) -> Any:
        layer = LSTM(parameters.units, **options, name="lstm")
        return layers.Bidirectional(layer, name="bilstm") if bidirectional else layer

    code: dict[str, Any] = {"kernel_initializer": "orthogonal"} if orthogonal else {}
    encoder = keras.Sequential(
        [
            layers.Input((data.steps, data.features)),
            layers.Dropout(parameters.dropout_input, name="dropout_input"),
            lstm(),
            layers.BatchNormalization(name="normalization"),
            layers.Dropout(parameters.dropout_output, name="dropout_output"),
            layers.Dense(
                parameters.latent, activation="sigmoid", dtype="float32", name="code", **code
            ),
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            layers.Input((parameters.latent,)),
            layers.Dropout(parameters.dropout_latent, name="dropout_latent"),
            layers.RepeatVector(data.steps, name="repeat"),
            lstm(repeated=True, return_sequences=True),
            layers.BatchNormalization(name="normalization"),
            # Applies to each step, as TimeDistributed would, but in one product for all steps.
            layers.Dense(
                data.features,
                activation="sigmoid" if data.bounded else "linear",
                dtype="float32",
                name="rows",
            ),
        ],
        name="decoder",
    )
    return keras.Sequential([encoder, decoder], name=name)
