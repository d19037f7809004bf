// SPDX-License-Identifier: Apache-2.0
/* kmod/main.c: the module coming and going, in every state. */
#include <kselftest_harness.h>

#include "client.h"
#include "guest.h"

#define LOADS	12

FIXTURE(module) {
	struct guest guest;
};

FIXTURE_SETUP(module)
{
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_REE));
}

FIXTURE_TEARDOWN(module)
{
	guest_ree_stop(&self->guest);
	guest_unload();
}

static int set_up(bool policy, bool lamp)
{
	char text[1024];
	int ret = guest_policy_text(text, sizeof(text), "");

	if (!ret && policy)
		ret = guest_write(GUEST_FILE("policy"), text);
	return ret || !lamp ? ret : guest_arm("tconn");
}

static bool is_gone(void)
{
	return !guest_exists(TCONN_DEVICE) && !guest_exists(TCONN_SECURITYFS) &&
	       !guest_exists("/sys/module/tconn");
}

TEST_F_TIMEOUT(module, comes_and_goes, 150)
{
	struct client c;
	int i;

	for (i = 0; i < LOADS; i++) {
		/* Without and with policy, lamp and a session that is over. */
		ASSERT_EQ(0, set_up(i % 4 > 0, i % 4 > 1));
		if (i % 4 == 3) {
			ASSERT_EQ(0, client_open(&c));
			ASSERT_EQ(0, client_bind(&c));
			ASSERT_EQ(0, client_activate(&c));
			client_close(&c);
		}
		ASSERT_EQ(0, guest_unload());
		ASSERT_TRUE(is_gone());
		ASSERT_EQ(0, guest_load());
	}
}

/* The state is that of a file that is open; with the last one closed it may go. */
TEST_F_TIMEOUT(module, stays_while_a_file_is_open, 60)
{
	static const char * const files[] = { "policy", "state", "log", "log_ascii" };
	struct client c;
	unsigned int i;

	ASSERT_EQ(0, set_up(true, true));
	for (i = 0; i < 4; i++) {
		char path[64];
		FILE *file;

		snprintf(path, sizeof(path), TCONN_SECURITYFS "/%s", files[i]);
		file = fopen(path, "r");
		ASSERT_NE(NULL, file);
		EXPECT_EQ(-EWOULDBLOCK, guest_unload());
		fclose(file);
	}
	ASSERT_EQ(0, client_open(&c));
	EXPECT_EQ(-EWOULDBLOCK, guest_unload());
	ASSERT_EQ(0, client_bind(&c));
	EXPECT_EQ(-EWOULDBLOCK, guest_unload());
	ASSERT_EQ(0, client_activate(&c));
	EXPECT_EQ(-EWOULDBLOCK, guest_unload());
	ASSERT_EQ(0, client_confirm(&c, NULL));
	EXPECT_EQ(-EWOULDBLOCK, guest_unload());
	/* A canvas that is still mapped holds it as well. */
	close(c.fd);
	EXPECT_EQ(-EWOULDBLOCK, guest_unload());
	c.fd = c.card;
	client_close(&c);
	EXPECT_EQ(0, guest_unload());
	EXPECT_TRUE(is_gone());
}

TEST_HARNESS_MAIN
