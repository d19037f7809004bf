// SPDX-License-Identifier: Apache-2.0
/*
 * Plays the module: a BOOT event with a kernel key of its own, and a record whose MAC is
 * right for that key and for the verifier, in a log that agrees with the PCR.
 *
 * attack: own_kernel_key
 * class: tpm
 * when: idle
 * judge: record
 * spoils: yes
 * defence: module
 * why: the module's BOOT event was first, in the initramfs; a log with two, or without that one, is refused
 */
#include "daemon/lib/record_mac.h"
#include "event.h"
#include "report.h"

int main(void)
{
	struct tconn_verifier_key own;
	struct event events[2];
	struct tconn_record r;
	struct tconn_error err = { "" };
	const char *wrong;

	attack_init();
	if (tconn_verifier_key_make(&own, &err))
		attack_unavailable("%s", err.text);
	event_forge_boot(&events[0], own.public);
	event_forge(&events[1]);
	r = events[1].record;
	if (tconn_record_mac(&r, own.public, own.private, r.verifier_key, r.mac, &err))
		attack_unavailable("%s", err.text);
	events[1].record = r;
	event_digest(&events[1]);
	attack_ready();
	wrong = event_add(events, 2);
	if (wrong)
		attack_failed("log and PCR: %s", wrong);
	attack_succeeded("the log has another kernel key, a record that goes with it, and the PCR agrees");
}
