"""What each model is called in headings, of pictures, reports and the page; one line a model."""

from harness.core import titles

# Names that end like these are called after them: `tickets_gru` is "tickets, GRU".
TITLES = {
    "rnn": "Simple RNN",
    "lstm": "LSTM",
    "ngru": "Gated n-grams",
    "ae_lstm": "LSTM autoencoder",
    "ae_bilstm": "BiLSTM autoencoder",
    "bilstm": "BiLSTM",
    "gru": "GRU",
    "bigru": "BiGRU",
    "ae": "Autoencoder",
    "ae_2": "States autoencoder, 2",
    "ae_100": "States autoencoder, 100",
    # Baselines.
    "majority": "majority",
    "words": "TF-IDF, words",
    "bigrams": "TF-IDF, bigrams",
    "nb-bigrams": "naive Bayes, bigrams",
    "nb-trigrams": "naive Bayes, trigrams",
    "words-128": "TF-IDF, last 128 words",
    "bigrams-128": "TF-IDF, bigrams of the last 128",
    "nb-bigrams-128": "naive Bayes, bigrams of the last 128",
    "linear": "logistic regression",
    "neighbors": "nearest neighbors",
    "floor": "a perfect copy",
    "mean": "the mean row",
    "pca-2": "PCA, 2 numbers",
    "pca-100": "PCA, 100 numbers",
}


def title(model: str) -> str:
    """The heading of a model."""
    return titles.title(model, TITLES)
