"""Unroll: recurrent networks on real corpora, as a DVC pipeline."""
