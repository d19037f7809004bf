// SPDX-License-Identifier: Apache-2.0
#include "phrase_words.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* One byte chooses one: each is as likely as any other. */
static const char words[256][8] = {
	"acorn", "actor", "album", "alley", "amber", "anchor", "ankle", "anvil", "apple",
	"apron", "arrow", "atlas", "attic", "autumn", "badge", "bagel", "bakery", "balcony",
	"bamboo", "banana", "banjo", "barrel", "basket", "beach", "beacon", "beard", "beaver",
	"bell", "bench", "berry", "bicycle", "biscuit", "blanket", "bonfire", "border",
	"bottle", "branch", "bread", "brick", "bridge", "broom", "bucket", "buffalo", "bugle",
	"butter", "button", "cabin", "cactus", "camel", "camera", "canal", "candle", "canoe",
	"canvas", "cargo", "carpet", "carrot", "castle", "cattle", "cellar", "cement", "chair",
	"chalk", "cherry", "chess", "chimney", "circus", "clock", "cloud", "clover", "cobalt",
	"coconut", "coffee", "comet", "compass", "copper", "coral", "cotton", "cousin",
	"cradle", "crane", "crown", "crystal", "curtain", "cushion", "dagger", "daisy",
	"dancer", "desert", "diamond", "dinner", "doctor", "dolphin", "donkey", "dragon",
	"drawer", "drum", "eagle", "easel", "echo", "eclipse", "elbow", "ember", "engine",
	"fabric", "falcon", "farmer", "feather", "fence", "fern", "ferry", "fiddle", "finger",
	"flame", "flute", "forest", "fossil", "fox", "garden", "garlic", "gate", "giant",
	"ginger", "glacier", "glove", "goat", "goblet", "granite", "grape", "guitar", "hammer",
	"harbour", "harvest", "hazel", "helmet", "honey", "horizon", "hotel", "igloo", "island",
	"ivory", "jacket", "jaguar", "jelly", "jewel", "jigsaw", "jungle", "kettle", "kitchen",
	"koala", "ladder", "lagoon", "lamp", "lantern", "lemon", "leopard", "letter", "lion",
	"lizard", "lobster", "magnet", "mango", "maple", "marble", "market", "meadow", "melon",
	"mirror", "monkey", "moon", "mosaic", "moss", "motor", "muffin", "museum", "napkin",
	"nectar", "needle", "nest", "nickel", "noodle", "oasis", "ocean", "olive", "onion",
	"orange", "orchard", "otter", "oven", "owl", "oyster", "paddle", "palace", "panda",
	"paper", "parrot", "peanut", "pebble", "pelican", "pencil", "pepper", "piano", "picnic",
	"pigeon", "pillow", "pilot", "pirate", "planet", "plum", "pocket", "poem", "potato",
	"puzzle", "pyramid", "quartz", "quilt", "rabbit", "radio", "raft", "rainbow", "raven",
	"ribbon", "river", "robin", "rocket", "saddle", "salmon", "sandal", "saturn", "scarf",
	"silver", "sleeve", "sofa", "spider", "spoon", "statue", "summer", "sunset", "table",
	"tiger", "tomato", "tower", "train", "tulip", "tunnel", "turtle", "velvet", "violin",
	"volcano", "wagon", "walnut", "window", "winter", "yogurt", "zebra", "zipper",
};

int phrase_make(char ret[PHRASE_SIZE], struct tconn_error *err)
{
	uint8_t pick[PHRASE_WORDS];

	/* So few bytes come at once, or not at all. */
	if (getrandom(pick, sizeof(pick), 0) != sizeof(pick))
		return tconn_fail(err, -EIO, "no random bytes: %s", strerror(errno));
	snprintf(ret, PHRASE_SIZE, "%s %s %s %s", words[pick[0]], words[pick[1]], words[pick[2]],
		 words[pick[3]]);
	OPENSSL_cleanse(pick, sizeof(pick));
	return 0;
}

bool phrase_valid(const char *text, size_t len)
{
	size_t i = 0, spaces = 0;

	for (; i < len && ((text[i] >= 'a' && text[i] <= 'z') || text[i] == ' '); i++)
		spaces += text[i] == ' ';
	return len > 0 && len < PHRASE_SIZE && i == len && spaces == PHRASE_WORDS - 1;
}
