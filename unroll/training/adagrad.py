"""Adagrad for tables of which a step needs few rows, Adam for all other weights."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

# The sums of squares begin here. In tables they are of gradients that are means over a batch.
START = 1e-7
MOMENTUM, DECAY, EPSILON = 0.9, 0.999, 1e-6


class RowAdagrad(keras.optimizers.Optimizer):
    """Adagrad for the rows of tables that a step has read, Adam for the other weights.

    Of a table it changes the rows that have a gradient, and no others; a dense update of all rows
    would give the same numbers, and take most of the time. (J. Duchi et al., Adaptive subgradient
    methods for online learning and stochastic optimization, JMLR 12, 2011; D. P. Kingma and J. Ba,
    Adam, ICLR 2015.)

    Args:
        learning_rate: of a table whose ratio is 1; a number or a schedule.
        tables: the names of the tables, and the ratio of their rates to it.
        adam_lr_ratio: the ratio of the rate of all other weights.
    """

    def __init__(self, learning_rate: Any, tables: dict[str, float], adam_lr_ratio: float) -> None:
        super().__init__(learning_rate, name="row_adagrad")
        self._tables, self._adam_lr_ratio = tables, adam_lr_ratio

    def build(self, variables: list[Any]) -> None:
        """Create the state of each variable."""
        if self.built:
            return
        super().build(variables)
        start = keras.initializers.Constant(START)
        self._ratios = [self._tables.get(each.name, self._adam_lr_ratio) for each in variables]
        self._state = [
            [self.add_variable_from_reference(each, "accumulator", initializer=start)]
            if each.name in self._tables
            else [self.add_variable_from_reference(each, name) for name in ("mean", "square")]
            for each in variables
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        place = self._get_variable_index(variable)
        rate = ops.cast(learning_rate, variable.dtype) * self._ratios[place]
        match self._state[place]:
            case [sums] if hasattr(gradient, "indices"):  # tf.IndexedSlices, each row once
                import tensorflow as tf

                tf.raw_ops.ResourceSparseApplyAdagradV2(
                    var=variable.handle,
                    accum=sums.value.handle,
                    lr=rate,
                    epsilon=0.0,
                    grad=gradient.values,
                    indices=gradient.indices,
                )
            case [sums]:
                self.assign_add(sums, ops.square(gradient))
                self.assign_sub(variable, rate * gradient / ops.sqrt(sums))
            case [mean, square]:
                step = ops.cast(self.iterations + 1, variable.dtype)
                self.assign(mean, MOMENTUM * mean + (1 - MOMENTUM) * gradient)
                self.assign(square, DECAY * square + (1 - DECAY) * ops.square(gradient))
                size = ops.sqrt(square / (1 - DECAY**step)) + EPSILON
                self.assign_sub(variable, rate * mean / (1 - MOMENTUM**step) / size)
