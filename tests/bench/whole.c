/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware that owns the layout and has a queue each way, a state, a log and a
 * link that lives, sleeps and leaves. What it adds to an image that does
 * nothing is what firmware pays for mbx. -DSLOTS=0 leaves out state and log,
 * -DCALLS=1 adds a call each way.
 */
#include <mbx/link.h>

#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef CALLS
#define CALLS 0
#endif

enum { UP, DOWN, STATE, WISH, LOG, ASK, ANSWER }; /* as config declares them */

int main(void);
extern struct mbx_word region[];
extern uint32_t buf[4];
extern struct mbx_link mbx;
extern struct mbx_tx tx;
extern struct mbx_rx rx;
extern struct mbx_writer state, log;
extern struct mbx_reader wish;
extern const struct mbx_link_config config;
extern struct mbx_record record;
extern volatile int result;
extern volatile uint32_t now;
extern struct mbx_caller caller;
extern struct mbx_server server;
extern struct mbx_request request;

static void attach_slots(void)
{
	struct mbx_slots_place slots;

	mbx_link_slots(&mbx, STATE, &slots);
	mbx_writer_attach(&state, &slots);
	mbx_link_slots(&mbx, LOG, &slots);
	mbx_writer_attach(&log, &slots);
	mbx_link_slots(&mbx, WISH, &slots);
	mbx_reader_attach(&wish, &slots);
}

static void use_slots(void)
{
	result = mbx_writer_write(&state, 0, buf, 16, now);
	result = mbx_writer_write(&log, MBX_LOG_INFO, buf, 16, now);
	result = mbx_reader_newest(&wish, buf, 16, &record);
}

static void attach_calls(void)
{
	struct mbx_queue_place req, rep;

	mbx_link_queue(&mbx, ASK, &req);
	mbx_link_back(&mbx, ASK, &rep);
	mbx_caller_attach(&caller, &req, &rep, mbx.session);
	mbx_link_queue(&mbx, ANSWER, &req);
	mbx_link_back(&mbx, ANSWER, &rep);
	mbx_server_attach(&server, &req, &rep);
}

static void use_calls(void)
{
	int status;

	mbx_caller_start(&caller, buf, 16, 1000, now, mbx.peer_session);
	result = mbx_caller_poll(&caller, buf, 16, &status, now,
				 mbx.peer_session);
	result = mbx_server_take(&server, &request, buf, 16);
	result = mbx_server_reply(&server, &request, 0, buf, 16);
}

int main(void)
{
	struct mbx_queue_place queue;

	mbx_link_init(&mbx, &config);
	while (mbx_link_format(&mbx, now) == MBX_EAGAIN)
		;
	while (mbx_link_attach(&mbx) == MBX_EAGAIN)
		;
	mbx_link_queue(&mbx, UP, &queue);
	mbx_tx_attach(&tx, &queue);
	mbx_link_queue(&mbx, DOWN, &queue);
	mbx_rx_attach(&rx, &queue);
	if (SLOTS)
		attach_slots();
	if (CALLS)
		attach_calls();
	while (!(mbx_link_poll(&mbx, now) & MBX_EVENT_RESET)) {
		result = mbx_rx_recv(&rx, buf, sizeof(buf));
		result = mbx_rx_notify(&rx);
		result = mbx_tx_send(&tx, buf, sizeof(buf));
		result = mbx_tx_notify(&tx);
		if (SLOTS)
			use_slots();
		if (CALLS)
			use_calls();
		result = mbx_rx_want_data(&rx, 1) + mbx_tx_want_room(&tx, 1);
	}
	mbx_link_detach(&mbx);
	return 0;
}
