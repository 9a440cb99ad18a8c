/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ../e2e/lives.h accounts for, in the emulated Linux: SIGKILL for the
 * process, and for the R5 what stands in for remoteproc's stop and start.
 */
#include "../unit/host.h"

static const char region[] = "uio:mailbox", bell[] = "uio:mailbox,1+0x0=1";

#include "../e2e/lives.h"
#include "../e2e/r5.h"

/*
 * Mapped beforehand: a ring right behind the word finds the R5 at work as often
 * as asleep. A moment later a ping's own ring would have taken its place, which
 * only ever comes to one that sleeps.
 */
static struct mbx_region page, ipi;
static struct mbx_word *word;

static int map_registers(void **state)
{
	(void)state;
	word = open_reset_word(&page, "mem:");
	assert_mbx(mbx_region_open(&ipi, "uio:mailbox/1", 0, 0), 0);
	return 0;
}

static void ring(void)
{
	mbx_st_release(ipi.base, 1);
}

static void reset_beside(void)
{
	reset_r5(word, ring);
}

static void test_process_killed_in_traffic_every_ping_is_accounted(void **state)
{
	(void)state;
	storm(NULL, 0, 1);
}

static void test_r5_reset_in_traffic_every_ping_is_accounted(void **state)
{
	void (*const ends[])(void) = { reset_beside };

	(void)state;
	storm(ends, 1, 0);
}

static void test_both_in_any_order_every_ping_is_accounted(void **state)
{
	void (*const ends[])(void) = { reset_beside };

	(void)state;
	storm(ends, 1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_process_killed_in_traffic_every_ping_is_accounted),
		cmocka_unit_test(
			test_r5_reset_in_traffic_every_ping_is_accounted),
		cmocka_unit_test(
			test_both_in_any_order_every_ping_is_accounted),
	};

	setup_lives();
	return cmocka_run_group_tests(tests, map_registers, NULL);
}
