"""The command `unroll add`: what a file holds, what to say of it, and the two blocks of YAML.

Not here: reading and splitting a corpus, which `corpora` and `preprocessing` do for every corpus.
"""
