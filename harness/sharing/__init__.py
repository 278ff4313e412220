"""The cache and the results of others: push to, pull from and audit a remote of DVC.

Not here: the cache of this machine alone, which is in `checking`.
"""
