#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Takes the TPM from its driver while a session is up, so that its record is lost.
#
# attack: tpm_unbind
# class: tpm
# when: session
# judge: unnoticed
# spoils: yes
# defence: module
# why: unbind in sysfs; a session whose record cannot be measured is aborted, and the REE cannot write there
. /attack/lib/attack.sh
ready
device=$(readlink -f /sys/class/tpm/tpm0/device)
[ -n "$device" ] || unavailable no TPM
put "$device/driver/unbind" "${device##*/}" || failed it stays bound
[ ! -e /sys/class/tpm/tpm0 ] || failed the TPM is still there
succeeded the TPM has no driver
