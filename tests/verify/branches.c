/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCG plugin for QEMU: which way firmware's branches went.
 *
 *	-plugin branches.so,out=FILE
 *
 * A branch ends a translated block. So each time that one block follows another
 * for the first time, a line goes to FILE: the address of the last instruction
 * of the one and that of the first of the other, both hex. It is there at once,
 * as whoever runs QEMU may kill it.
 *
 * The part of the plugin interface that it needs is declared here (version 1,
 * QEMU 4.2 and later), as QEMU's packages come without the header.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

enum { NO_REGISTERS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(
	qemu_plugin_id_t id,
	void (*callback)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*callback)(unsigned int cpu,
							   void *data),
					  int registers, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(
	const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

extern int qemu_plugin_version;
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			int argc, char **argv);

int qemu_plugin_version = 1;

/* Kept as long as QEMU may execute it: for ever. */
struct block {
	uint32_t first, last;
};

#define SEEN 65536u /* many times what firmware has */
#define CPUS 8u

static uint64_t seen[SEEN];
static uint32_t used;
static const struct block *before[CPUS];
static FILE *out;

/* Is it new? Once the table is full, nothing is: the coverage is missed then. */
static bool note(uint64_t edge)
{
	uint32_t i = (uint32_t)((edge * 0x9e3779b97f4a7c15u) >> 48);

	for (; seen[i]; i = (i + 1u) % SEEN)
		if (seen[i] == edge)
			return false;
	if (used == SEEN - 1u)
		return false;
	used++;
	seen[i] = edge;
	return true;
}

static void executed(unsigned int cpu, void *data)
{
	const struct block *now = data, *was;

	if (cpu >= CPUS)
		return;
	was = before[cpu];
	before[cpu] = now;
	if (was && note((uint64_t)was->last << 32 | now->first)) {
		fprintf(out, "%x %x\n", was->last, now->first);
		fflush(out);
	}
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	struct block *b = malloc(sizeof(*b));

	(void)id;
	if (!n || !b)
		return;
	b->first = (uint32_t)qemu_plugin_insn_vaddr(
		qemu_plugin_tb_get_insn(tb, 0));
	b->last = (uint32_t)qemu_plugin_insn_vaddr(
		qemu_plugin_tb_get_insn(tb, n - 1));
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, NO_REGISTERS, b);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			int argc, char **argv)
{
	(void)info;
	if (argc == 1 && strncmp(argv[0], "out=", 4) == 0)
		out = fopen(argv[0] + 4, "a");
	if (!out) {
		fprintf(stderr, "branches: a file is needed, out=FILE\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
