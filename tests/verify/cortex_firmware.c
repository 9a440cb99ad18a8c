/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scenes of cortex.h in firmware, whose shared memory is a file of the
 * host's; cortex_plugin.c takes the snapshots. Exits with failure if anything
 * goes wrong before anybody died.
 */
#include "bare.h"
#include "cortex.h"

extern uint8_t shared[]; /* the linker is told where */

static struct crash_world world;

static volatile struct crash_note *note(void)
{
	return (volatile struct crash_note *)(shared + CRASH_BYTES);
}

#define COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

void crash_begin(struct crash_world *w)
{
	note()->scene = w->scene;
	note()->told = w->told;
	COMPILER_BARRIER();
	note()->open = 1;
	COMPILER_BARRIER();
}

void crash_end(struct crash_world *w)
{
	(void)w;
	COMPILER_BARRIER();
	note()->open = 0;
	COMPILER_BARRIER();
}

void crash_wrong(const struct crash_world *w, int line, const char *what)
{
	uint32_t skew;

	bare_print(crash_text(w->scene, &skew));
	bare_print("\nline ");
	bare_print_number((uint32_t)line);
	bare_print(": ");
	bare_print(what);
	bare_print("\n");
	__builtin_trap(); /* which ends all, with failure */
}

int main(void)
{
	uint32_t i;

	for (i = 0; i < crash_scenes(); i++)
		crash_play(&world, (uintptr_t)shared, i);
	return 0;
}
