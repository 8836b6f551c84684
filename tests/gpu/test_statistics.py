"""Polygon statistics of the GPU backend against NumPy."""

import numpy as np
import pytest

from gpu.statistics import NAMES, statistics
from tests.gpu.test_jobs import JOBS


@pytest.mark.parametrize(
    "name", ["rgb", "index", "median", "mosaic behind clouds", "all nodata", "nothing there", "float bands"]
)
def test_equals_numpy(kernels, thread_order, name):
    job = JOBS[name]
    inside = np.hypot(*np.meshgrid(np.arange(28) - 14, np.arange(24) - 12)) < 9
    for mask in (None, inside, np.zeros_like(inside)):
        values, _ = kernels.values(job)
        for made, data in zip(kernels.statistics(job, mask), values, strict=True):
            expected = statistics(data, mask)
            assert made.count == expected.count
            for field in NAMES:
                np.testing.assert_allclose(getattr(made, field), getattr(expected, field), rtol=1e-12, err_msg=field)
