"""Fixtures for the tests of the engine."""

import numpy as np
import pytest


@pytest.fixture
def rng():
    """Return the same random numbers for every test, whatever ran before it."""
    return np.random.default_rng(20131211)
