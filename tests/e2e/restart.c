/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lives.h accounts for, with firmware under QEMU (or as a process): SIGKILL
 * for the host, SIGKILL for QEMU, a system_reset by QMP; and on zcu102-r5 what
 * stands in for remoteproc's stop and start.
 *
 * Usage: restart BOARD [DEATHS], with BUILD in the environment. With a number,
 * a storm of so many deaths of QEMU, and nothing else.
 */
#include "board.h"
#include "lives.h"
#include "r5.h"

static uint32_t session(void)
{
	struct mbx_options o = { .observe = 1, .timeout_ms = PATIENCE_MS };
	const struct mbx_link *l;
	uint32_t now;
	struct mbx *m;

	assert_mbx(mbx_open(&m, region, &o), 0);
	l = mbx_get_link(m);
	now = mbx_ld(mbx_link_word(
		l, l->section[MBX_REMOTE] +
			   (uint32_t)offsetof(struct mbx_side_block, session)));
	mbx_close(m);
	return now;
}

static void kill_board(void)
{
	uint32_t last = session(), i;

	end_board(SIGKILL);
	start_board(NULL);
	for (i = 0; i < PATIENCE_MS && session() == last; i++)
		usleep(1000);
	assert_true(i < PATIENCE_MS);
}

static void reset_system(void)
{
	qmp("system_reset", "{}");
}

/* To a UART, a break on the line is a byte. */
static void ring(void)
{
	qmp("chardev-send-break", "{\"id\":\"doorbell\"}");
}

static void reset_by_word(void)
{
	char memory[sizeof(ram) + 1];
	struct mbx_region page;

	snprintf(memory, sizeof(memory), "%s@", ram);
	reset_r5(open_reset_word(&page, memory), ring);
	mbx_region_close(&page);
}

static void storm_on_board(void (*const *ends)(void), int count, int host_too)
{
	make_ram();
	start_board(NULL);
	storm(ends, count, host_too);
	end_board(SIGTERM);
	remove_ram();
}

static void test_host_killed_in_traffic_every_ping_is_accounted(void **state)
{
	(void)state;
	storm_on_board(NULL, 0, 1);
}

static void test_qemu_killed_in_traffic_every_ping_is_accounted(void **state)
{
	void (*const ends[])(void) = { kill_board };

	(void)state;
	storm_on_board(ends, 1, 0);
}

static void test_system_reset_in_traffic_every_ping_is_accounted(void **state)
{
	void (*const ends[])(void) = { reset_system };

	(void)state;
	if (is_process())
		skip(); /* there is no system to reset */
	storm_on_board(ends, 1, 0);
}

static void test_reset_word_in_traffic_every_ping_is_accounted(void **state)
{
	void (*const ends[])(void) = { reset_by_word };

	(void)state;
	if (!is_r5())
		skip(); /* a way of that board's */
	storm_on_board(ends, 1, 0);
}

static void test_all_of_it_in_any_order_every_ping_is_accounted(void **state)
{
	void (*const ends[])(void) = { kill_board, reset_system,
				       reset_by_word };

	(void)state;
	storm_on_board(ends, is_process() ? 1 : is_r5() ? 3 : 2, 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest one[] = {
		cmocka_unit_test(
			test_qemu_killed_in_traffic_every_ping_is_accounted),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_host_killed_in_traffic_every_ping_is_accounted),
		cmocka_unit_test(
			test_qemu_killed_in_traffic_every_ping_is_accounted),
		cmocka_unit_test(
			test_system_reset_in_traffic_every_ping_is_accounted),
		cmocka_unit_test(
			test_reset_word_in_traffic_every_ping_is_accounted),
		cmocka_unit_test(
			test_all_of_it_in_any_order_every_ping_is_accounted),
	};

	setup_board(argc == 3 ? 2 : argc, argv);
	setup_lives();
	if (argc == 3) {
		rounds = atoi(argv[2]);
		if (rounds < 1 || rounds > MOST_ROUNDS) {
			fprintf(stderr, "%s: 1 to %d deaths\n", argv[2],
				MOST_ROUNDS);
			return 2;
		}
		return cmocka_run_group_tests(one, NULL, NULL);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
