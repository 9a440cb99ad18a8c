/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A made-up board for tests: the files in /proc, /sys and /dev by which Linux
 * would tell of it, in a folder that MBX_ROOT names. A sparse file is its
 * memory, and others are its UIO devices.
 */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

#include "host.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#define BOARD_RAM 0x40000000

static char tree[32]; /* the folder; "": none */

/* A path in the tree, its folders made. */
static inline const char *tree_path(const char *path)
{
	static char full[256];
	char *p;

	snprintf(full, sizeof(full), "%s%s", tree, path);
	for (p = full + strlen(tree) + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(full, 0755);
		*p = '/';
	}
	return full;
}

static inline void put_bytes(const char *path, const void *bytes, size_t n)
{
	int fd = open(tree_path(path), O_CREAT | O_TRUNC | O_WRONLY, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static inline void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static inline void put_cells(const char *path, int n, ...)
{
	uint8_t b[64];
	va_list ap;
	int i;

	va_start(ap, n);
	for (i = 0; i < n; i++) {
		uint32_t v = va_arg(ap, uint32_t);

		b[4 * i] = (uint8_t)(v >> 24);
		b[4 * i + 1] = (uint8_t)(v >> 16);
		b[4 * i + 2] = (uint8_t)(v >> 8);
		b[4 * i + 3] = (uint8_t)v;
	}
	va_end(ap);
	put_bytes(path, b, 4u * (size_t)n);
}

static inline void put_sparse(const char *path, off_t bytes)
{
	put(path, "");
	assert_int_equal(truncate(tree_path(path), bytes), 0);
}

static inline void put_uio(int n, const char *name, int map, const char *addr,
			   const char *size, const char *offset)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/class/uio/uio%d/name", n);
	put(path, name);
	snprintf(path, sizeof(path), "/sys/class/uio/uio%d/event", n);
	put(path, "7\n");
	snprintf(path, sizeof(path), "/sys/class/uio/uio%d/maps/map%d/addr", n,
		 map);
	put(path, addr);
	snprintf(path, sizeof(path), "/sys/class/uio/uio%d/maps/map%d/size", n,
		 map);
	put(path, size);
	snprintf(path, sizeof(path), "/sys/class/uio/uio%d/maps/map%d/offset",
		 n, map);
	put(path, offset);
}

#define IOMEM                                                                  \
	"00000000-3ecfffff : System RAM\n"                                     \
	"  00210000-0117ffff : Kernel code\n"                                  \
	"  3e000000-3e7fffff : reserved\n"                                     \
	"3ed00000-3edfffff : reserved\n"                                       \
	"3ee00000-3fffffff : System RAM\n"                                     \
	"ff000000-ff000fff : ff000000.serial serial@ff000000\n"                \
	"100000000-13fffffff : PCI Bus 0000:00\n"                              \
	"  100000000-1000fffff : 0000:00:01.0\n"                               \
	"    100000000-1000fffff : nvme\n"

/* A board like the zcu102, its carve-out and a mailbox in it. */
static inline int tree_plant(void **state)
{
	(void)state;
	strcpy(tree, "/tmp/mbx-test-XXXXXX");
	assert_non_null(mkdtemp(tree));
	setenv("MBX_ROOT", tree, 1);
	put("/proc/iomem", IOMEM);
	put_cells("/proc/device-tree/reserved-memory/#address-cells", 1, 2);
	put_cells("/proc/device-tree/reserved-memory/#size-cells", 1, 2);
	put("/proc/device-tree/reserved-memory/ranges", "");
	put_cells("/proc/device-tree/reserved-memory/mbx@3ed00000/reg", 4, 0,
		  0x3ed00000, 0, 0x100000);
	put("/proc/device-tree/reserved-memory/mbx@3ed00000/no-map", "");
	put_cells("/proc/device-tree/reserved-memory/video@3e000000/reg", 4, 0,
		  0x3e000000, 0, 0x800000);
	put_sparse("/dev/mem", BOARD_RAM);
	put_uio(0, "mailbox\n", 0, "0x000000003ed80000\n",
		"0x0000000000010000\n", "0x0\n");
	put_uio(0, "mailbox\n", 1, "0x00000000ff300000\n",
		"0x0000000000001000\n", "0x0\n");
	put("/sys/class/uio/uio0/maps/map1/name", "ipi\n");
	put_uio(1, "other\n", 0, "0x00000000ff400000\n", "0x1000\n", "0x0\n");
	put_sparse("/dev/uio0", 1 << 20);
	return 0;
}

static inline int remove_entry(const char *path, const struct stat *st,
			       int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int tree_fell(void **state)
{
	(void)state;
	unsetenv("MBX_ROOT");
	return nftw(tree, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
