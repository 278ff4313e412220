"""What each model is called in headings, of pictures, reports and the page; one line a model."""

from harness.core import titles

# Names that end like these are called after them: `tickets_gru` is "tickets: GRU".
TITLES = {
    "rnn": "Simple RNN",
    "lstm": "LSTM",
    "ae_lstm": "LSTM autoencoder",
    "ae_bilstm": "BiLSTM autoencoder",
    "bilstm": "BiLSTM",
    "gru": "GRU",
    "bigru": "BiGRU",
    "ae": "Autoencoder",
}


def title(model: str) -> str:
    """The heading of a model."""
    return titles.title(model, TITLES)
