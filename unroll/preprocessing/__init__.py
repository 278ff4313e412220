"""From a corpus to prepared data: word ids, scaled numbers, rows to train, validate and test on.

Not here: file formats of corpora, and anything that trains.
"""
