"""Unroll: recurrent networks on real corpora, as a DVC pipeline."""

__version__ = "0.1.0"
