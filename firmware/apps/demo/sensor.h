/* SPDX-License-Identifier: BSD-2-Clause */
/* A temperature sensor that is not there, and the clock that it is read by. */
#ifndef DEMO_SENSOR_MODULE_H
#define DEMO_SENSOR_MODULE_H

#include "demo.h"

#define SENSOR_HZ_DEFAULT 10u
#define SENSOR_HZ_MAX	  50u

struct sensor {
	uint32_t hz;
	uint32_t n;			      /* of the last sample */
	uint32_t sampled_us;		      /* when that was due */
	uint32_t last_us, rest_us, uptime_ms; /* outlive the wrap of time_us */
};

void sensor_start(struct sensor *s, uint32_t now_us);

/* Returns 0, or MBX_EINVAL: not within 1..SENSOR_HZ_MAX, nothing changed. */
int sensor_set_rate(struct sensor *s, uint32_t hz);

/*
 * 1 and the sample if one is due, else 0. A sample that is a little late, as
 * ticks make it, does not delay the next; one that is late by two periods or
 * more replaces those missed. To be called at least once an hour.
 */
int sensor_sample(struct sensor *s, uint32_t now_us, struct demo_sensor *out);

#endif
