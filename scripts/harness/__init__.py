# SPDX-License-Identifier: Apache-2.0
"""Guests for tests and demo: image.py builds them, guest.py runs them."""
