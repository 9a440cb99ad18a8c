/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What content.c, content_slots.c and content_link.c share: each load takes
 * every value of a set in turn, in all combinations.
 */
#ifndef VERIFY_CONTENT_H
#define VERIFY_CONTENT_H

#include <mbx/link.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/content_words.h"

#define MAX_VALUES  400u
#define MAX_CHOICES 100u

struct set {
	uint32_t count, value[MAX_VALUES];
};

static unsigned long calls;

static struct {
	uint32_t at, of;
} chosen[MAX_CHOICES];
static uint32_t depth, known;

static void fail(const char *what, uint32_t a, uint32_t b)
{
	printf("FAIL: %s (0x%x, 0x%x)\n", what, a, b);
	exit(1);
}

/* One of @of, another one each time that next_choices() says so. */
static uint32_t choose(uint32_t of)
{
	if (depth == MAX_CHOICES)
		fail("too many choices", depth, of);
	if (depth == known)
		chosen[known++].at = 0;
	chosen[depth].of = of;
	return chosen[depth++].at;
}

static uint32_t pick(const struct set *s)
{
	return s->value[choose(s->count)];
}

/* Returns 0 when all were taken. */
static int next_choices(void)
{
	while (known && chosen[known - 1].at + 1u == chosen[known - 1].of)
		known--;
	if (!known)
		return 0;
	chosen[known - 1].at++;
	return 1;
}

static void add(struct set *s, uint32_t v)
{
	uint32_t i;

	for (i = 0; i < s->count; i++)
		if (s->value[i] == v)
			return;
	if (s->count == MAX_VALUES)
		fail("too many values", s->count, v);
	s->value[s->count++] = v;
}

/* From @first to @last, which may be on the other side of 0. */
static void add_range(struct set *s, uint32_t first, uint32_t last)
{
	for (; first != last; first++)
		add(s, first);
	add(s, last);
}

#endif
