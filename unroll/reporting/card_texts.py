"""What the model cards say that no figure decides, by kind of model."""

from __future__ import annotations

USE = {
    "classifier": """\
It reads a review word by word, as ids of the vocabulary in its `encoder.json`, and scores it after
the last one: sequence to vector. Meant for English film reviews, to learn from and to compare with.

```sh
unroll predict review --model {model} "A touching film with superb acting."
dvc artifacts get URL-OF-THIS-REPOSITORY {artifact}   # a released version, elsewhere
```""",
    "autoencoder": """\
It reads an image of a digit row by row into a short code (sequence to vector), and writes it out
again from the code alone (vector to sequence). Meant to be looked at: how much of a digit a code of
this length keeps.

```sh
unroll predict reconstruct --model {model} --test 0
dvc artifacts get URL-OF-THIS-REPOSITORY {artifact}   # a released version, elsewhere
```""",
}
FIGURES = {
    "classifier": """\
On {n} test reviews, half of them positive. Intervals are percentiles over bootstrap resamples of
the reviews; they do not count the spread of another seed. Without a model: a coin.""",
    "autoencoder": """\
On {n} test images. The loss is the mean binary cross-entropy in nats a pixel; where pixels are grey
even a perfect image has some: 0.0581 on the whole test split. Neighbour accuracy is that of telling
the digit by the nearest codes of training images. Without a model: the mean training image for
every image. No interval was computed for these.""",
}
WORDINGS = """\
The model calls a review positive from a probability of {threshold} on, the threshold that maximised
Youden's J on validation data. `unroll predict` words it by the way of the probability from there to
certainty; this is how often that was right on the test reviews:"""
DATA = {
    "classifier": """\
The Large Movie Review Dataset (IMDb): 25,000 training and 25,000 test reviews, half of them
positive. A film's reviews are in one of the splits only. Reviews of 5 and 6 stars of 10 are not in
it. How they become ids is in `unroll/text.py`, with the `preprocess.imdb` parameters.""",
    "autoencoder": """\
MNIST: 60,000 training and 10,000 test images of handwritten digits, 28x28 pixels, white on
black.""",
}
LIMITS = {
    "classifier": """\
- English film reviews only. It gives a probability for any other text too, and that means
  nothing; `words_known` of the JSON output tells how many words are in its vocabulary.
- Of a long review only the end is read, see `length` in `params.yaml`.
- Lukewarm reviews are not in the corpus, so it has not learnt to say "neither".
- It has learnt the tastes and prejudices of those who wrote these reviews, in 2011 and before.
  Do not use it to judge people or what they write.""",
    "autoencoder": """\
- Centred digits of MNIST's size and stroke only. Anything else comes out as the nearest digits that
  it knows.
- Codes have no meaning of their own: another training, even with the same parameters and another
  seed, lays them out anew.""",
}
LICENCE = {
    "classifier": """\
Code: MIT, see LICENSE. The reviews are for research use; cite A. L. Maas, R. E. Daly,
P. T. Pham, D. Huang, A. Y. Ng and C. Potts, *Learning word vectors for sentiment analysis*, ACL
2011. The model's folder holds their most frequent words, and no review.""",
    "autoencoder": """\
Code: MIT, see LICENSE. MNIST is by Y. LeCun, C. Cortes and C. J. C. Burges, under CC BY-SA 3.0;
cite Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to document
recognition*, Proc. IEEE 86, 1998. The model's folder holds no image.""",
}
