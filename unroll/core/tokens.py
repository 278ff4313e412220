"""The special tokens of a vocabulary, whose ids come before those of the words.

Their order is that of the Keras IMDb data set, which the chapter uses.
"""

SPECIAL_TOKENS = ("<PAD>", "<START>", "<UNK>", "<UNUSED>")
PAD, START, UNKNOWN, UNUSED = range(len(SPECIAL_TOKENS))
FIRST = len(SPECIAL_TOKENS)  # the id of the most frequent word
