/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The golden region: one small region with something of everything in it,
 * written the same to the byte by every build of common/, and read back from
 * the file that an earlier build wrote.
 *
 *	golden --write FILE	make the region and save it as hex
 *	golden --check FILE	make it and compare; then read FILE's back
 *	golden --at-zero FILE	the same, with the region at address 0
 *
 * The file has one line for each eight words: offset, then their values. It
 * changes only with the layout's version: see common/LAYOUT.md.
 */
#include "region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE_WORDS 8u

#define must(truth) ((truth) ? (void)0 : not_true(__LINE__, #truth))

_Noreturn void not_true(int line, const char *what)
{
	fprintf(stderr, "golden, line %d: not true: %s\n", line, what);
	exit(1);
}

void protect_region(uintptr_t base, int on)
{
	int access = PROT_READ | (on ? 0 : PROT_WRITE);

	must(mprotect((void *)base, REGION_BYTES, access) == 0);
}

/* ---- the region as text ---- */

static void line_of(uintptr_t base, uint32_t off, char line[96])
{
	uint32_t i;
	int n = sprintf(line, "%04x:", (unsigned int)off);

	for (i = 0; i < LINE_WORDS; i++)
		n += sprintf(line + n, " %08x",
			     (unsigned int)region_word(base, off + 4u * i));
	strcpy(line + n, "\n");
}

static FILE *open_or_die(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f) {
		perror(path);
		exit(1);
	}
	return f;
}

static void save(uintptr_t base, const char *path)
{
	FILE *f = open_or_die(path, "w");
	char line[96];
	uint32_t off;

	for (off = 0; off < REGION_BYTES; off += 4u * LINE_WORDS) {
		line_of(base, off, line);
		fputs(line, f);
	}
	must(fclose(f) == 0);
}

/* The saved region's lines, compared with the one at @base; 0 if the same. */
static int compare(uintptr_t base, const char *path)
{
	FILE *f = open_or_die(path, "r");
	char ours[96], theirs[96];
	int differ = 0;
	uint32_t off;

	for (off = 0; off < REGION_BYTES; off += 4u * LINE_WORDS) {
		line_of(base, off, ours);
		if (!fgets(theirs, sizeof(theirs), f))
			theirs[0] = 0;
		if (strcmp(ours, theirs) == 0)
			continue;
		differ++;
		fprintf(stderr, "golden %s",
			theirs[0] ? theirs : "ends here\n");
		fprintf(stderr, "made   %s", ours);
	}
	must(fgetc(f) == EOF);
	fclose(f);
	return differ;
}

static void load(uintptr_t base, const char *path)
{
	FILE *f = open_or_die(path, "r");
	unsigned int at, v;
	uint32_t off;

	for (off = 0; off < REGION_BYTES; off += 4u) {
		if (off % (4u * LINE_WORDS) == 0)
			must(fscanf(f, "%x:", &at) == 1 && at == off);
		must(fscanf(f, "%x", &v) == 1);
		set_region_word(base, off, v);
	}
	fclose(f);
}

/* Memory at @where (0: at address 0; otherwise only a wish: anywhere). */
static uintptr_t map(int at_zero)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (at_zero ? MAP_FIXED : 0);
	void *p = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, flags, -1,
		       0);

	if (p == MAP_FAILED) {
		perror(at_zero ? "no memory at address 0" : "mmap");
		exit(at_zero ? 77 : 1);
	}
	must(!at_zero == ((uintptr_t)p != 0));
	return (uintptr_t)p;
}

int main(int argc, char **argv)
{
	int at_zero = argc == 3 && !strcmp(argv[1], "--at-zero");
	uintptr_t base;

	if (argc != 3 || (!at_zero && strcmp(argv[1], "--check") &&
			  strcmp(argv[1], "--write"))) {
		fprintf(stderr,
			"usage: golden --write|--check|--at-zero FILE\n");
		return 2;
	}
	base = map(at_zero);
	make_region(base);
	if (!strcmp(argv[1], "--write")) {
		save(base, argv[2]);
	} else if (compare(base, argv[2])) {
		fprintf(stderr, "golden: not the bytes of %s\n", argv[2]);
		return 1;
	}
	load(base, argv[2]);
	read_region(base);
	printf("golden: %s, region at %#lx, %u channels read back\n", argv[1],
	       (unsigned long)base, (unsigned int)region_channels());
	return 0;
}
