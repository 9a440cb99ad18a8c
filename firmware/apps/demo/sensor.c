/* SPDX-License-Identifier: BSD-2-Clause */
#include "sensor.h"

#include <mbx/err.h>

#define LOW_MC	  20000u /* milli-degrees Celsius */
#define SWING_MC  10000u
#define PERIOD_MS (2u * SWING_MC) /* up and down again, 1 m°C each ms */

void sensor_start(struct sensor *s, uint32_t now_us)
{
	s->hz = SENSOR_HZ_DEFAULT;
	s->n = s->rest_us = s->uptime_ms = 0;
	s->sampled_us = s->last_us = now_us;
}

int sensor_set_rate(struct sensor *s, uint32_t hz)
{
	if (hz == 0 || hz > SENSOR_HZ_MAX)
		return MBX_EINVAL;
	s->hz = hz;
	return 0;
}

static void count_uptime(struct sensor *s, uint32_t now_us)
{
	s->rest_us += now_us - s->last_us;
	s->last_us = now_us;
	s->uptime_ms += s->rest_us / 1000u;
	s->rest_us %= 1000u;
}

static int32_t temperature(uint32_t ms)
{
	uint32_t t = ms % PERIOD_MS;

	return (int32_t)(LOW_MC + (t < SWING_MC ? t : PERIOD_MS - t));
}

int sensor_sample(struct sensor *s, uint32_t now_us, struct demo_sensor *out)
{
	uint32_t period_us = 1000000u / s->hz;

	count_uptime(s, now_us);
	if (now_us - s->sampled_us < period_us)
		return 0;
	s->sampled_us += period_us;
	if (now_us - s->sampled_us >= 2u * period_us)
		s->sampled_us = now_us;
	out->n = ++s->n;
	out->milli_celsius = temperature(s->uptime_ms);
	out->uptime_ms = s->uptime_ms;
	return 1;
}
