// SPDX-License-Identifier: Apache-2.0
/* Files that are written completely or not at all. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "../../daemon/lib/file.h"
#include "swtpm_fixture.h"

FIXTURE(file) {
	char path[SWTPM_PATH_MAX + 16], new[SWTPM_PATH_MAX + 20];
	struct tconn_error err;
};

FIXTURE_SETUP(file)
{
	char dir[SWTPM_PATH_MAX];

	swtpm_temp_dir(dir);
	snprintf(self->path, sizeof(self->path), "%s/file", dir);
	snprintf(self->new, sizeof(self->new), "%s.new", self->path);
}

FIXTURE_TEARDOWN(file)
{
}

static struct tconn_bytes text(const char *s)
{
	return (struct tconn_bytes){ (uint8_t *)s, strlen(s) };
}

static bool holds(const char *path, const char *want)
{
	struct tconn_bytes b = { 0 };
	bool same = !tconn_file_read(path, 4096, &b, NULL) && b.len == strlen(want) &&
		    !memcmp(b.data, want, b.len);

	tconn_bytes_free(&b);
	return same;
}

/* A disk that is full after the first 100 bytes. */
static void fill_disk(void)
{
	const struct rlimit limit = { 100, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
}

TEST_F(file, replaces)
{
	struct tconn_bytes one = text("one"), two = text("two");
	struct stat st;

	ASSERT_EQ(0, tconn_file_replace(self->path, &one, 0600, &self->err));
	EXPECT_TRUE(holds(self->path, "one"));
	ASSERT_EQ(0, stat(self->path, &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
	ASSERT_EQ(0, tconn_file_replace(self->path, &two, 0600, &self->err));
	EXPECT_TRUE(holds(self->path, "two"));
	EXPECT_NE(0, access(self->new, F_OK));
}

TEST_F(file, creates_once)
{
	struct tconn_bytes one = text("one"), two = text("two");

	ASSERT_EQ(0, tconn_file_create(self->path, &one, 0600, &self->err));
	EXPECT_EQ(-EEXIST, tconn_file_create(self->path, &two, 0600, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "/file: cannot be written: File exists"));
	EXPECT_TRUE(holds(self->path, "one"));
	EXPECT_NE(0, access(self->new, F_OK));
}

TEST_F(file, full_disk_leaves_no_part)
{
	uint8_t many[200] = { 0 };
	struct tconn_bytes one = text("one"), large = { many, sizeof(many) };

	ASSERT_EQ(0, tconn_file_replace(self->path, &one, 0600, &self->err));
	fill_disk();
	EXPECT_EQ(-EFBIG, tconn_file_replace(self->path, &large, 0600, &self->err));
	EXPECT_TRUE(holds(self->path, "one"));
	EXPECT_NE(0, access(self->new, F_OK));
	ASSERT_EQ(0, unlink(self->path));
	EXPECT_EQ(-EFBIG, tconn_file_create(self->path, &large, 0600, &self->err));
	EXPECT_NE(0, access(self->path, F_OK));
	EXPECT_NE(0, access(self->new, F_OK));
}

TEST_F(file, follows_no_link)
{
	struct tconn_bytes one = text("one"), two = text("two");
	char victim[SWTPM_PATH_MAX + 32];

	snprintf(victim, sizeof(victim), "%s.victim", self->path);
	ASSERT_EQ(0, tconn_file_replace(victim, &one, 0600, &self->err));
	ASSERT_EQ(0, symlink(victim, self->new));
	EXPECT_EQ(-ELOOP, tconn_file_replace(self->path, &two, 0600, &self->err));
	EXPECT_TRUE(holds(victim, "one"));
}

TEST_F(file, reads_within_a_limit)
{
	struct tconn_bytes one = text("one"), b = { 0 };

	ASSERT_EQ(0, tconn_file_replace(self->path, &one, 0600, &self->err));
	EXPECT_EQ(-EMSGSIZE, tconn_file_read(self->path, 2, &b, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "over the limit of 2 bytes"));
	EXPECT_EQ(NULL, b.data);
	EXPECT_EQ(-ENOENT, tconn_file_read(self->new, 2, &b, &self->err));
	ASSERT_EQ(0, tconn_file_read(self->path, 3, &b, &self->err));
	EXPECT_EQ(3, b.len);
	tconn_bytes_free(&b);
}

TEST_HARNESS_MAIN
