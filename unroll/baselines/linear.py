"""Logistic regression on the n-grams of a text or on the numbers of a sequence.

Two weightings of n-grams: TF-IDF; and log-count ratios of naive Bayes, each class against the rest
(S. Wang and C. D. Manning, Baselines and bigrams: simple, good sentiment and topic classification,
ACL 2012), with rows scaled to length 1.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

# Of scikit-learn's regularization, for rows of length 1 and for standardized numbers.
C_TEXTS, C_NUMBERS = 10.0, 0.01
# Steps of the optimizer, after which the figures no longer change.
STEPS = 100
# Added to the counts of naive Bayes.
SMOOTHING = 1.0


@dataclass(frozen=True)
class Linear:
    """A linear model of n-grams.

    Attributes:
        factors: what counts are multiplied by, float64 (outputs, n-grams): ratios of naive Bayes,
            one row for each output, or inverse document frequencies, one for all of them.
        weights: float64 (outputs, n-grams); one output for two classes, else one a class.
        bias: float64 (outputs,).
        presence: whether an n-gram counts once, or with the logarithm of its count.
    """

    factors: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    presence: bool

    def inputs(self, counts: csr_array, output: int) -> csr_array:
        """The rows of length 1 that an output reads."""
        rows = counts.copy()
        rows.data = np.ones_like(rows.data) if self.presence else np.log(rows.data) + 1
        factors = self.factors[min(output, len(self.factors) - 1)]
        return normalize(csr_array(rows.multiply(factors[np.newaxis])))

    def logits(self, counts: csr_array) -> np.ndarray:
        """Shape (rows, outputs)."""
        outputs = [self.inputs(counts, i) @ w for i, w in enumerate(self.weights)]
        return np.stack(outputs, axis=1) + self.bias

    def probabilities(self, counts: csr_array) -> np.ndarray:
        """Of the second of two classes, float32 (rows,); of each of more, (rows, classes)."""
        logits = self.logits(counts)
        if len(self.bias) == 1:
            return (1 / (1 + np.exp(-logits[:, 0]))).astype(np.float32)
        # Naive Bayes has a model for each class; TF-IDF one for all, so the softmax is its own.
        if self.presence:
            found = 1 / (1 + np.exp(-logits))
        else:
            found = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (found / found.sum(axis=1, keepdims=True)).astype(np.float32)


def tfidf(counts: csr_array, y: np.ndarray) -> Linear:
    """Fit logistic regression to TF-IDF with sublinear counts.

    Args:
        counts: of the rows to learn from, (n, n-grams).
        y: class numbers, (n,).
    """
    weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
    unfitted = Linear(weighting.idf_[np.newaxis], np.empty((0, 0)), np.empty(0), presence=False)
    model = regression(unfitted.inputs(counts, 0), y, C_TEXTS)
    return Linear(unfitted.factors, model.coef_, model.intercept_, presence=False)


def naive_bayes(counts: csr_array, y: np.ndarray, classes: int) -> Linear:
    """Fit logistic regression to log-count ratios, for each class against the rest."""
    present = counts.copy()
    present.data = np.ones_like(present.data)
    sides = [y == c for c in (range(classes) if classes > 2 else [1])]
    ratios = []
    for side in sides:
        shares = []
        for rows in (side, ~side):
            count = present[rows].sum(axis=0) + SMOOTHING
            shares.append(np.log(count / count.sum()))
        ratios.append(shares[0] - shares[1])
    unfitted = Linear(np.array(ratios), np.empty((0, 0)), np.empty(0), presence=True)
    models = [regression(unfitted.inputs(counts, i), side, C_TEXTS) for i, side in enumerate(sides)]
    return Linear(
        unfitted.factors,
        np.concatenate([model.coef_ for model in models]),
        np.concatenate([model.intercept_ for model in models]),
        presence=True,
    )


def regression(x: np.ndarray | csr_array, y: np.ndarray, c: float) -> LogisticRegression:
    """Logistic regression; for two classes by the solver that is fastest with many columns."""
    two = len(np.unique(y)) == 2 and not isinstance(x, np.ndarray)
    model = LogisticRegression(
        C=c, solver="liblinear" if two else "lbfgs", max_iter=STEPS, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x, y)
