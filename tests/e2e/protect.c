/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware that stores to what is not its own: its board stops it and names the
 * address, and the word is as it was.
 *
 * Usage: protect BOARD, with BUILD in the environment.
 */
#include "board.h"

#include "../firmware/wild/wild.h"

#include <fcntl.h>

#define VALUE 0xbadc0de5u

static struct mbx *m;
static struct mbx_end *orders, *done;
static int sim_says; /* what mbx sim had on its stderr */

static uint32_t word_at(uint32_t off)
{
	return mbx_ld(mbx_link_word(mbx_get_link(m), off));
}

static void begin(void)
{
	struct mbx_options o = { .channels = wild_channels,
				 .count = wild_channels_count,
				 .doorbell = bell,
				 .timeout_ms = PATIENCE_MS };

	int ours = dup(STDERR_FILENO);

	make_ram();
	sim_says = memfd_create("stderr", MFD_CLOEXEC);
	dup2(sim_says, STDERR_FILENO);
	start_board("wild");
	dup2(ours, STDERR_FILENO);
	close(ours);
	assert_mbx(mbx_open(&m, region, &o), 0);
	assert_mbx(mbx_wait_peer(m, PATIENCE_MS), 0);
	assert_mbx(mbx_end_open(m, "store", &orders), 0);
	assert_mbx(mbx_end_open(m, "done", &done), 0);
}

static void end(void)
{
	mbx_close(m);
	if (sim_pid)
		end_board(SIGTERM);
	close(sim_says);
	remove_ram();
}

static void order(uint32_t off)
{
	struct wild_store store = { off, VALUE };

	assert_mbx(mbx_send(orders, &store, sizeof(store), PATIENCE_MS), 0);
}

/* What the board says of a fault at @off. */
static void last_words(uint32_t off, char *text, size_t size)
{
	if (is_process())
		snprintf(text, size, "address region+%#x", off);
	else
		snprintf(text, size, "address 0x%08x",
			 off + (is_r5() ? 0x3ed80000u
				: strcmp(board, "mps2-an385") == 0
					? 0x21000000u
					: 0x80000000u));
}

/* A process that faults ends, and so does mbx sim, which says why. */
static void read_console(char *text, size_t size)
{
	char path[sizeof(dir) + 16];
	ssize_t n;
	int fd;

	text[0] = 0;
	if (is_process()) {
		if (waitpid(sim_pid, NULL, WNOHANG) != sim_pid)
			return;
		sim_pid = 0;
		n = pread(sim_says, text, size - 1, 0);
	} else {
		snprintf(path, sizeof(path), "%s/console", dir);
		fd = open(path, O_RDONLY);
		assert_true(fd >= 0);
		n = read(fd, text, size - 1);
		close(fd);
	}
	assert_true(n >= 0);
	text[n] = 0;
}

static void assert_faults(uint32_t off)
{
	uint32_t was = word_at(off), until = PATIENCE_MS / 10;
	char want[64], console[1024];
	struct wild_store store;

	assert_int_not_equal(was, VALUE);
	last_words(off, want, sizeof(want));
	order(off);
	do {
		/* it was possible: no need to wait for a fault */
		assert_true(mbx_recv(done, &store, sizeof(store), 10) < 0);
		read_console(console, sizeof(console));
	} while (!strchr(console, '\n') && --until);
	assert_int_equal(word_at(off), was);
	assert_non_null(strstr(console, "stopped: fault"));
	if (!strstr(console, want))
		print_message("\"%s\" is not in: %s\n", want, console);
	assert_non_null(strstr(console, want));
}

static void test_store_to_own_section_is_done(void **state)
{
	struct wild_store store;
	uint32_t off;

	(void)state;
	begin();
	/* a word of the side block that has no meaning yet */
	off = mbx_get_link(m)->section[MBX_REMOTE] + 60u;
	order(off);
	assert_mbx(mbx_recv(done, &store, sizeof(store), PATIENCE_MS), 8);
	assert_int_equal(word_at(off), VALUE);
	end();
}

static void test_store_to_superblock_faults(void **state)
{
	(void)state;
	begin();
	assert_faults(0);
	end();
}

static void test_store_to_hosts_section_faults(void **state)
{
	(void)state;
	begin();
	assert_faults(mbx_get_link(m)->section[MBX_HOST] + 60u);
	end();
}

static void test_store_just_below_own_section_faults(void **state)
{
	(void)state;
	begin();
	assert_faults(mbx_get_link(m)->section[MBX_REMOTE] - 4u);
	end();
}

static void test_store_just_behind_own_section_faults(void **state)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE), off;

	(void)state;
	begin();
	off = mbx_get_link(m)->end_off;
	if (is_process()) /* of which pages are protected */
		off = (off + page - 1u) & ~(page - 1u);
	assert_faults(off);
	end();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_to_own_section_is_done),
		cmocka_unit_test(test_store_to_superblock_faults),
		cmocka_unit_test(test_store_to_hosts_section_faults),
		cmocka_unit_test(test_store_just_below_own_section_faults),
		cmocka_unit_test(test_store_just_behind_own_section_faults),
	};

	setup_board(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
