/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The demo firmware, an example to start from: queues in and out, calls
 * served, state and log published, a host that comes, goes and restarts. It
 * polls what may have work, and sleeps when nothing has.
 */
#include "cksum.h"
#include "control.h"
#include "demo.h"
#include "text.h"

#include "board.h"

#include <mbx/link.h>

#define BATCH		  16u /* messages of one input before the others */
#define SECOND_US	  1000000u
#define RESET_PATIENCE_US 1000000u /* for somebody else's formatting */

static struct mbx_link mbx;
static struct mbx_rx ping, data;
static struct mbx_tx pong, sum;
static struct mbx_server led, rate;
static struct mbx_writer sensor_out, log_out, stats_out;

static struct control control;
static struct cksum stream;
static uint32_t stream_session; /* the host's life that sends the stream */
static struct demo_stats stats;
static int stats_changed;

/* What has to happen before an input can go on. */
enum waits {
	FOR_DATA,   /* it is empty */
	FOR_ROOM,   /* the answer does not fit: the host must take some */
	FOR_LINK,   /* the link must be up */
	FOR_FORMAT, /* it holds what cannot be: see give_up_region() */
};

/* Take one message: 0, or MBX_EAGAIN, MBX_ENOSPC, MBX_ENOTCONN, MBX_EPROTO */
static int take_ping(void);
static int take_data(void);
static int take_led(void);
static int take_rate(void);

static struct input {
	uint32_t in, out; /* channels; the same one twice: a call */
	struct mbx_rx *rx;
	struct mbx_tx *tx;
	int (*take)(void);
	enum waits waits;
} inputs[] = {
	{ DEMO_PING, DEMO_PONG, &ping, &pong, take_ping, FOR_DATA },
	{ DEMO_DATA, DEMO_SUM, &data, &sum, take_data, FOR_DATA },
	{ DEMO_LED, DEMO_LED, &led.rx, &led.tx, take_led, FOR_DATA },
	{ DEMO_RATE, DEMO_RATE, &rate.rx, &rate.tx, take_rate, FOR_DATA },
};

#define DATA_INPUT 1
#define INPUTS_END (inputs + sizeof(inputs) / sizeof(inputs[0]))

/* Write a line to the log channel; see text.h for what @format may hold. */
static void say(enum mbx_level level, const char *format, ...)
{
	char line[DEMO_LOG_BYTES];
	uint32_t bytes;
	va_list args;

	va_start(args, format);
	bytes = text_vformat(line, sizeof(line), format, args);
	va_end(args);
	mbx_writer_write(&log_out, level, line, bytes, mbx_port_time_us());
	stats.log_lines++;
	stats_changed = 1;
}

static void publish_stats(void)
{
	mbx_writer_write(&stats_out, 0, &stats, sizeof(stats),
			 mbx_port_time_us());
	stats_changed = 0;
}

/* ---- the work: one message of each kind ---- */

/* From ring to ring, without a copy in between. */
static int take_ping(void)
{
	struct mbx_word mbx_shared *from;
	struct mbx_word mbx_shared *to;
	int n = mbx_rx_peek(&ping, &from), err;
	uint32_t bytes = (uint32_t)n, i;

	if (n < 0)
		return n;
	err = mbx_tx_claim(&pong, bytes, &to);
	if (err) /* then the ping stays where it is */
		return err == MBX_EAGAIN ? MBX_ENOSPC : err;
	for (i = 0; i < bytes; i += 4)
		mbx_st_data(mbx_word_at(to, i),
			    mbx_ld_data(mbx_word_at(from, i)));
	mbx_tx_commit(&pong, bytes);
	mbx_rx_release(&ping);
	stats.pings++;
	return 0;
}

static int end_stream(void)
{
	struct demo_sum value = { cksum_value(&stream), stream.bytes };
	int err = mbx_tx_send(&sum, &value, sizeof(value));

	if (err)
		return err == MBX_EAGAIN ? MBX_ENOSPC : err;
	say(MBX_LOG_INFO, "stream: %u bytes, cksum %u", value.bytes, value.crc);
	stats.sums++;
	cksum_start(&stream);
	return 0;
}

static int add_piece(void)
{
	static uint8_t piece[DEMO_DATA_BYTES];
	struct mbx_word mbx_shared *from;
	int n = mbx_rx_peek(&data, &from), err;

	if (n < 0)
		return n;
	if (n == 0) {
		err = end_stream();
		if (err)
			return err;
	}
	mbx_copy_out(piece, from, (uint32_t)n);
	mbx_rx_release(&data);
	cksum_add(&stream, piece, (uint32_t)n);
	stats.data_bytes += (uint32_t)n;
	return 0;
}

/*
 * Nothing while the link is not up: the host of a new life may send already,
 * and its stream must not be mixed with the old one; see link_changed().
 */
static int take_data(void)
{
	return mbx.peer_session ? add_piece() : MBX_ENOTCONN;
}

static int serve(struct mbx_server *server,
		 int (*act)(struct control *, const void *, uint32_t,
			    uint32_t *))
{
	struct mbx_request request;
	uint32_t asked, answer;
	int n, status;

	n = mbx_server_take(server, &request, &asked, sizeof(asked));
	if (n < 0)
		return n;
	status = act(&control, &asked, (uint32_t)n, &answer);
	mbx_server_reply(server, &request, status, &answer, sizeof(answer));
	stats.calls++;
	return 0;
}

static int take_led(void)
{
	uint32_t was = control.led;
	int err = serve(&led, control_led);

	if (control.led != was) {
		board_led(control.led);
		say(MBX_LOG_INFO, "led %s", control.led ? "on" : "off");
	}
	return err;
}

static int take_rate(void)
{
	uint32_t was = control.sensor.hz;
	int err = serve(&rate, control_rate);

	if (control.sensor.hz != was)
		say(MBX_LOG_INFO, "sensor rate %u Hz", control.sensor.hz);
	return err;
}

/* ---- inputs ---- */

static void attach_input(struct input *in)
{
	struct mbx_queue_place from, to;
	int err;

	mbx_link_queue(&mbx, in->in, &from);
	if (in->in == in->out)
		mbx_link_back(&mbx, in->out, &to);
	else
		mbx_link_queue(&mbx, in->out, &to);
	err = mbx_tx_attach(in->tx, &to);
	if (err >= 0)
		err = mbx_rx_attach(in->rx, &from);
	in->waits = err < 0 ? FOR_FORMAT : FOR_DATA;
	if (err < 0) {
		stats.proto_errors++;
		say(MBX_LOG_ERROR, "%s: cannot attach: %s",
		    demo_channels[in->in].name, mbx_strerror(err));
	}
}

static void accuse(struct input *in)
{
	stats.proto_errors++;
	say(MBX_LOG_ERROR, "%s: protocol error (in 0x%x, out 0x%x)",
	    demo_channels[in->in].name, in->rx->bad, in->tx->bad);
}

/* Up to a batch of messages; returns how many. */
static uint32_t run_input(struct input *in)
{
	uint32_t done = 0;
	int err = 0;

	if (in->waits >= FOR_FORMAT)
		return 0;
	while (done < BATCH && (err = in->take()) == 0)
		done++;
	in->waits = err == MBX_ENOSPC	  ? FOR_ROOM
		    : err == MBX_ENOTCONN ? FOR_LINK
		    : err == MBX_EPROTO	  ? FOR_FORMAT
					  : FOR_DATA;
	if (err == MBX_EPROTO)
		accuse(in);
	return done;
}

/*
 * Whether the host wants its doorbell rung for @in, of which @done messages
 * were taken. A full ring needs a look too: the last thing in it may be padding
 * that became visible just now.
 */
static int wants_ring(struct input *in, uint32_t done)
{
	if (in->waits == FOR_FORMAT)
		return 0;
	if ((done || in->waits == FOR_ROOM) && mbx_tx_notify(in->tx))
		return 1;
	return mbx_rx_notify(in->rx);
}

/* All inputs in turn, and one doorbell for all that was done. */
static uint32_t run_inputs(void)
{
	uint32_t done = 0, n;
	int ring = 0;
	struct input *in;

	for (in = inputs; in < INPUTS_END; in++) {
		n = run_input(in);
		ring |= wants_ring(in, n);
		done += n;
	}
	if (ring)
		mbx_port_ring();
	if (done)
		stats_changed = 1;
	return done;
}

/* ---- sleep ---- */

/*
 * Asked with interrupts masked: 1 if no input can go on. Each is told to the
 * host first (its doorbell will end the sleep), and looked at again after.
 */
static int idle(void *arg)
{
	const struct input *in;

	(void)arg;
	for (in = inputs; in < INPUTS_END; in++) {
		if (in->waits >= FOR_LINK || !mbx_rx_want_data(in->rx, 1))
			continue;
		if (in->waits == FOR_DATA || mbx_tx_want_room(in->tx, 1))
			return 0;
	}
	stats.wakeups++;
	return 1;
}

/* Back at work: the host need not ring. */
static void rise(void)
{
	const struct input *in;

	for (in = inputs; in < INPUTS_END; in++) {
		if (in->waits == FOR_FORMAT)
			continue;
		mbx_rx_want_data(in->rx, 0);
		mbx_tx_want_room(in->tx, 0);
	}
}

static int for_a_tick(void *arg)
{
	(void)arg;
	return 1;
}

/* ---- the link ---- */

static void attach_writer(struct mbx_writer *writer, uint32_t channel)
{
	struct mbx_slots_place at;

	mbx_link_slots(&mbx, channel, &at);
	mbx_writer_attach(writer, &at);
}

static void stop_too_small(void)
{
	static char why[80]; /* ends in zeros */

	text_format(
		why, sizeof(why) - 1u,
		"region of %u bytes, the channels need %u (MBX_REGION_BYTES)",
		mbx.is.bytes, mbx.end_off);
	board_stop(why);
}

/* The layout is the firmware's to choose: 1 if the region had it, 0 if not. */
static int own_region(void)
{
	int err;

	board_protect(0, mbx.is.bytes);
	while ((err = mbx_link_format(&mbx, mbx_port_time_us())) == MBX_EAGAIN)
		mbx_port_sleep(for_a_tick, NULL);
	if (err < 0)
		stop_too_small();
	return err;
}

/*
 * Begin a life, from here on with nothing but this side's section to write to:
 * a wild store faults instead of destroying what is the host's. Somebody
 * who is formatting the region gets @patience_us.
 */
static void attach(uint32_t patience_us)
{
	uint32_t since = mbx_port_time_us();
	struct input *in;
	int err;

	board_protect(0, mbx.is.bytes);
	while ((err = mbx_link_attach(&mbx)) != 0) {
		if (err != MBX_EAGAIN ||
		    mbx_port_time_us() - since >= patience_us)
			own_region();
		mbx_port_sleep(for_a_tick, NULL);
	}
	board_protect(mbx.section[MBX_REMOTE], mbx.end_off);
	attach_writer(&log_out, DEMO_LOG);
	attach_writer(&stats_out, DEMO_STATS);
	attach_writer(&sensor_out, DEMO_SENSOR);
	for (in = inputs; in < INPUTS_END; in++)
		attach_input(in);
	cksum_start(&stream);
	stream_session = 0;
}

/* A host of another life does not know what the one before it had sent. */
static void host_is_up(void)
{
	if (mbx.peer_session == stream_session)
		return;
	if (stream.bytes)
		say(MBX_LOG_WARNING, "stream given up after %u bytes",
		    stream.bytes);
	cksum_start(&stream);
	stream_session = mbx.peer_session;
}

/* What a host had sent when it went still belongs to its own stream. */
static void take_the_rest(void)
{
	uint32_t most = demo_channels[DEMO_DATA].is.fwd.bytes / 4u;
	const struct input *in = &inputs[DATA_INPUT];

	while (in->waits != FOR_FORMAT && most-- && add_piece() == 0)
		;
}

static void link_changed(uint32_t events)
{
	if (events & MBX_EVENT_DOWN) {
		say(MBX_LOG_WARNING, "link DOWN");
		take_the_rest();
	}
	if (events & MBX_EVENT_INCOMPATIBLE)
		say(MBX_LOG_ERROR, "link INCOMPATIBLE: "
				   "the host was built with other channels");
	if (events & MBX_EVENT_UP)
		say(MBX_LOG_INFO, "link UP, host session %u", mbx.peer_session);
	if (events & MBX_EVENT_RESTARTED) {
		stats.peer_restarts++;
		say(MBX_LOG_WARNING, "link RESTARTED, host session %u",
		    mbx.peer_session);
	}
	if (events & (MBX_EVENT_UP | MBX_EVENT_RESTARTED))
		host_is_up();
}

static void check_link(uint32_t now)
{
	uint32_t events = mbx_link_poll(&mbx, now);

	if (events & MBX_EVENT_RESET) {
		attach(RESET_PATIENCE_US);
		say(MBX_LOG_WARNING, "link RESET, session %u", mbx.session);
	} else if (events) {
		link_changed(events);
	}
}

/* ---- the firmware ---- */

static void start(void)
{
	struct mbx_link_config config = {
		.side = MBX_REMOTE,
		.channels = demo_channels,
		.count = demo_channels_count,
		.wakeup = BOARD_WAKEUP,
		.boot_reason = mbx_port_boot_reason(),
	};
	int adopted;

	config.base = mbx_port_region(&config.bytes);
	mbx_link_init(&mbx, &config);
	adopted = own_region();
	attach(0);
	say(MBX_LOG_INFO,
	    "boot: demo on " BOARD_NAME ", reason 0x%x, session %u, region %s",
	    config.boot_reason, mbx.session, adopted ? "adopted" : "formatted");
	sensor_start(&control.sensor, mbx_port_time_us());
	board_led(0);
}

/*
 * A ring with an impossible word stays impossible for every life to come. This
 * application's answer is to give up what is queued: format anew, at most once a
 * second. The host is told RESET.
 */
static void give_up_region(const struct input *why)
{
	uint32_t in = why->rx->bad, out = why->tx->bad;

	mbx_link_discard(&mbx);
	own_region();
	attach(0);
	/* the log was lost with the rest */
	say(MBX_LOG_ERROR, "region formatted anew: %s held 0x%x",
	    demo_channels[out ? why->out : why->in].name, out ? out : in);
}

static void each_second(void)
{
	struct input *in;

	for (in = inputs; in < INPUTS_END; in++)
		if (in->waits == FOR_FORMAT) {
			give_up_region(in);
			break;
		}
	publish_stats();
}

int main(void)
{
	struct demo_sensor sample;
	uint32_t now, second_us;

	start();
	second_us = mbx_port_time_us();
	for (;;) {
		now = mbx_port_time_us();
		check_link(now);
		if (sensor_sample(&control.sensor, now, &sample))
			mbx_writer_write(&sensor_out, 0, &sample,
					 sizeof(sample), now);
		if (now - second_us >= SECOND_US) {
			second_us = now;
			each_second();
		}
		if (run_inputs())
			continue;
		if (stats_changed)
			publish_stats();
		mbx_port_sleep(idle, NULL);
		rise();
	}
}
