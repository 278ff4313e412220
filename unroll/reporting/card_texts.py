"""The model cards as templates, by kind of model; cards.py fills in what a run decides."""

CLASSIFIER = """\
It reads a review word by word, as ids of the vocabulary in its `encoder.json`, and scores it after
the last word: sequence to vector. It is meant for English film reviews, for learning and for
comparison.

```sh
unroll predict review --model {model} "A touching film with superb acting."
dvc artifacts get URL-OF-THIS-REPOSITORY {artifact}   # a released version, elsewhere
```

## Metrics on the test set

{metrics}

On {reviews:,} test reviews, {positives:,} of them positive. The intervals are percentiles over
bootstrap resamples of the reviews; they do not include the variation between seeds. Without a
model: a coin.

## What its words mean

The model calls a review positive if its probability is at least {threshold:.4f}, the threshold that
maximized Youden's J on validation data. `unroll predict` chooses its words by how far the
probability is from the threshold toward certainty. How often the words were right on the test
reviews:

{wordings}

## How it was trained

{training}

## Data

The Large Movie Review Dataset (IMDb): 25,000 training and 25,000 test reviews. All reviews of
a film are in the same split. Reviews with 5 or 6 of 10 stars are not in it. How reviews become ids
is in `unroll/preprocessing/vocabulary.py` and the `preprocess.imdb` parameters.

## Limits

- English film reviews only. The probability that it gives for any other text means nothing;
  `words_known` in the JSON output is the number of words that are in its vocabulary.
- It reads only the end of a long review; see `length` in `params.yaml`.
- There are no lukewarm reviews in the corpus, so it has not learned to say "neither".
- It has learned the tastes and prejudices of the authors of these reviews, from 2011 and before.
  Do not use it to judge people or what they write.

## License

Code: MIT, see LICENSE. The reviews are for research use; cite A. L. Maas, R. E. Daly, P. T. Pham,
D. Huang, A. Y. Ng and C. Potts, *Learning word vectors for sentiment analysis*, ACL 2011. The
model's folder holds their most frequent words, and no review.
"""

AUTOENCODER = """\
It reads an image of a digit row by row into a short code (sequence to vector), and writes it again
from the code alone (vector to sequence). It is meant to show how much of a digit a code of this
length keeps.

```sh
unroll predict reconstruct --model {model} --test 0
dvc artifacts get URL-OF-THIS-REPOSITORY {artifact}   # a released version, elsewhere
```

## Metrics on the test set

{metrics}

On {images:,} test images. The loss is the mean binary cross-entropy in nats per pixel. Where pixels
are gray, even a perfect image has some: 0.0581 on the whole test split of MNIST. Nearest-neighbor
accuracy: how often the nearest codes of training images have the same digit. Without a model: the
mean training image of MNIST for every image. There are no intervals for these metrics.

## Digit by digit

{digits}

## How it was trained

{training}

## Data

MNIST: 60,000 training and 10,000 test images of handwritten digits, 28x28 pixels, white on black.

## Limits

- Centered digits of MNIST's size and stroke only. Anything else comes out as the nearest digits
  that it knows.
- Codes have no meaning of their own: another training, even with the same parameters and another
  seed, arranges them differently.

## License

Code: MIT, see LICENSE. MNIST is by Y. LeCun, C. Cortes and C. J. C. Burges, under CC BY-SA 3.0;
cite Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to document
recognition*, Proc. IEEE 86, 1998. The model's folder holds no image.
"""
