/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two firmwares with different channels in one region, one after the other,
 * while a host stays attached; a host built for the other one; and a host that
 * corrupts what it shares with the demo.
 *
 * Usage: other BOARD, with BUILD in the environment.
 */
#include "board.h"

#include "../../firmware/apps/demo/demo.h"

static struct mbx_options demo_host(void)
{
	return (struct mbx_options){ .channels = demo_channels,
				     .count = demo_channels_count,
				     .doorbell = bell,
				     .timeout_ms = PATIENCE_MS };
}

static void ping(struct mbx *m, const char *text)
{
	struct mbx_end *tx = open_end(m, "ping"), *rx = open_end(m, "pong");
	char buf[64];
	int n = (int)strlen(text);

	assert_mbx(mbx_wait_peer(m, PATIENCE_MS), 0);
	assert_mbx(mbx_send(tx, text, (size_t)n, PATIENCE_MS), 0);
	assert_mbx(mbx_recv(rx, buf, sizeof(buf), PATIENCE_MS), n);
	assert_memory_equal(buf, text, (size_t)n);
	mbx_end_close(tx);
	mbx_end_close(rx);
}

static int wait_for_error(struct mbx *m)
{
	int n = 0, i;

	for (i = 0; i < PATIENCE_MS / 10 && n >= 0; i++)
		n = mbx_wait(m, 10);
	return n;
}

static void test_new_layout_under_a_running_host_is_told_and_usable(void **s)
{
	struct mbx_options o = demo_host();
	struct mbx *m;

	(void)s;
	make_ram();
	start_board("demo");
	assert_mbx(mbx_open(&m, region, &o), 0);
	ping(m, "to the demo");
	end_board(SIGKILL);
	start_board("echo");

	/* the host that stayed: told, and every call says so */
	assert_mbx(wait_for_error(m), MBX_ESTALE);
	assert_non_null(strstr(mbx_errmsg(), "formatted again"));
	mbx_close(m);
	/* built for the demo: the channel and both values */
	assert_mbx(mbx_open(&m, region, &o), MBX_EMISMATCH);
	assert_non_null(strstr(mbx_errmsg(), "channels is 9 here, 2"));
	/* without declarations of its own: at home anywhere */
	o.channels = NULL;
	o.count = 0;
	assert_mbx(mbx_open(&m, region, &o), 0);
	ping(m, "to the echo");

	/* and back, while this host is attached to the echo's layout */
	end_board(SIGTERM);
	start_board("demo");
	assert_mbx(wait_for_error(m), MBX_ESTALE);
	mbx_close(m);
	o = demo_host();
	assert_mbx(mbx_open(&m, region, &o), 0);
	ping(m, "to the demo again");
	mbx_close(m);
	end_board(SIGTERM);
	remove_ram();
}

/* Read the log from its oldest line on until one contains @text: 0, or why not */
static int wait_for_line(struct mbx *m, const char *text)
{
	struct mbx_end *log = open_end(m, "log");
	char line[DEMO_LOG_BYTES + 1];
	int n;

	do {
		n = mbx_log_read(log, line, sizeof(line) - 1, NULL,
				 PATIENCE_MS);
		line[n < 0 ? 0 : n] = 0;
	} while (n >= 0 && !strstr(line, text));
	mbx_end_close(log);
	return n < 0 ? n : 0;
}

/* An impossible word where the demo looks for the next ping. */
static void corrupt_ping(struct mbx *m)
{
	struct mbx_queue_place at;

	assert_int_equal(mbx_link_queue(mbx_get_link(m), DEMO_PING, &at), 0);
	mbx_st(mbx_word_at(at.ring, mbx_ld(at.rx) & ~3u), 0xdeadbeef);
}

static void test_corrupted_ring_is_given_up_and_the_host_goes_on(void **state)
{
	struct mbx_options o = demo_host();
	struct mbx *m;
	int i;

	(void)state;
	make_ram();
	start_board("demo");
	assert_mbx(mbx_open(&m, region, &o), 0);
	for (i = 0; i < 2; i++) {
		ping(m, "before");
		corrupt_ping(m);
		assert_mbx(wait_for_error(m), MBX_ESTALE);
		mbx_close(m);
		assert_mbx(mbx_open(&m, region, &o), 0);
		ping(m, "after");
		assert_mbx(wait_for_line(m, "anew: ping held 0xdeadbeef"), 0);
	}
	mbx_close(m);
	end_board(SIGTERM);
	remove_ram();
}

static int remote_is_up(struct mbx *m)
{
	const struct mbx_link *l = mbx_get_link(m);

	return mbx_ld(mbx_link_word(l, l->section[MBX_REMOTE])) == MBX_SIDE_UP;
}

/*
 * A read offset that cannot be, found by the demo at its start, and a host that
 * comes and goes before the demo formats anew.
 */
static void test_corrupted_before_boot_is_given_up_too(void **state)
{
	struct mbx_options o = demo_host();
	struct mbx_queue_place at;
	struct mbx *m;
	int err;

	(void)state;
	make_ram();
	start_board("demo");
	assert_mbx(mbx_open(&m, region, &o), 0);
	ping(m, "before");
	end_board(SIGKILL);
	assert_int_equal(mbx_link_queue(mbx_get_link(m), DEMO_SUM, &at), 0);
	mbx_st(at.rx, 3);
	start_board("demo");
	do
		err = mbx_wait(m, 10);
	while (err >= 0 && !(err & MBX_EVENT_RESTARTED));
	while (err >= 0 && !remote_is_up(m))
		err = mbx_wait(m, 1);
	mbx_close(m);
	do {
		assert_mbx(mbx_open(&m, region, &o), 0);
		err = wait_for_line(m, "anew: sum held 0x3");
		if (err == MBX_ESTALE)
			mbx_close(m);
	} while (err == MBX_ESTALE);
	assert_mbx(err, 0);
	ping(m, "after");
	mbx_close(m);
	end_board(SIGTERM);
	remove_ram();
}

static void test_firmware_hears_of_an_incompatible_host(void **state)
{
	struct mbx_channel wrong[demo_channels_count];
	struct mbx_options o = demo_host(), observe = { .observe = 1 };
	struct mbx *m;

	(void)state;
	make_ram();
	start_board("demo");
	memcpy(wrong, demo_channels, sizeof(wrong));
	wrong[DEMO_DATA].is.fwd.max_bytes /= 2;
	o.channels = wrong;
	assert_mbx(mbx_open(&m, region, &o), MBX_EMISMATCH);
	assert_non_null(strstr(mbx_errmsg(), "\"data\""));
	assert_non_null(strstr(mbx_errmsg(), "512"));
	assert_non_null(strstr(mbx_errmsg(), "1024"));
	assert_mbx(mbx_open(&m, region, &observe), 0);
	assert_mbx(wait_for_line(m, "INCOMPATIBLE"), 0);
	mbx_close(m);
	end_board(SIGTERM);
	remove_ram();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_new_layout_under_a_running_host_is_told_and_usable),
		cmocka_unit_test(test_firmware_hears_of_an_incompatible_host),
		cmocka_unit_test(
			test_corrupted_ring_is_given_up_and_the_host_goes_on),
		cmocka_unit_test(test_corrupted_before_boot_is_given_up_too),
	};

	setup_board(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
