/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware that stores to what is not its own: its board stops it and names the
 * address, and the word is as it was. So it is with all else that goes wrong; a
 * reset begins a life that knows of it.
 *
 * Usage: protect BOARD, with BUILD in the environment.
 */
#include "board.h"
#include "r5.h"

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

static void assert_in(const char *console, const char *want)
{
	if (!strstr(console, want))
		print_message("\"%s\" is not in: %s\n", want, console);
	assert_non_null(strstr(console, want));
}

/* What the board has said, once it has said so many lines. */
static const char *said(unsigned int lines)
{
	static char console[2048];
	uint32_t until = PATIENCE_MS / 10;
	struct wild_store store;
	const char *p;
	unsigned int n;

	do {
		/* it was possible: no need to wait for a fault */
		assert_true(mbx_recv(done, &store, sizeof(store), 10) < 0);
		read_console(console, sizeof(console));
		for (n = 0, p = console; (p = strchr(p, '\n')); p++)
			n++;
	} while (n < lines && --until);
	return console;
}

static void assert_faults(uint32_t off)
{
	uint32_t was = word_at(off);
	const char *console;
	char want[64];

	assert_int_not_equal(was, VALUE);
	last_words(off, want, sizeof(want));
	order(off);
	console = said(1);
	assert_int_equal(word_at(off), was);
	assert_in(console, "stopped: fault");
	assert_in(console, want);
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

static void test_store_where_nothing_is_faults(void **state)
{
	const char *console;

	(void)state;
	begin();
	order(WILD_ELSEWHERE);
	console = said(1);
	assert_in(console, "stopped: fault");
	assert_in(console, "address 0x60000000");
	end();
}

static void test_no_instruction_faults(void **state)
{
	(void)state;
	if (is_process())
		skip(); /* Linux says so itself */
	begin();
	order(WILD_EXECUTE);
	assert_in(said(1), is_r5() ? "fault, undefined instruction"
				   : "stopped: fault, exception 0x");
	end();
}

static void test_protection_that_cannot_be_is_refused(void **state)
{
	(void)state;
	if (is_process())
		skip(); /* pages hold what is odd */
	begin();
	order(WILD_DIVIDE);
	assert_in(said(1), "the MPU cannot divide there");
	end();
}

/* What is where the stack should be may be anything: it is not followed. */
static void faults_with_stack(uint32_t stack)
{
	struct wild_store store = { WILD_STACK, stack };
	const char *console;
	char want[32];

	begin();
	assert_mbx(mbx_send(orders, &store, sizeof(store), PATIENCE_MS), 0);
	console = said(1);
	assert_in(console, "stopped: fault");
	snprintf(want, sizeof(want), " sp 0x%08x;", stack - 32u);
	assert_in(console, want);
	end();
}

static void test_fault_with_no_stack_is_said_without_it(void **state)
{
	(void)state;
	if (is_process() || is_r5())
		skip(); /* nothing is read from the stack there */
	if (strcmp(board, "mps2-an521") == 0) {
		faults_with_stack(0x3800f000u);
		return;
	}
	faults_with_stack(0x2000f000u);
	faults_with_stack(0x00030000u); /* below it, which an AN521 stops */
}

static uint32_t boot_reason(void)
{
	const struct mbx_link *l = mbx_get_link(m);

	return word_at(l->section[MBX_REMOTE] +
		       (uint32_t)offsetof(struct mbx_side_block, boot_reason));
}

/* To a UART, a break on the line is a byte. */
static void ring(void)
{
	qmp("chardev-send-break", "{\"id\":\"doorbell\"}");
}

static void reset_once_dead(void)
{
	uint32_t last = mbx_get_link(m)->peer_session;
	char memory[sizeof(ram) + 1];
	struct mbx_region page;
	int i;

	if (is_r5()) {
		snprintf(memory, sizeof(memory), "%s@", ram);
		reset_r5(open_reset_word(&page, memory), ring);
		mbx_region_close(&page);
	} else {
		qmp("system_reset", "{}");
	}
	for (i = 0; i < PATIENCE_MS / 10; i++) {
		assert_true(mbx_wait(m, 10) >= 0);
		if (mbx_get_link(m)->peer_session &&
		    mbx_get_link(m)->peer_session != last)
			return;
	}
	fail_msg("no life after it died");
}

static void test_stack_overflow_is_said_and_known_to_the_next_life(void **state)
{
	const char *console;

	(void)state;
	if (is_process())
		skip(); /* Linux says so itself */
	begin();
	assert_int_equal(boot_reason(), 0);
	order(WILD_RECURSE);
	assert_in(said(1), "stopped: stack overflow");
	reset_once_dead();
	assert_int_equal(boot_reason(), 2);
	/* and it can say so once more */
	order(WILD_RECURSE);
	console = said(2);
	assert_in(strchr(console, '\n'), "stopped: stack overflow");
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
		cmocka_unit_test(test_store_where_nothing_is_faults),
		cmocka_unit_test(test_no_instruction_faults),
		cmocka_unit_test(test_protection_that_cannot_be_is_refused),
		cmocka_unit_test(test_fault_with_no_stack_is_said_without_it),
		cmocka_unit_test(
			test_stack_overflow_is_said_and_known_to_the_next_life),
	};

	setup_board(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
