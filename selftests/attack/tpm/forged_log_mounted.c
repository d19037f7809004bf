// SPDX-License-Identifier: Apache-2.0
/*
 * Forges a record: shows the trusted side a log that has it, by mounting that over the
 * kernel's, and extends the PCR so that both agree.
 *
 * attack: forged_log_mounted
 * class: tpm
 * when: idle
 * judge: record
 * spoils: yes
 * defence: module
 * why: log and PCR agree, but the record has no MAC of the kernel's; and a confined REE has own mounts and no TPM
 */
#include "event.h"
#include "report.h"

int main(void)
{
	struct event event;
	const char *wrong;

	attack_init();
	event_forge(&event);
	attack_ready();
	wrong = event_add(&event, 1);
	if (wrong)
		attack_failed("log and PCR: %s", wrong);
	attack_succeeded("the log is forged, and the PCR goes with it");
}
