# SPDX-License-Identifier: Apache-2.0
"""Marks tests that take long: make check leaves them out, make check-full does not.

    @full
    def test_...(self):

On a class, all of its tests.
"""


def full(test):
    test.is_full = True
    return test


def is_full(case):
    """Of a unittest.TestCase that runs one method."""
    method = getattr(case, case._testMethodName, None)  # pylint: disable=protected-access
    return getattr(method, "is_full", False) or getattr(type(case), "is_full", False)
