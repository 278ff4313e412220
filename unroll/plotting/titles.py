"""What each model is called in headings, of pictures, reports and the page; one line a model."""

TITLES = {
    "rnn": "Simple RNN",
    "lstm": "LSTM",
    "ae_lstm": "LSTM autoencoder",
    "ae_bilstm": "BiLSTM autoencoder",
}


def title(model: str) -> str:
    """The heading of a model, by default its name."""
    return TITLES.get(model, model)
