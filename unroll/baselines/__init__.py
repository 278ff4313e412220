"""What a corpus yields without a recurrent network: linear models, neighbors, PCA, the majority.

Not here: measuring, which is the same for all, in `metrics`.
"""
