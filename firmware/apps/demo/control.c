/* SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include <mbx/err.h>

/* Requests are little-endian and of any alignment. */
static int get_u32(const void *request, uint32_t bytes, uint32_t *value)
{
	const uint8_t *p = request;

	if (bytes != 4)
		return MBX_EINVAL;
	*value = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
		 (uint32_t)p[3] << 24;
	return 0;
}

int control_led(struct control *c, const void *request, uint32_t bytes,
		uint32_t *answer)
{
	uint32_t on;
	int err = get_u32(request, bytes, &on);

	if (!err)
		c->led = on != 0;
	*answer = c->led;
	return err;
}

int control_rate(struct control *c, const void *request, uint32_t bytes,
		 uint32_t *answer)
{
	uint32_t hz;
	int err = get_u32(request, bytes, &hz);

	if (!err)
		err = sensor_set_rate(&c->sensor, hz);
	*answer = c->sensor.hz;
	return err;
}
