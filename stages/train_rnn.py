"""train-rnn: a simple recurrent network reads a sequence step by step and scores it at the end."""

from harness.core.params import Declared
from unroll.training.train import train


def main(params: Declared, name: str, corpus: str) -> None:
    train(name, corpus, params)
