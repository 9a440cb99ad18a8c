/* SPDX-License-Identifier: BSD-2-Clause */
/* boards: what is known of boards with a second core. */
#include "cmd.h"

static json_t *board_json(const struct mbx_board *b)
{
	json_t *o = json_object();

	set_text(o, "name", b->name);
	set_text(o, "title", b->title);
	set_text(o, "core", b->core);
	set_text(o, "memory", b->memory);
	set_num(o, "address", (long long)b->address);
	set_num(o, "remote_address", (long long)b->remote);
	set_num(o, "bytes", b->bytes);
	set_text(o, "compatible", b->compatible);
	if (b->remoteproc)
		set_text(o, "remoteproc", b->remoteproc);
	set_text(o, "doorbell", b->doorbell);
	set_text(o, "hardware", b->hardware);
	set_text(o, "notes", b->notes);
	set_text(o, "source", b->source);
	set_text(o, "tried", b->tried);
	return o;
}

static void print_row(const struct mbx_board *b)
{
	printf("%-20s %-29s 0x%08llx  0x%08llx  %4u KiB  %s\n", b->name,
	       b->core, (unsigned long long)b->address,
	       (unsigned long long)b->remote, b->bytes / 1024, b->tried);
}

static void print_board(const struct mbx_board *b)
{
	printf("board       %s\n", b->title);
	printf("tried       %s\n", b->tried);
	printf("core        %s\n", b->core);
	printf("region      %u KiB of %s: Linux 0x%llx, the core 0x%llx\n",
	       b->bytes / 1024, b->memory, (unsigned long long)b->address,
	       (unsigned long long)b->remote);
	printf("use it      export MBX_REGION=board:%s MBX_DOORBELL=%s\n",
	       b->name, b->doorbell);
	printf("overlay     %s.dtso\n", b->name);
	printf("remoteproc  %s\n",
	       b->remoteproc ? b->remoteproc : "none: QEMU starts the core");
	printf("interrupts  %s\n", b->hardware);
	printf("notes       %s\n", b->notes);
	printf("source      %s\n", b->source);
}

static const struct mbx_board *named(const char *name)
{
	const struct mbx_board *b = mbx_board_find(name);

	if (!b)
		fail(USAGE, "%s", mbx_errmsg());
	return b;
}

static void list_boards(bool json)
{
	const struct mbx_board *b;
	json_t *list = json_array();
	unsigned int i;

	if (!json)
		printf("%-20s %-29s %-10s  %-10s  %8s  %s\n", "BOARD", "CORE",
		       "LINUX", "REMOTE", "SIZE", "TRIED");
	for (i = 0; (b = mbx_board_at(i)); i++) {
		if (json)
			json_array_append_new(list, board_json(b));
		else
			print_row(b);
	}
	if (json)
		print_json(list, false);
	else
		json_decref(list);
}

static int run_boards(struct args *a)
{
	bool json = a->value['j'] != NULL;

	if (!a->argc)
		list_boards(json);
	else if (json)
		print_json(board_json(named(a->argv[0])), false);
	else
		print_board(named(a->argv[0]));
	return OK;
}

static const struct opt boards_opts[] = { OPT_JSON, OPT_END };

const struct command boards_command[] = {
	{ "boards", "[NAME]", "boards with a second core, or all of one",
	  "LINUX and REMOTE are the address of the region as either side sees "
	  "it. Each has a\ndevice-tree overlay, linux/overlays/NAME.dtso; "
	  "linux/BOARDS.md says what to do with it.\n",
	  boards_opts, 0, 1, false, run_boards },
	{ 0 }
};
