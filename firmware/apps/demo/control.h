/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two calls, as functions from a request to its answer. Both take the
 * request as it came, @bytes long, and store in *@answer what is so now,
 * whether they did as asked or not.
 *
 * Both return the call's status: 0, or
 *   MBX_EINVAL	the request is not one u32, or not an allowed one
 */
#ifndef DEMO_CONTROL_H
#define DEMO_CONTROL_H

#include "sensor.h"

struct control {
	uint32_t led; /* 0 or 1 */
	struct sensor sensor;
};

/* 0 is off, all else is on, and then the answer is 1. */
int control_led(struct control *c, const void *request, uint32_t bytes,
		uint32_t *answer);

/* How often the sensor is to be sampled, in Hz. */
int control_rate(struct control *c, const void *request, uint32_t bytes,
		 uint32_t *answer);

#endif
