"""How fast the pipeline is, as ratios measured in one run: `make bench`."""
