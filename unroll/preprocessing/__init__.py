"""From a corpus to what a model reads: word ids, and the rows that validate.

Not here: file formats of corpora, and anything that trains.
"""
