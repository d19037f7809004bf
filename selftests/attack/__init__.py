# SPDX-License-Identifier: Apache-2.0
"""The attack matrix; run.py says how an attack is written and judged."""
