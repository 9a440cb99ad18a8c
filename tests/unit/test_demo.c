/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The demo firmware's modules, tested on the host. A template for testing your
 * own: modules that touch no hardware and take the time as an argument need no
 * board, no emulator and no mock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cksum.h"
#include "control.h"
#include "text.h"

#include <mbx/err.h>

/* ---- cksum: the values are those that coreutils' cksum prints ---- */

static uint32_t cksum_of(const void *data, uint32_t bytes, uint32_t piece)
{
	struct cksum c;
	uint32_t done, n;

	cksum_start(&c);
	for (done = 0; done < bytes; done += n) {
		n = bytes - done < piece ? bytes - done : piece;
		cksum_add(&c, (const uint8_t *)data + done, n);
	}
	return cksum_value(&c);
}

static void test_cksum_of_nothing(void **state)
{
	(void)state;
	/* cksum /dev/null */
	assert_int_equal(cksum_of("", 0, 1), 4294967295u);
}

static void test_cksum_of_short_texts(void **state)
{
	(void)state;
	/* printf 123456789 | cksum; printf a | cksum */
	assert_int_equal(cksum_of("123456789", 9, 9), 930766865u);
	assert_int_equal(cksum_of("a", 1, 1), 1220704766u);
}

static void test_cksum_of_long_stream_in_any_pieces(void **state)
{
	static uint8_t zeros[100000];
	uint32_t piece;

	(void)state;
	/* head -c 100000 /dev/zero | cksum: the length has three bytes */
	for (piece = 1; piece < 5000; piece = piece * 3 + 1)
		assert_int_equal(cksum_of(zeros, sizeof(zeros), piece),
				 1260869142u);
}

static void test_cksum_value_does_not_end_the_stream(void **state)
{
	struct cksum c;

	(void)state;
	cksum_start(&c);
	cksum_add(&c, "12345", 5);
	cksum_value(&c);
	cksum_add(&c, "6789", 4);
	assert_int_equal(cksum_value(&c), 930766865u);
	assert_int_equal(c.bytes, 9);
	cksum_start(&c);
	assert_int_equal(cksum_value(&c), 4294967295u);
}

/* ---- sensor: its clock starts shortly before the wrap ---- */

#define START_US (0u - 50000u)

static struct sensor new_sensor(void)
{
	struct sensor s;

	sensor_start(&s, START_US);
	return s;
}

static void test_sensor_samples_once_a_period_across_the_wrap(void **state)
{
	struct sensor s = new_sensor();
	struct demo_sensor out;
	uint32_t us, n = 0;

	(void)state;
	for (us = 0; us <= 1000000; us += 1000)
		n += (uint32_t)sensor_sample(&s, START_US + us, &out);
	assert_int_equal(n, SENSOR_HZ_DEFAULT);
	assert_int_equal(out.n, n);
	assert_int_equal(out.uptime_ms, 1000);
}

static void test_sensor_late_sample_replaces_the_missed(void **state)
{
	struct sensor s = new_sensor();
	struct demo_sensor out;

	(void)state;
	assert_true(sensor_sample(&s, START_US + 350000, &out));
	assert_int_equal(out.n, 1);
	assert_false(sensor_sample(&s, START_US + 351000, &out));
	assert_false(sensor_sample(&s, START_US + 449999, &out));
	assert_true(sensor_sample(&s, START_US + 450000, &out));
}

static void test_sensor_keeps_its_rate_when_asked_late(void **state)
{
	struct sensor s = new_sensor();
	struct demo_sensor out;
	uint32_t tick, n = 0;

	(void)state;
	assert_int_equal(sensor_set_rate(&s, 50), 0);
	/* asked each 20 ms, early and late by turns */
	for (tick = 1; tick <= 1000; tick++)
		n += (uint32_t)sensor_sample(
			&s, START_US + tick * 20000 + (tick & 1) * 7 - 3, &out);
	assert_in_range(n, 999, 1000);
}

static void test_sensor_temperature_rises_and_falls(void **state)
{
	struct sensor s = new_sensor();
	struct demo_sensor out;

	(void)state;
	sensor_sample(&s, START_US + 3000000, &out);
	assert_int_equal(out.milli_celsius, 23000);
	sensor_sample(&s, START_US + 10000000, &out);
	assert_int_equal(out.milli_celsius, 30000);
	sensor_sample(&s, START_US + 17000000, &out);
	assert_int_equal(out.milli_celsius, 23000);
	sensor_sample(&s, START_US + 20000000, &out);
	assert_int_equal(out.milli_celsius, 20000);
}

static void test_sensor_uptime_outlives_the_wrap(void **state)
{
	struct sensor s = new_sensor();
	struct demo_sensor out = { 0, 0, 0 };
	uint32_t now = START_US, hours;

	(void)state;
	/* two hours, in steps of half an hour; the clock wraps after 71 min */
	for (hours = 0; hours < 4; hours++) {
		now += 1800u * 1000000u;
		assert_true(sensor_sample(&s, now, &out));
	}
	assert_int_equal(out.uptime_ms, 7200000);
}

/* ---- control ---- */

static void test_led_answers_what_is_now_so(void **state)
{
	struct control c = { 0, new_sensor() };
	uint32_t answer;

	(void)state;
	assert_int_equal(control_led(&c, "\1\0\0\0", 4, &answer), 0);
	assert_int_equal(answer, 1);
	assert_int_equal(control_led(&c, "\0\2\0\0", 4, &answer), 0);
	assert_int_equal(answer, 1);
	assert_int_equal(control_led(&c, "\0\0\0\0", 4, &answer), 0);
	assert_int_equal(answer, 0);
	assert_int_equal(c.led, 0);
}

static void test_led_refuses_a_request_of_another_size(void **state)
{
	struct control c = { 1, new_sensor() };
	uint32_t answer;

	(void)state;
	assert_int_equal(control_led(&c, "\0\0\0", 3, &answer), MBX_EINVAL);
	assert_int_equal(control_led(&c, "", 0, &answer), MBX_EINVAL);
	assert_int_equal(answer, 1);
	assert_int_equal(c.led, 1);
}

static void test_rate_is_taken_within_its_bounds(void **state)
{
	struct control c = { 0, new_sensor() };
	uint32_t answer;

	(void)state;
	assert_int_equal(control_rate(&c, "\1\0\0\0", 4, &answer), 0);
	assert_int_equal(answer, 1);
	assert_int_equal(control_rate(&c, "\62\0\0\0", 4, &answer), 0);
	assert_int_equal(answer, 50);
	assert_int_equal(control_rate(&c, "\63\0\0\0", 4, &answer), MBX_EINVAL);
	assert_int_equal(control_rate(&c, "\0\0\0\0", 4, &answer), MBX_EINVAL);
	assert_int_equal(control_rate(&c, "\1\0\0\1", 4, &answer), MBX_EINVAL);
	assert_int_equal(answer, 50);
	assert_int_equal(c.sensor.hz, 50);
}

static void test_rate_takes_effect_at_the_next_sample(void **state)
{
	struct control c = { 0, new_sensor() };
	struct demo_sensor out;
	uint32_t answer;

	(void)state;
	control_rate(&c, "\1\0\0\0", 4, &answer);
	assert_false(sensor_sample(&c.sensor, START_US + 500000, &out));
	control_rate(&c, "\62\0\0\0", 4, &answer);
	assert_true(sensor_sample(&c.sensor, START_US + 501000, &out));
	assert_false(sensor_sample(&c.sensor, START_US + 520999, &out));
	assert_true(sensor_sample(&c.sensor, START_US + 521000, &out));
}

/* ---- text ---- */

static void test_text_knows_its_conversions(void **state)
{
	char buf[64];
	uint32_t n = text_format(buf, sizeof(buf), "%s=%u, 0x%x, %u %%", "x",
				 UINT32_MAX, 0xc0ffee, 0u);

	(void)state;
	assert_int_equal(n, strlen("x=4294967295, 0xc0ffee, 0 %"));
	assert_memory_equal(buf, "x=4294967295, 0xc0ffee, 0 %", n);
}

static void test_text_is_cut_at_its_room(void **state)
{
	char buf[8] = "#######";

	(void)state;
	assert_int_equal(text_format(buf, 5, "%u", 123456789u), 5);
	assert_memory_equal(buf, "12345##", 8);
}

static void test_text_ends_in_a_percent_sign(void **state)
{
	char buf[8];

	(void)state;
	assert_int_equal(text_format(buf, sizeof(buf), "100%"), 4);
	assert_memory_equal(buf, "100%", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cksum_of_nothing),
		cmocka_unit_test(test_cksum_of_short_texts),
		cmocka_unit_test(test_cksum_of_long_stream_in_any_pieces),
		cmocka_unit_test(test_cksum_value_does_not_end_the_stream),
		cmocka_unit_test(
			test_sensor_samples_once_a_period_across_the_wrap),
		cmocka_unit_test(test_sensor_late_sample_replaces_the_missed),
		cmocka_unit_test(test_sensor_keeps_its_rate_when_asked_late),
		cmocka_unit_test(test_sensor_temperature_rises_and_falls),
		cmocka_unit_test(test_sensor_uptime_outlives_the_wrap),
		cmocka_unit_test(test_led_answers_what_is_now_so),
		cmocka_unit_test(test_led_refuses_a_request_of_another_size),
		cmocka_unit_test(test_rate_is_taken_within_its_bounds),
		cmocka_unit_test(test_rate_takes_effect_at_the_next_sample),
		cmocka_unit_test(test_text_knows_its_conversions),
		cmocka_unit_test(test_text_is_cut_at_its_room),
		cmocka_unit_test(test_text_ends_in_a_percent_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
