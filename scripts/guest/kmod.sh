# SPDX-License-Identifier: Apache-2.0
# Module tests: they load tconn.ko themselves.
say "ready for tests in /tests"
