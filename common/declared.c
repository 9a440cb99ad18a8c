/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Declarations that no compiler has seen: from a region or a command line, by way
 * of a library or a tool. LAYOUT.md, "Computing the layout", has the rules; the
 * macros of mbx/channel.h keep them when they compile.
 */
#include <mbx/link.h>

static int bad_stream(const struct mbx_stream *s, uint32_t slots)
{
	if (s->max_bytes == 0 || s->max_bytes > MBX_MAX_MESSAGE ||
	    s->bytes > MBX_MAX_REGION || s->bytes & 3u)
		return 1;
	if (slots)
		return slots < 2 || slots & (slots - 1u) ||
		       s->bytes / slots != 8u + MBX_ROUND4(s->max_bytes) ||
		       s->bytes % slots != 0;
	return s->bytes < 12 || MBX_ROUND4(s->max_bytes) > s->bytes - 8u;
}

static int in_names(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

static int bad_name(const char *name)
{
	uint32_t n = 0;

	for (; name[n]; n++)
		if (n == MBX_NAME_BYTES - 1u || !in_names(name[n]))
			return 1;
	return n == 0;
}

static int bad_channel(const struct mbx_channel *c)
{
	uint8_t full = c->is.full;

	if (!c->name || bad_name(c->name) || !c->is.type ||
	    c->is.direction > MBX_R2H)
		return 1;
	switch (c->is.kind) {
	case MBX_KIND_QUEUE:
		return full > MBX_BLOCK || c->is.slots ||
		       bad_stream(&c->is.fwd, 0);
	case MBX_KIND_STATE:
	case MBX_KIND_LOG:
		return full != MBX_OVERWRITE || !c->is.slots ||
		       bad_stream(&c->is.fwd, c->is.slots);
	case MBX_KIND_CALL:
		return full != MBX_FAIL || c->is.slots ||
		       bad_stream(&c->is.fwd, 0) ||
		       bad_stream(&c->is.back, 0) || c->is.fwd.max_bytes < 8u ||
		       c->is.back.max_bytes < 8u;
	}
	return 1;
}

int mbx_link_init_checked(struct mbx_link *l,
			  const struct mbx_link_config *config)
{
	uint32_t i;

	for (i = 0; i < config->count && i < MBX_MAX_CHANNELS; i++) {
		l->why.channel = (int16_t)i;
		if (bad_channel(&config->channels[i]))
			return MBX_EINVAL;
	}
	return mbx_link_init(l, config);
}
