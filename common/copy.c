/* SPDX-License-Identifier: BSD-2-Clause */
#include <mbx/word.h>

_Static_assert(MBX_COPY_IN == 0, "the copy in assembly takes it for false");

#if defined(__thumb2__) && defined(__ARM_FEATURE_UNALIGNED) &&                 \
	defined(__ARMEL__) && !defined(MBX_WORD_HEADER) &&                     \
	!defined(MBX_DATA_PLAIN)
/*
 * For Cortex-M3 and up, and Cortex-R: what the C below does, but 16 bytes by two
 * instructions where both sides are aligned (the region's always is), and one
 * loop for both ways. An interrupt may have an LDM or STM begin again. That does
 * no harm: these words are payload, of which the last load counts, or not yet
 * published.
 *
 * r0 to, r1 from, r2 bytes left, r3 way
 */
__attribute__((naked)) void mbx_copy_words(void *to, const void *from,
					   uint32_t bytes, enum mbx_copy way)
{
	(void)to, (void)from, (void)bytes, (void)way;
	__asm__("	push	{r4, r5, r6, r7, lr}\n"
		"	orr	r4, r0, r1\n"
		"	lsls	r4, r4, #30\n"
		"	bne	3f\n" /* the application's is not aligned */
		"	subs	r2, #16\n"
		"	bcc	2f\n"
		"1:	ldmia	r1!, {r4, r5, r6, r7}\n"
		"	stmia	r0!, {r4, r5, r6, r7}\n"
		"	subs	r2, #16\n"
		"	bcs	1b\n"
		"2:	adds	r2, #16\n"
		"	beq	9f\n"
		"3:	subs	r2, #4\n"
		"	bcc	5f\n"
		"4:	ldr	r4, [r1], #4\n"
		"	str	r4, [r0], #4\n"
		"	subs	r2, #4\n"
		"	bcs	4b\n"
		"5:	adds	r2, #4\n"
		"	beq	9f\n"
		"	cbnz	r3, 7f\n"
		"6:	subs	r2, #1\n" /* in: the last bytes to one word */
		"	ldrb	r4, [r1, r2]\n"
		"	orr	r3, r4, r3, lsl #8\n"
		"	bne	6b\n"
		"	str	r3, [r0]\n"
		"	pop	{r4, r5, r6, r7, pc}\n"
		"7:	ldr	r4, [r1]\n" /* out: one word to the last bytes */
		"8:	strb	r4, [r0], #1\n"
		"	lsrs	r4, r4, #8\n"
		"	subs	r2, #1\n"
		"	bne	8b\n"
		"9:	pop	{r4, r5, r6, r7, pc}\n");
}
#else
static void in(struct mbx_word mbx_shared *to, const uint8_t *from,
	       uint32_t bytes)
{
	const uint8_t *end = from + (bytes & ~15u);

	for (; from != end; from += 16, to = mbx_word_at(to, 16)) {
		mbx_word_in(to, from);
		mbx_word_in(mbx_word_at(to, 4), from + 4);
		mbx_word_in(mbx_word_at(to, 8), from + 8);
		mbx_word_in(mbx_word_at(to, 12), from + 12);
	}
	mbx_words_in(to, from, bytes & 15u);
}

static void out(uint8_t *to, const struct mbx_word mbx_shared *from,
		uint32_t bytes)
{
	uint8_t *end = to + (bytes & ~15u);

	for (; to != end; to += 16, from = mbx_word_at(from, 16)) {
		mbx_word_out(to, from);
		mbx_word_out(to + 4, mbx_word_at(from, 4));
		mbx_word_out(to + 8, mbx_word_at(from, 8));
		mbx_word_out(to + 12, mbx_word_at(from, 12));
	}
	mbx_words_out(to, from, bytes & 15u);
}

void mbx_copy_words(void *to, const void *from, uint32_t bytes,
		    enum mbx_copy way)
{
	if (way == MBX_COPY_IN)
		in((struct mbx_word mbx_shared *)(uintptr_t)to, from, bytes);
	else
		out(to, (const struct mbx_word mbx_shared *)(uintptr_t)from,
		    bytes);
}
#endif
