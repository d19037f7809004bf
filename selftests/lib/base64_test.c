// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <kselftest_harness.h>

#include "daemon/lib/base64.h"

FIXTURE(base64) {
	struct tconn_bytes bytes;
};

FIXTURE_SETUP(base64)
{
}

FIXTURE_TEARDOWN(base64)
{
	tconn_bytes_free(&self->bytes);
}

/* RFC 4648 section 10. */
TEST_F(base64, vectors)
{
	static const char *const text[] = { "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		ASSERT_EQ(0, tconn_base64_decode(text[i], 6, &self->bytes));
		EXPECT_EQ(i + 1, self->bytes.len);
		EXPECT_EQ(0, memcmp("foobar", self->bytes.data, i + 1));
		tconn_bytes_free(&self->bytes);
	}
}

TEST_F(base64, something_else_is_refused)
{
	static const char *const text[] = { "", "Z", "Zg=", "Zg", "Z===", "====", "Zm9v!m9v", "Zm9-" };

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		EXPECT_EQ(-EINVAL, tconn_base64_decode(text[i], 100, &self->bytes)) TH_LOG("%s", text[i]);
		EXPECT_EQ(NULL, self->bytes.data);
	}
}

TEST_F(base64, more_than_wanted_is_refused)
{
	EXPECT_EQ(-EMSGSIZE, tconn_base64_decode("Zm9vYmFy", 5, &self->bytes));
	EXPECT_EQ(-EMSGSIZE, tconn_base64_decode("Zm9vYg==", 5, &self->bytes));
	EXPECT_EQ(NULL, self->bytes.data);
}

TEST_HARNESS_MAIN
