# SPDX-License-Identifier: Apache-2.0
# The service's machine: a TPM, a network, no screen.
network_up 10.7.0.1
