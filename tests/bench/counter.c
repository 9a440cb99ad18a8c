/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCG plugin for QEMU: what firmware executes between two markers.
 *
 *	-plugin counter.so,begin=A,end=B,from=C,to=D,out=FILE
 *
 * Each time that the function at B is entered, one line goes to FILE: the
 * instructions executed since the one at A was, and the loads and stores of
 * [C, D) among them. All addresses are hex. An instruction that moves several
 * words counts as one instruction and as so many loads or stores.
 */
#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int qemu_plugin_version = 1;

static uint64_t begin, end, from, to;
static uint64_t insns, loads, stores;
static FILE *out;

static void count_insn(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	insns++;
}

static void count_access(unsigned int cpu, qemu_plugin_meminfo_t info,
			 uint64_t address, void *data)
{
	(void)cpu, (void)data;
	if (address < from || address >= to)
		return;
	if (qemu_plugin_mem_is_store(info))
		stores++;
	else
		loads++;
}

static void at_begin(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	insns = loads = stores = 0;
}

static void at_end(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	fprintf(out, "%llu %llu %llu\n", (unsigned long long)insns,
		(unsigned long long)loads, (unsigned long long)stores);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t at = qemu_plugin_insn_vaddr(insn);

		if (at == end)
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, at_end, NO_REGISTERS, NULL);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, count_insn,
						       NO_REGISTERS, NULL);
		qemu_plugin_register_vcpu_mem_cb(insn, count_access,
						 NO_REGISTERS, LOADS_AND_STORES,
						 NULL);
		if (at == begin)
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, at_begin, NO_REGISTERS, NULL);
	}
}

static void finish(qemu_plugin_id_t id, void *data)
{
	(void)id, (void)data;
	fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			int argc, char **argv)
{
	static const struct {
		const char *name;
		uint64_t *value;
	} args[] = {
		{ "begin=", &begin },
		{ "end=", &end },
		{ "from=", &from },
		{ "to=", &to },
	};
	int i;
	size_t k;

	(void)info;
	for (i = 0; i < argc; i++) {
		for (k = 0; k < sizeof(args) / sizeof(args[0]); k++) {
			size_t n = strlen(args[k].name);

			if (strncmp(argv[i], args[k].name, n) == 0)
				*args[k].value = strtoull(argv[i] + n, NULL,
							  16);
		}
		if (strncmp(argv[i], "out=", 4) == 0)
			out = fopen(argv[i] + 4, "w");
	}
	if (!out || !begin || !end) {
		fprintf(stderr, "counter: begin=, end= and out= are needed\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
