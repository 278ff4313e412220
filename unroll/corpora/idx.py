"""Arrays in IDX files, the format of MNIST."""

from __future__ import annotations

import numpy as np

_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def idx(body: bytes) -> np.ndarray:
    """The array of an IDX file: two zeros, the type, the number of axes, their sizes, the cells.

    Raises:
        ValueError: it is no such file, or not whole.
    """
    if len(body) < 4 or body[:2] != b"\0\0" or body[2] not in _TYPES:
        raise ValueError("not an IDX file")
    shape = np.frombuffer(body, ">u4", body[3], offset=4)
    return np.frombuffer(body, _TYPES[body[2]], offset=4 + 4 * len(shape)).reshape(shape)
