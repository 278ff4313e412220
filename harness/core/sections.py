"""Sections of a YAML file with the types and ranges of their values."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping that refuses unknown keys and values of another type, such as 1.0 for 1.

    DVC takes 1, 1.0 and true for the same value, so a field must accept only one of them, unless
    they give the same result, as a whole number does in place of a `float`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
