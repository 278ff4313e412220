"""train-ae: an autoencoder reads a sequence into a short code and writes it out again."""

from harness.core.params import Declared
from unroll.training.train import train


def main(params: Declared, name: str, corpus: str) -> None:
    train(name, corpus, params)
