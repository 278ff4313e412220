"""The validation part of a training split."""

from __future__ import annotations

import numpy as np

from harness.core.errors import UserError


def stratified(labels: np.ndarray, groups: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Choose a validation part with the same proportions of classes as the whole.

    Rows of one group, such as copies of one text, stay on the same side, so that validation rows
    are new to the model.

    Args:
        labels: shape (n,), the class of each row.
        groups: shape (n,), equal where rows belong together.
        share: the share of each class's groups to choose, above 0 and below 1.
        seed: of the random choice.

    Returns:
        The chosen rows in ascending order.

    Raises:
        UserError: a class would be empty on one side.
    """
    rng = np.random.default_rng(seed)
    names, first = np.unique(groups, return_index=True)
    chosen = []
    for label in np.unique(labels):
        own = names[labels[first] == label]
        count = round(len(own) * share)
        if not 0 < count < len(own):
            raise UserError(
                f"params.yaml: a validation part of {share} takes {count} of the {len(own)} "
                f"examples of class {label}; both sides need at least one"
            )
        chosen.append(rng.choice(own, count, replace=False))
    return np.flatnonzero(np.isin(groups, np.concatenate(chosen)))
