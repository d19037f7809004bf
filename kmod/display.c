// SPDX-License-Identifier: GPL-2.0-only
/*
 * The screen. Modeset locks belong to a task, so one kernel thread per session
 * takes all of them, keeps a copy of the display's state, commits ours, and at the
 * end commits the copy back and drops the locks. Whatever else wants to change the
 * screen (a DRM master, the console, sysrq, root past its master check) sleeps until
 * then and goes on by itself.
 *
 * PRESENT commits in the caller's task, meanwhile, with the thread's acquire context:
 * to the core that is who has the locks (it answers "already" and takes none), and the
 * thread sleeps. Waking the thread for it costs as much as the commit, twice.
 *
 * Every commit of the takeover states all of the display: our framebuffer on
 * one CRTC's primary plane and one connector, everything else off, colour
 * corrections neutral. It depends on nothing that was there before.
 *
 * The framebuffer cannot be looked up by id, so nobody can get a handle to it. It
 * is painted before the first commit and mapped again after it: some drivers (VRAM
 * helpers) pin a mapped buffer where it cannot be scanned out. What was shown is
 * hashed from there, so a change that came another way does not go unnoticed.
 * No dirtyfb: it takes the locks. Commits carry damage instead.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <crypto/sha2.h>

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_atomic_uapi.h>
#include <drm/drm_blend.h>
#include <drm/drm_client.h>
#include <drm/drm_connector.h>
#include <drm/drm_crtc.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem.h>
#include <drm/drm_mode_config.h>
#include <drm/drm_modeset_lock.h>
#include <drm/drm_plane.h>
#include <drm/drm_property.h>

#include "display.h"
#include "policy.h"
#include "session.h"

#define BYTES_PER_PIXEL	4
#define DRM_NODE_MAJOR	226	/* the kernel's own name for it is not public */
#define HIDE_TRIES	100	/* a millisecond each */
#define COPIES		2	/* of what was there: a commit that fails spoils its own */

struct tconn_display {
	struct drm_client_dev client;
	struct file *file;		/* keeps the driver's code here; a client does not */
	struct drm_device *dev;		/* the file's */
	struct drm_client_buffer buf;
	u32 handle;			/* its pixels', the client's own */
	struct drm_crtc *crtc;
	struct drm_connector *connector;	/* with a reference */
	struct drm_display_mode mode;
	u32 width, height;
	u8 *row;			/* of pixels, for hashing */
	u32 presents;

	struct mutex lock;		/* gone, taken */
	bool gone;			/* the driver left: buffer and client are released */
	bool taken;			/* the buffer is needed, until it has been hashed */
	wait_queue_head_t given;	/* !taken */

	/* While taken. One caller at a time (the session's lock). */
	struct task_struct *thread;	/* between take and give it sleeps */
	struct completion tried;	/* to take: `result` */
	int result;
	struct drm_mode_rect damage;
	struct drm_modeset_acquire_ctx ctx;	/* all modeset locks */
	struct drm_atomic_state *before[COPIES];	/* what was there */
	struct iosys_map map;		/* of the framebuffer */
	bool mapped;
};

static u32 pitch_of(const struct tconn_display *d)
{
	return d->width * BYTES_PER_PIXEL;
}

/* --- pixels --- */

static size_t scanout_at(const struct tconn_display *d, u32 x, u32 y)
{
	return (size_t)y * d->buf.pitch + (size_t)x * BYTES_PER_PIXEL;
}

/* The app may draw meanwhile: what is shown, and hashed, is what this read. */
static void copy_rect(struct tconn_display *d, const u8 *canvas, const struct tconn_rect *r)
{
	size_t len = (size_t)r->width * BYTES_PER_PIXEL;
	u32 y;

	for (y = r->y; y < r->y + r->height; y++) {
		size_t at = (size_t)y * pitch_of(d) + (size_t)r->x * BYTES_PER_PIXEL;

		iosys_map_memcpy_to(&d->map, scanout_at(d, r->x, y), canvas + at, len);
	}
}

/* The live rectangle lies within the attested one. */
static void hash_scanout(struct tconn_display *d, struct tconn_record *record)
{
	const struct tconn_rect *r = &record->attested, *live = &record->live;
	size_t len = (size_t)r->width * BYTES_PER_PIXEL;
	struct sha256_state hash;
	u32 y;

	sha256_init(&hash);
	for (y = r->y; y < r->y + r->height; y++) {
		iosys_map_memcpy_from(d->row, &d->map, scanout_at(d, r->x, y), len);
		if (y >= live->y && y < live->y + live->height)
			memset(d->row + (size_t)(live->x - r->x) * BYTES_PER_PIXEL, 0,
			       (size_t)live->width * BYTES_PER_PIXEL);
		sha256_update(&hash, d->row, len);
	}
	sha256_final(&hash, record->frame_digest);
}

/* Memory of a graphics card may be had by the next who asks for some. */
static void wipe_scanout(struct tconn_display *d)
{
	iosys_map_memset(&d->map, 0, 0, scanout_at(d, 0, d->height));
}

static int paint_first(struct tconn_display *d, const u8 *canvas)
{
	struct tconn_rect all = { .width = d->width, .height = d->height };
	int ret = drm_client_buffer_vmap(&d->buf, &d->map);

	if (ret)
		return ret;
	copy_rect(d, canvas, &all);
	drm_client_buffer_vunmap(&d->buf);
	return 0;
}

/* --- commits; with all locks held: in the thread, or while it sleeps --- */

static void neutral_crtc(struct drm_crtc_state *state)
{
	bool changed = drm_property_replace_blob(&state->degamma_lut, NULL);

	changed |= drm_property_replace_blob(&state->ctm, NULL);
	changed |= drm_property_replace_blob(&state->gamma_lut, NULL);
	state->color_mgmt_changed |= changed;
	state->vrr_enabled = false;
	state->scaling_filter = DRM_SCALING_FILTER_DEFAULT;
}

static void neutral_plane(struct drm_plane_state *state)
{
	state->rotation = DRM_MODE_ROTATE_0;
	state->alpha = DRM_BLEND_ALPHA_OPAQUE;
	state->pixel_blend_mode = DRM_MODE_BLEND_PREMULTI;
	state->scaling_filter = DRM_SCALING_FILTER_DEFAULT;
}

static void neutral_connector(struct drm_connector_state *state)
{
	memset(&state->tv.margins, 0, sizeof(state->tv.margins));
	state->colorspace = DRM_MODE_COLORIMETRY_DEFAULT;
	drm_property_replace_blob(&state->hdr_output_metadata, NULL);
}

static int set_crtc(struct tconn_display *d, struct drm_atomic_state *state,
		    struct drm_crtc *crtc)
{
	struct drm_crtc_state *cs = drm_atomic_get_crtc_state(state, crtc);

	if (IS_ERR(cs))
		return PTR_ERR(cs);
	neutral_crtc(cs);
	cs->active = crtc == d->crtc;
	return drm_atomic_set_mode_for_crtc(cs, cs->active ? &d->mode : NULL);
}

static int set_plane(struct tconn_display *d, struct drm_atomic_state *state,
		     struct drm_plane *plane)
{
	struct drm_plane_state *ps = drm_atomic_get_plane_state(state, plane);
	bool ours = plane == d->crtc->primary;
	int ret;

	if (IS_ERR(ps))
		return PTR_ERR(ps);
	neutral_plane(ps);
	ret = drm_atomic_set_crtc_for_plane(ps, ours ? d->crtc : NULL);
	if (ret)
		return ret;
	drm_atomic_set_fb_for_plane(ps, ours ? d->buf.fb : NULL);
	ps->crtc_x = 0;
	ps->crtc_y = 0;
	ps->src_x = 0;
	ps->src_y = 0;
	ps->crtc_w = ours ? d->width : 0;
	ps->crtc_h = ours ? d->height : 0;
	ps->src_w = ps->crtc_w << 16;
	ps->src_h = ps->crtc_h << 16;
	return 0;
}

static int set_connector(struct tconn_display *d, struct drm_atomic_state *state,
			 struct drm_connector *connector)
{
	struct drm_connector_state *cs = drm_atomic_get_connector_state(state, connector);

	if (IS_ERR(cs))
		return PTR_ERR(cs);
	neutral_connector(cs);
	return drm_atomic_set_crtc_for_connector(cs, connector == d->connector ? d->crtc : NULL);
}

static int set_all(struct tconn_display *d, struct drm_atomic_state *state)
{
	struct drm_connector_list_iter iter;
	struct drm_connector *connector;
	struct drm_plane *plane;
	struct drm_crtc *crtc;
	int ret = 0;

	drm_for_each_crtc(crtc, d->dev) {
		ret = set_crtc(d, state, crtc);
		if (ret)
			return ret;
	}
	drm_for_each_plane(plane, d->dev) {
		ret = set_plane(d, state, plane);
		if (ret)
			return ret;
	}
	drm_connector_list_iter_begin(d->dev, &iter);
	drm_for_each_connector_iter(connector, &iter) {
		ret = set_connector(d, state, connector);
		if (ret)
			break;
	}
	drm_connector_list_iter_end(&iter);
	return ret;
}

static int set_damage(struct tconn_display *d, struct drm_atomic_state *state)
{
	struct drm_plane_state *ps = drm_atomic_get_plane_state(state, d->crtc->primary);
	struct drm_property_blob *blob;

	if (IS_ERR(ps))
		return PTR_ERR(ps);
	blob = drm_property_create_blob(d->dev, sizeof(d->damage), &d->damage);
	if (IS_ERR(blob))
		return PTR_ERR(blob);
	drm_property_replace_blob(&ps->fb_damage_clips, blob);
	drm_property_blob_put(blob);
	return 0;
}

static int commit(struct tconn_display *d,
		  int (*set)(struct tconn_display *d, struct drm_atomic_state *state))
{
	struct drm_atomic_state *state = drm_atomic_state_alloc(d->dev);
	int ret;

	if (!state)
		return -ENOMEM;
	state->acquire_ctx = &d->ctx;
	ret = set(d, state);
	if (!ret)
		ret = drm_atomic_commit(state);
	drm_atomic_state_put(state);
	return ret;
}

/* --- the thread --- */

static int lock_all(struct tconn_display *d)
{
	int ret;

	drm_modeset_acquire_init(&d->ctx, 0);
	while ((ret = drm_modeset_lock_all_ctx(d->dev, &d->ctx)) == -EDEADLK)
		drm_modeset_backoff(&d->ctx);
	return ret;
}

static void unlock_all(struct tconn_display *d)
{
	drm_modeset_drop_locks(&d->ctx);
	drm_modeset_acquire_fini(&d->ctx);
}

static int copy_before(struct tconn_display *d)
{
	struct drm_atomic_state *state;
	unsigned int i;

	for (i = 0; i < COPIES; i++) {
		state = drm_atomic_helper_duplicate_state(d->dev, &d->ctx);
		if (IS_ERR(state))
			return PTR_ERR(state);
		d->before[i] = state;
	}
	return 0;
}

static int thread_take(struct tconn_display *d)
{
	int ret = lock_all(d);

	if (!ret)
		ret = copy_before(d);
	if (!ret)
		ret = commit(d, set_all);
	if (ret)
		return ret;
	ret = drm_client_buffer_vmap(&d->buf, &d->map);
	d->mapped = !ret;
	return ret;
}

/* Whatever was taken. A failed commit leaves our fb, which goes dark when it is freed. */
static void thread_give(struct tconn_display *d)
{
	int ret = -EAGAIN;
	unsigned int i;

	for (i = 0; i < COPIES && d->before[i]; i++) {
		if (ret)
			ret = drm_atomic_helper_commit_duplicated_state(d->before[i], &d->ctx);
		drm_atomic_state_put(d->before[i]);
		d->before[i] = NULL;
	}
	if (i && ret)
		pr_err("the screen's former state was refused: %d\n", ret);
	unlock_all(d);
}

static int display_thread(void *data)
{
	struct tconn_display *d = data;

	d->result = thread_take(d);
	complete(&d->tried);
	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	thread_give(d);
	return 0;
}

/* --- the session's side --- */

static int start_taking(struct tconn_display *d)
{
	int ret = 0;

	mutex_lock(&d->lock);
	if (d->gone)
		ret = -ENODEV;
	else
		d->taken = true;
	mutex_unlock(&d->lock);
	return ret;
}

static void stop_taking(struct tconn_display *d)
{
	mutex_lock(&d->lock);
	d->taken = false;
	mutex_unlock(&d->lock);
	wake_up_all(&d->given);
}

int tconn_display_take(struct tconn_display *d, const void *canvas)
{
	int ret = start_taking(d);

	if (ret)
		return ret;
	ret = paint_first(d, canvas);
	if (ret)
		goto stop;
	reinit_completion(&d->tried);
	d->thread = kthread_run(display_thread, d, "tconn-display");
	if (IS_ERR(d->thread)) {
		ret = PTR_ERR(d->thread);
		d->thread = NULL;
		goto stop;
	}
	wait_for_completion(&d->tried);
	ret = d->result;
	if (ret)
		tconn_display_give(d);
	else
		d->presents++;
	return ret;
stop:
	stop_taking(d);
	return ret;
}

int tconn_display_present(struct tconn_display *d, const void *canvas,
			  const struct tconn_rect *rect)
{
	int ret;

	copy_rect(d, canvas, rect);
	d->damage = (struct drm_mode_rect) {
		.x1 = rect->x,
		.y1 = rect->y,
		.x2 = rect->x + rect->width,
		.y2 = rect->y + rect->height,
	};
	ret = commit(d, set_damage);
	if (!ret)
		d->presents++;
	return ret;
}

void tconn_display_give(struct tconn_display *d)
{
	if (!d->thread)
		return;
	kthread_stop(d->thread);
	d->thread = NULL;
}

static u32 refresh_mhz(const struct drm_display_mode *mode)
{
	u32 pixels = mode->htotal * mode->vtotal;

	return pixels ? DIV_ROUND_CLOSEST_ULL(mode->clock * 1000000ULL, pixels) : 0;
}

void tconn_display_describe(const struct tconn_display *d, struct tconn_bind *bind)
{
	bind->width = d->width;
	bind->height = d->height;
	bind->pitch = pitch_of(d);
	bind->canvas_size = PAGE_ALIGN((u64)bind->pitch * d->height);
	bind->format = DRM_FORMAT_XRGB8888;
	bind->width_mm = d->connector->display_info.width_mm;
	bind->height_mm = d->connector->display_info.height_mm;
}

void tconn_display_report(struct tconn_display *d, struct tconn_record *record)
{
	record->width = d->width;
	record->height = d->height;
	record->format = DRM_FORMAT_XRGB8888;
	record->refresh_mhz = refresh_mhz(&d->mode);
	record->presents = d->presents;
	if (d->mapped) {
		hash_scanout(d, record);
		wipe_scanout(d);
		drm_client_buffer_vunmap(&d->buf);
		d->mapped = false;
	}
	stop_taking(d);
}

/* --- opening and closing --- */

/* With clientlist_mutex held and the client off the list, or never on it. */
static void release_client(struct tconn_display *d)
{
	drm_framebuffer_remove(d->buf.fb);
	if (d->buf.gem)
		drm_gem_object_put(d->buf.gem);
	drm_client_release(&d->client);
}

/* The driver goes (unplug, unbind, rmmod), and waits for us in here. */
static void client_unregister(struct drm_client_dev *client)
{
	struct tconn_display *d = container_of(client, struct tconn_display, client);

	mutex_lock(&d->lock);
	d->gone = true;
	mutex_unlock(&d->lock);
	tconn_session_abort(TCONN_CAUSE_DISPLAY_LOST);
	wait_event(d->given, !READ_ONCE(d->taken));
	release_client(d);
}

static const struct drm_client_funcs client_funcs = {
	.owner = THIS_MODULE,
	.unregister = client_unregister,
};

static void display_free(struct tconn_display *d)
{
	if (d->connector)
		drm_connector_put(d->connector);
	fput(d->file);
	kfree(d->row);
	kfree(d);
}

void tconn_display_close(struct tconn_display *d)
{
	if (!d)
		return;
	/* The core has no call for a client that leaves by itself; this is what it would do. */
	mutex_lock(&d->dev->clientlist_mutex);
	if (!d->gone) {
		list_del(&d->client.list);
		release_client(d);
	}
	mutex_unlock(&d->dev->clientlist_mutex);
	display_free(d);
}

/* The device behind a primary node; it lives as long as file. */
static struct drm_device *device_of(struct file *file)
{
	struct drm_device *dev;
	struct drm_file *priv;

	if (!S_ISCHR(file_inode(file)->i_mode) || imajor(file_inode(file)) != DRM_NODE_MAJOR ||
	    file->f_op->open != drm_open)
		return ERR_PTR(-ENODEV);
	priv = file->private_data;
	dev = priv->minor->dev;
	if (priv->minor->type != DRM_MINOR_PRIMARY || !drm_drv_uses_atomic_modeset(dev))
		return ERR_PTR(-ENODEV);
	return dev;
}

/* By its device or by itself, which keeps the REE from choosing another output. */
static bool is_listed(const struct drm_connector *c, const struct tconn_policy *policy)
{
	return tconn_policy_lists_device(&policy->display, c->dev->dev) ||
	       (c->kdev && tconn_policy_lists_device(&policy->display, c->kdev));
}

static void choose(struct tconn_display *d, struct drm_connector *c, struct drm_crtc *crtc,
		   const struct drm_display_mode *mode)
{
	drm_connector_get(c);
	d->connector = c;
	d->crtc = crtc;
	drm_mode_init(&d->mode, mode);
}

static bool is_lit(const struct drm_connector *c)
{
	return c->connector_type != DRM_MODE_CONNECTOR_WRITEBACK && c->state->crtc &&
	       c->status != connector_status_disconnected && c->state->crtc->state->active;
}

/* The first connector that shows something, as it does. With all locks held. */
static void find_lit(struct tconn_display *d, const struct tconn_policy *policy)
{
	struct drm_connector_list_iter iter;
	struct drm_connector *c;

	drm_connector_list_iter_begin(d->dev, &iter);
	drm_for_each_connector_iter(c, &iter) {
		if (is_lit(c) && is_listed(c, policy)) {
			choose(d, c, c->state->crtc, &c->state->crtc->state->mode);
			break;
		}
	}
	drm_connector_list_iter_end(&iter);
}

/* All is dark, or what is lit is not listed: whatever the console would light. */
static int find_dark(struct tconn_display *d, const struct tconn_policy *policy)
{
	int ret = drm_client_modeset_probe(&d->client, 0, 0);
	struct drm_mode_set *set;

	if (ret)
		return ret;
	mutex_lock(&d->client.modeset_mutex);
	drm_client_for_each_modeset(set, &d->client) {
		if (set->mode && set->num_connectors && is_listed(set->connectors[0], policy)) {
			choose(d, set->connectors[0], set->crtc, set->mode);
			break;
		}
	}
	mutex_unlock(&d->client.modeset_mutex);
	return 0;
}

static int find_output(struct tconn_display *d, const struct tconn_policy *policy)
{
	int ret = lock_all(d), hdisplay, vdisplay;

	if (!ret)
		find_lit(d, policy);
	unlock_all(d);
	if (!ret && !d->connector)
		ret = find_dark(d, policy);
	if (ret)
		return ret;
	if (!d->connector)
		return -ENODEV;
	drm_mode_get_hv_timing(&d->mode, &hdisplay, &vdisplay);
	d->width = hdisplay;
	d->height = vdisplay;
	return 0;
}

/* The pixels: a dumb buffer, as a client's of the core would have it. */
static int create_pixels(struct tconn_display *d)
{
	struct drm_mode_create_dumb args = {
		.width = d->width,
		.height = d->height,
		.bpp = BYTES_PER_PIXEL * 8,
	};
	int ret;

	if (!d->dev->driver->dumb_create)
		return -ENODEV;
	ret = d->dev->driver->dumb_create(d->client.file, d->dev, &args);
	if (ret)
		return ret;
	d->handle = args.handle;
	d->buf.client = &d->client;
	d->buf.pitch = args.pitch;
	d->buf.gem = drm_gem_object_lookup(d->client.file, args.handle);
	return d->buf.gem ? 0 : -ENODEV;
}

static int refuse_handle(struct drm_gem_object *pixels, struct drm_file *file)
{
	return -EACCES;
}

/*
 * For a moment a framebuffer has an id, which a DRM master or CAP_SYS_ADMIN can
 * guess, to have a handle to its pixels (GETFB): they are closed until it is hidden.
 * A look-up under way then ends soon; who still has the framebuffer has it on a
 * plane, to show it when we no longer do.
 */
static int create_framebuffer(struct tconn_display *d)
{
	/* Static, for a look-up may be slow to end. BINDs come one by one. */
	static struct drm_gem_object_funcs closed;
	const struct drm_gem_object_funcs *open = d->buf.gem->funcs;
	const struct drm_mode_fb_cmd2 args = {
		.width = d->width,
		.height = d->height,
		.pixel_format = DRM_FORMAT_XRGB8888,
		.handles = { d->handle },
		.pitches = { d->buf.pitch },
	};
	struct drm_framebuffer *fb;
	unsigned int tries;

	closed = *open;
	closed.open = refuse_handle;
	d->buf.gem->funcs = &closed;
	fb = d->dev->mode_config.funcs->fb_create(d->dev, d->client.file, &args);
	if (!IS_ERR(fb)) {
		drm_framebuffer_unregister_private(fb);
		for (tries = HIDE_TRIES; drm_framebuffer_read_refcount(fb) > 1 && tries; tries--)
			usleep_range(500, 1000);
	}
	d->buf.gem->funcs = open;
	if (IS_ERR(fb))
		return PTR_ERR(fb);
	d->buf.fb = fb;
	return drm_framebuffer_read_refcount(fb) > 1 ? -EBUSY : 0;
}

/* With an output chosen. The caller undoes it, whatever there is. */
static int open_buffer(struct tconn_display *d)
{
	int ret;

	d->row = kmalloc(pitch_of(d), GFP_KERNEL);
	if (!d->row)
		return -ENOMEM;
	ret = create_pixels(d);
	return ret ? ret : create_framebuffer(d);
}

static int open_device(struct tconn_display *d, const struct tconn_policy *policy)
{
	int ret = drm_client_init(d->dev, &d->client, "tconn", &client_funcs);

	if (ret)
		return ret;
	ret = find_output(d, policy);
	if (!ret)
		ret = open_buffer(d);
	if (ret)
		release_client(d);
	else
		drm_client_register(&d->client);
	return ret;
}

/* Takes the reference to file if it succeeds. */
static struct tconn_display *display_new(struct file *file)
{
	struct drm_device *dev = device_of(file);
	struct tconn_display *d;

	if (IS_ERR(dev))
		return ERR_CAST(dev);
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->file = file;
	d->dev = dev;
	mutex_init(&d->lock);
	init_waitqueue_head(&d->given);
	init_completion(&d->tried);
	return d;
}

int tconn_display_open(int fd, const struct tconn_policy *policy, struct tconn_display **ret_d)
{
	struct file *file = fget(fd);
	struct tconn_display *d;
	int ret;

	if (!file)
		return -ENODEV;
	d = display_new(file);
	if (IS_ERR(d)) {
		fput(file);
		return PTR_ERR(d);
	}
	ret = open_device(d, policy);
	if (ret) {
		display_free(d);
		return ret;
	}
	/* Registered too late to be told that the driver goes? */
	if (!READ_ONCE(d->dev->registered)) {
		tconn_display_close(d);
		return -ENODEV;
	}
	*ret_d = d;
	return 0;
}
