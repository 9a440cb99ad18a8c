/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ../e2e/lives.h accounts for, on the emulated Linux: SIGKILL for the
 * process, and for the R5 what remoteproc's stop and start are on a board: the
 * reset word in its memory and a doorbell, upon which it begins anew at
 * whatever instruction it is.
 */
#include "../unit/host.h"

static const char region[] = "uio:mailbox", bell[] = "uio:mailbox,1+0x0=1";

#include "../e2e/lives.h"

#include "../../firmware/boards/zcu102-r5/board.h"

#include <fcntl.h>

static volatile uint32_t *reset_word, *trigger;

static volatile uint32_t *map_register(int fd, off_t address)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  address & ~4095l);

	assert_true(page != MAP_FAILED);
	return (volatile uint32_t *)((char *)page + (address & 4095));
}

static int map_registers(void **state)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC);

	(void)state;
	assert_true(fd >= 0);
	reset_word = map_register(fd, BOARD_RESET_WORD);
	trigger = map_register(fd, BOARD_IPI);
	close(fd);
	return 0;
}

/* The word is 0 again once the new life has begun. */
static void reset_r5(void)
{
	int i;

	*reset_word = BOARD_RESET_MAGIC;
	__sync_synchronize();
	*trigger = 1;
	for (i = 0; i < PATIENCE_MS && *reset_word; i++)
		usleep(1000);
	assert_true(i < PATIENCE_MS);
}

static void test_process_killed_in_traffic_every_ping_is_accounted(void **state)
{
	(void)state;
	storm(NULL, 0, 1);
}

static void test_r5_reset_in_traffic_every_ping_is_accounted(void **state)
{
	void (*const ends[])(void) = { reset_r5 };

	(void)state;
	storm(ends, 1, 0);
}

static void test_both_in_any_order_every_ping_is_accounted(void **state)
{
	void (*const ends[])(void) = { reset_r5 };

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
