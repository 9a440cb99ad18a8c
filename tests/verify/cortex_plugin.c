/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCG plugin for QEMU: the snapshots of cortex.h.
 *
 *	-plugin cortex_plugin.so,ram=FILE,at=OFFSET,out=FILE
 *
 * ram is the file that is the machine's memory, at the offset (hex) in it of the
 * region. A snapshot is due before each instruction while the note says that a
 * call is under way, and behind each store of an instruction that has several.
 */
#include "cortex.h"
#include "plugin.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int qemu_plugin_version = 1;

static const struct crash_shot *shared;
static struct crash_shot last;
static uint32_t executed;
static FILE *out;

/* Nothing has changed: of the region, in the call that is under way. */
static int is_the_same(void)
{
	return last.note.open && last.note.scene == shared->note.scene &&
	       last.note.told == shared->note.told &&
	       memcmp(last.region, shared->region, CRASH_BYTES) == 0;
}

static void look(void)
{
	if (is_the_same())
		return;
	last = *shared;
	last.note.executed = executed;
	if (fwrite(&last, sizeof(last), 1, out) != 1) {
		perror("cortex_plugin");
		abort();
	}
}

static void at_insn(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	if (!shared->note.open)
		return;
	look();
	executed++;
}

static void at_store(unsigned int cpu, qemu_plugin_meminfo_t info,
		     uint64_t address, void *data)
{
	(void)cpu, (void)info, (void)address, (void)data;
	if (shared->note.open)
		look();
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		qemu_plugin_register_vcpu_insn_exec_cb(insn, at_insn,
						       NO_REGISTERS, NULL);
		qemu_plugin_register_vcpu_mem_cb(insn, at_store, NO_REGISTERS,
						 STORES, NULL);
	}
}

static void finish(qemu_plugin_id_t id, void *data)
{
	(void)id, (void)data;
	fclose(out);
}

static int map(const char *path, off_t at)
{
	int fd = open(path, O_RDONLY);
	void *p = MAP_FAILED;

	if (fd >= 0)
		p = mmap(NULL, sizeof(*shared), PROT_READ, MAP_SHARED, fd, at);
	if (p == MAP_FAILED) {
		perror(path);
		return -1;
	}
	shared = p;
	return 0;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			int argc, char **argv)
{
	const char *ram = NULL;
	off_t at = 0;
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (strncmp(argv[i], "ram=", 4) == 0)
			ram = argv[i] + 4;
		else if (strncmp(argv[i], "at=", 3) == 0)
			at = strtol(argv[i] + 3, NULL, 16);
		else if (strncmp(argv[i], "out=", 4) == 0)
			out = fopen(argv[i] + 4, "wb");
	}
	if (!ram || !out) {
		fprintf(stderr, "cortex_plugin: ram= and out= are needed\n");
		return 1;
	}
	if (map(ram, at))
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
