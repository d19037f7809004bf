// SPDX-License-Identifier: Apache-2.0
/* kmod/display.c: taking the screen and giving it back. */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <kselftest_harness.h>
#include <limits.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "client.h"
#include "guest.h"

#define CYCLES		20
#define FB_IDS		4096	/* object ids are small numbers */
#define RACES		60	/* BINDs against who looks for their framebuffers */
#define CARD		"/sys/class/drm/card0/device"
#define CONNECTOR	"/sys/class/drm/card0-Virtual-1/status"

FIXTURE(display) {
	struct guest guest;
	struct client client;
	uint32_t width, height;		/* of the REE's mode */
};

static int lit_size(int card, uint32_t *ret_width, uint32_t *ret_height)
{
	drmModeRes *res = drmModeGetResources(card);
	int i, ret = -ENODEV;

	for (i = 0; ret && i < res->count_crtcs; i++) {
		drmModeCrtc *crtc = drmModeGetCrtc(card, res->crtcs[i]);

		if (crtc->mode_valid) {
			*ret_width = crtc->mode.hdisplay;
			*ret_height = crtc->mode.vdisplay;
			ret = 0;
		}
		drmModeFreeCrtc(crtc);
	}
	drmModeFreeResources(res);
	return ret;
}

FIXTURE_SETUP(display)
{
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&self->client));
	ASSERT_EQ(0, lit_size(self->client.card, &self->width, &self->height));
}

FIXTURE_TEARDOWN(display)
{
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

static uint32_t refusal_of(struct client *c)
{
	struct tconn_status status = { .refusal = 99 };

	client_status(c, &status);
	return status.refusal;
}

static int bind_at(struct client *c, int fd)
{
	int card = c->card, ret;

	c->card = fd;
	ret = client_bind(c);
	c->card = card;
	return ret;
}

TEST_F(display, must_be_a_primary_node)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int render = open("/dev/dri/renderD128", O_RDWR | O_CLOEXEC);

	EXPECT_EQ(-ENODEV, bind_at(&self->client, -1));
	EXPECT_EQ(-ENODEV, bind_at(&self->client, null));
	EXPECT_EQ(-ENODEV, bind_at(&self->client, self->client.fd));
	if (render >= 0)
		EXPECT_EQ(-ENODEV, bind_at(&self->client, render));
	EXPECT_EQ(TCONN_REFUSAL_NO_DISPLAY, refusal_of(&self->client));
	/* No fault of the app's, so nothing is measured. */
	EXPECT_EQ(0, guest_log_count(TCONN_EVENT_APP));
	EXPECT_EQ(0, client_bind(&self->client));
	close(render);
	close(null);
}

/* Some drivers leave a CRTC on when its framebuffer goes, some do not. */
static int switch_off(int card)
{
	drmModeRes *res;
	int i, ret = drmSetMaster(card);

	res = drmModeGetResources(card);
	for (i = 0; !ret && i < res->count_crtcs; i++)
		ret = drmModeSetCrtc(card, res->crtcs[i], 0, 0, 0, NULL, 0, NULL);
	drmModeFreeResources(res);
	return ret ? ret : drmDropMaster(card);
}

static bool any_lit(int card)
{
	uint32_t width, height;

	return !lit_size(card, &width, &height);
}

/* A kiosk whose screen sleeps can be asked something all the same. */
TEST_F(display, dark_is_lit_and_dark_again)
{
	struct client *c = &self->client;
	struct tconn_record r;

	guest_ree_stop(&self->guest);
	ASSERT_EQ(0, switch_off(c->card));
	ASSERT_EQ(0, client_bind(c));
	EXPECT_EQ(self->width, c->bind.width);
	EXPECT_EQ(self->height, c->bind.height);
	EXPECT_FALSE(any_lit(c->card));
	ASSERT_EQ(0, client_activate(c));
	EXPECT_EQ(0, client_present(c, 0, 0, c->bind.width, c->bind.height));
	ASSERT_EQ(0, client_confirm(c, &r));
	EXPECT_EQ(2, r.presents);
	EXPECT_LT(30000, r.refresh_mhz);
	EXPECT_FALSE(any_lit(c->card));
}

TEST_F(display, must_be_connected)
{
	guest_ree_stop(&self->guest);
	ASSERT_EQ(0, switch_off(self->client.card));
	ASSERT_EQ(0, guest_write(CONNECTOR, "off"));
	EXPECT_EQ(-ENODEV, client_bind(&self->client));
	EXPECT_EQ(TCONN_REFUSAL_NO_DISPLAY, refusal_of(&self->client));
	ASSERT_EQ(0, guest_write(CONNECTOR, "detect"));
	EXPECT_EQ(0, client_bind(&self->client));
}

/* Starts all anew with a policy that lists other displays. */
static int restart_with(struct guest *g, struct client *c, const char *displays)
{
	char text[512];
	uint8_t digest[32];
	int i, len, ret;

	client_close(c);
	ret = guest_stop(g);
	if (!ret)
		ret = guest_start(g, GUEST_REE);
	if (!ret)
		ret = guest_own_digest(digest);
	if (ret)
		return ret;
	len = snprintf(text, sizeof(text), "tconn-policy 1\napp sha256 ");
	for (i = 0; i < 32; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%02x", digest[i]);
	snprintf(text + len, sizeof(text) - (size_t)len, " test\ndisplay %s\n" GUEST_INPUTS
		 "indicator-required no\n", displays);
	ret = guest_write(GUEST_FILE("policy"), text);
	return ret ? ret : client_open(c);
}

TEST_F(display, must_be_on_the_policy)
{
	ASSERT_EQ(0, restart_with(&self->guest, &self->client, "/devices/platform/*"));
	EXPECT_EQ(-ENODEV, client_bind(&self->client));
	EXPECT_EQ(TCONN_REFUSAL_NO_DISPLAY, refusal_of(&self->client));
}

TEST_F(display, may_be_one_connector)
{
	ASSERT_EQ(0, restart_with(&self->guest, &self->client, "/devices/pci0000:00/*/card?-Virtual-1"));
	EXPECT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
}

TEST_F(display, may_not_be_another_connector)
{
	ASSERT_EQ(0, restart_with(&self->guest, &self->client, "/devices/pci0000:00/*/card?-HDMI-A-1"));
	EXPECT_EQ(-ENODEV, client_bind(&self->client));
	EXPECT_EQ(TCONN_REFUSAL_NO_DISPLAY, refusal_of(&self->client));
}

TEST_F(display, canvas_is_as_large_as_said)
{
	struct client *c = &self->client;
	const struct tconn_bind *b = &c->bind;

	ASSERT_EQ(0, client_bind(c));
	EXPECT_EQ(self->width, b->width);
	EXPECT_EQ(self->height, b->height);
	EXPECT_EQ(b->width * 4, b->pitch);
	EXPECT_EQ(DRM_FORMAT_XRGB8888, b->format);
	EXPECT_EQ((uint64_t)b->pitch * b->height, b->canvas_size);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, b->canvas_size, PROT_READ, MAP_SHARED, c->fd, 4096));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, b->canvas_size + 4096, PROT_READ, MAP_SHARED, c->fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, b->canvas_size, PROT_READ, MAP_PRIVATE, c->fd, 0));
}

TEST_F(display, presents_only_within_the_canvas)
{
	struct client *c = &self->client;
	uint32_t w, h;

	ASSERT_EQ(0, client_bind(c));
	ASSERT_EQ(0, client_activate(c));
	w = c->bind.width;
	h = c->bind.height;
	EXPECT_EQ(-EINVAL, client_present(c, 0, 0, 0, h));
	EXPECT_EQ(-EINVAL, client_present(c, 0, 0, w, 0));
	EXPECT_EQ(-ERANGE, client_present(c, 1, 0, w, h));
	EXPECT_EQ(-ERANGE, client_present(c, 0, h, 1, 1));
	EXPECT_EQ(-ERANGE, client_present(c, UINT32_MAX, 0, 2, 1));
	EXPECT_EQ(-ERANGE, client_present(c, 0, 1, 1, UINT32_MAX));
	EXPECT_EQ(0, client_present(c, 0, 0, w, h));
	EXPECT_EQ(0, client_present(c, w - 1, h - 1, 1, 1));
}

static void hash_canvas(const struct client *c, unsigned char digest[32])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, c->canvas, (size_t)c->bind.pitch * c->bind.height);
	SHA256_Final(digest, &ctx);
}

TEST_F(display, record_has_the_digest_of_what_was_shown)
{
	struct client *c = &self->client;
	unsigned char digest[32];
	struct tconn_record r;

	ASSERT_EQ(0, client_bind(c));
	client_draw(c, 0);
	ASSERT_EQ(0, client_activate(c));
	client_draw(c, 1);
	ASSERT_EQ(0, client_present(c, 0, 0, c->bind.width, c->bind.height));
	hash_canvas(c, digest);
	/* Drawn but not presented: not shown. */
	client_draw(c, 2);
	ASSERT_EQ(0, client_confirm(c, &r));
	EXPECT_EQ(0, memcmp(digest, r.frame_digest, 32));
	EXPECT_EQ(2, r.presents);
	EXPECT_EQ(self->width, r.width);
	EXPECT_EQ(self->height, r.height);
	EXPECT_EQ(DRM_FORMAT_XRGB8888, r.format);
	EXPECT_LT(30000, r.refresh_mhz);
}

static int load_band(void)
{
	char text[1024];
	int ret = guest_policy_text(text, sizeof(text),
				    "indicator-required no\nband-permille 150\n");

	return ret ? ret : guest_write(GUEST_FILE("policy"), text);
}

/* As a verifier that draws it again computes it: the band left out, marks blanked. */
TEST_F(display, digest_is_of_the_attested_picture)
{
	const struct tconn_rect live = { 40, 200, 300, 60 };
	const uint32_t band = self->height * 150 / 1000;	/* no screen here is upright */
	struct client *c = &self->client;
	unsigned char digest[32];
	struct tconn_record r;
	SHA256_CTX hash;
	uint32_t y;

	client_close(c);
	ASSERT_EQ(0, guest_stop(&self->guest));
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_REE));
	ASSERT_EQ(0, load_band());
	ASSERT_EQ(0, client_open(c));
	c->kind = TCONN_KIND_PIN;
	c->live = live;
	ASSERT_EQ(0, client_bind(c));
	client_draw(c, 3);
	ASSERT_EQ(0, client_activate(c));
	ASSERT_EQ(0, client_confirm(c, &r));
	for (y = live.y; y < live.y + live.height; y++)
		memset(c->canvas + (size_t)y * c->bind.pitch / 4 + live.x, 0, live.width * 4);
	SHA256_Init(&hash);
	SHA256_Update(&hash, c->canvas + (size_t)band * self->width,
		      (size_t)(self->height - band) * self->width * 4);
	SHA256_Final(digest, &hash);
	EXPECT_EQ(0, memcmp(digest, r.frame_digest, 32));
}

TEST_F(display, presents_only_the_damage)
{
	struct client *c = &self->client;
	unsigned char digest[32];
	struct tconn_record r;

	ASSERT_EQ(0, client_bind(c));
	client_draw(c, 0);
	ASSERT_EQ(0, client_activate(c));
	c->canvas[0] ^= 0xffffff;
	c->canvas[1] ^= 0xffffff;
	ASSERT_EQ(0, client_present(c, 1, 0, 1, 1));
	c->canvas[0] ^= 0xffffff;
	hash_canvas(c, digest);
	ASSERT_EQ(0, client_confirm(c, &r));
	EXPECT_EQ(0, memcmp(digest, r.frame_digest, 32));
}

/* Framebuffers that root finds by their ids; a DRM master's own is among them. */
static int count_framebuffers(int card)
{
	struct drm_mode_fb_cmd2 fb;
	uint32_t id;
	int count = 0;

	for (id = 1; id < FB_IDS; id++) {
		fb = (struct drm_mode_fb_cmd2){ .fb_id = id };
		if (!ioctl(card, DRM_IOCTL_MODE_GETFB2, &fb))
			count++;
	}
	return count;
}

TEST_F(display, framebuffer_is_not_found_by_id)
{
	int before = count_framebuffers(self->client.card);

	/* The REE's two: the look-up does work. */
	ASSERT_EQ(2, before);
	ASSERT_EQ(0, client_bind(&self->client));
	EXPECT_EQ(before, count_framebuffers(self->client.card));
	ASSERT_EQ(0, client_activate(&self->client));
	EXPECT_EQ(before, count_framebuffers(self->client.card));
}

/* Asks for the pixels of the framebuffer that comes next. */
struct thief {
	int card;
	uint32_t next;		/* the lowest id that is free */
	atomic_bool stop;
	atomic_uint found, got;	/* framebuffers, handles to their pixels */
};

static int find_next_id(struct thief *t)
{
	uint32_t handle, pitch;
	uint64_t size;

	if (drmModeCreateDumbBuffer(t->card, 64, 64, 32, 0, &handle, &pitch, &size) ||
	    drmModeAddFB(t->card, 64, 64, 24, 32, pitch, handle, &t->next) ||
	    drmModeRmFB(t->card, t->next))
		return -errno;
	return drmModeDestroyDumbBuffer(t->card, handle);
}

static void *steal(void *argument)
{
	struct thief *t = argument;

	while (!atomic_load(&t->stop)) {
		struct drm_mode_fb_cmd2 fb = { .fb_id = t->next };

		if (!ioctl(t->card, DRM_IOCTL_MODE_GETFB2, &fb) && fb.handles[0])
			atomic_fetch_add(&t->got, 1);
		else if (errno != ENOENT)
			atomic_fetch_add(&t->found, 1);
	}
	return NULL;
}

/* Before it is hidden it can be found, by luck, but its pixels cannot be had. */
TEST_F_TIMEOUT(display, framebuffer_is_closed_before_it_is_hidden, 180)
{
	struct thief thief = { .card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC) };
	pthread_t thread;
	int i;

	ASSERT_LE(0, thief.card);
	guest_ree_stop(&self->guest);
	ASSERT_EQ(0, find_next_id(&thief));
	ASSERT_EQ(0, pthread_create(&thread, NULL, steal, &thief));
	for (i = 0; i < RACES; i++) {
		struct client c;

		ASSERT_EQ(0, client_open(&c));
		EXPECT_EQ(0, client_bind(&c));
		client_close(&c);
	}
	atomic_store(&thief.stop, true);
	pthread_join(thread, NULL);
	close(thief.card);
	TH_LOG("found %u times in %d sessions", atomic_load(&thief.found), RACES);
	EXPECT_EQ(0, atomic_load(&thief.got));
}

TEST_F_TIMEOUT(display, ree_sleeps_and_goes_on, 180)
{
	const volatile uint64_t *flips = self->guest.flips;
	uint64_t before;
	int i;

	for (i = 0; i < CYCLES; i++) {
		struct client c;

		ASSERT_EQ(0, client_open(&c));
		ASSERT_EQ(0, client_bind(&c));
		client_draw(&c, (unsigned int)i);
		ASSERT_EQ(0, client_activate(&c));
		before = *flips;
		usleep(50000);
		/* One may have been under way. */
		EXPECT_GE(before + 1, *flips);
		ASSERT_EQ(0, client_confirm(&c, NULL));
		client_close(&c);
		usleep(150000);
		EXPECT_LT(before + 1, *flips);
	}
	EXPECT_EQ(CYCLES, guest_log_count(TCONN_EVENT_RECORD));
}

/* A master killed meanwhile waits for the screen, then goes. */
TEST_F(display, survives_the_death_of_the_ree)
{
	int status;

	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	ASSERT_EQ(0, kill(self->guest.ree, SIGKILL));
	usleep(200000);
	EXPECT_EQ(0, client_present(&self->client, 0, 0, 8, 8));
	EXPECT_EQ(0, waitpid(self->guest.ree, &status, WNOHANG));
	ASSERT_EQ(0, client_confirm(&self->client, NULL));
	EXPECT_EQ(self->guest.ree, waitpid(self->guest.ree, &status, 0));
	self->guest.ree = 0;
}

/* Who declares the display unplugged waits like everybody else. */
TEST_F(display, unplugged_by_sysfs_goes_on)
{
	struct client *c = &self->client;
	int status;
	pid_t child;

	ASSERT_EQ(0, client_bind(c));
	ASSERT_EQ(0, client_activate(c));
	child = fork();
	if (!child)
		_exit(guest_write(CONNECTOR, "off") ? 1 : 0);
	usleep(200000);
	EXPECT_EQ(0, waitpid(child, &status, WNOHANG));
	EXPECT_EQ(0, client_present(c, 0, 0, c->bind.width, c->bind.height));
	EXPECT_EQ(0, client_confirm(c, NULL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, guest_write(CONNECTOR, "detect"));
}

/* Where the card's driver takes commands, and the name it knows the device by. */
static int find_driver(char *driver, size_t driver_size, char *name, size_t name_size)
{
	char link[PATH_MAX], device[PATH_MAX];

	if (!realpath(CARD "/driver", link) || !realpath(CARD, device))
		return -errno;
	if (snprintf(driver, driver_size, "%s", link) >= (int)driver_size ||
	    snprintf(name, name_size, "%s", strrchr(device, '/') + 1) >= (int)name_size)
		return -E2BIG;
	return 0;
}

static int command_driver(const char *driver, const char *command, const char *name)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", driver, command);
	return guest_write(path, name);
}

TEST_F(display, lost_ends_the_session)
{
	char driver[PATH_MAX], name[64];
	struct tconn_status status;

	ASSERT_EQ(0, find_driver(driver, sizeof(driver), name, sizeof(name)));
	if (strstr(driver, "virtio"))
		SKIP(return, "virtio_gpu warns when unbound, tconn or not; run with bochs-display");
	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	ASSERT_EQ(0, command_driver(driver, "unbind", name));
	ASSERT_TRUE(guest_wait_hangup(self->client.fd, 5000));
	ASSERT_EQ(0, client_status(&self->client, &status));
	EXPECT_EQ(TCONN_CAUSE_DISPLAY_LOST, status.cause);
	guest_ree_stop(&self->guest);
	close(self->client.card);
	self->client.card = -1;
	ASSERT_EQ(0, command_driver(driver, "bind", name));
	usleep(500000);
}

TEST_HARNESS_MAIN
