/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The porting contract: everything that mbx asks of a core and a board.
 *
 * A port is a header of its own, named to the compiler as
 * -DMBX_PORT_HEADER='"my_port.h"', that defines as macros or static inline
 * functions what differs from the defaults below (a function is announced by
 * "#define mbx_port_clean mbx_port_clean" beside it). The defaults suit every
 * coherent core that GCC or Clang knows: Linux hosts, Cortex-M without a data
 * cache, Cortex-R and Cortex-A with the region mapped non-cacheable.
 *
 *   mbx_port_barrier()
 *	A full barrier: every load and store before it is performed, as seen by
 *	the *other bus master*, before any after it. On Arm that is DMB with the
 *	SY domain; the inner-shareable one that C11 fences compile to need not
 *	reach a second core outside the cluster.
 *   mbx_port_clean(addr, bytes)
 *	Write dirty cache lines of [addr, addr + bytes) back to memory and wait.
 *	Called after mbx stored there and before the store that publishes it.
 *   mbx_port_invalidate(addr, bytes)
 *	Forget cached copies of the range, so that the next load fetches memory.
 *	Lines must not be longer than the region's line_bytes (LAYOUT.md). None
 *	holds anything dirty of this side's, but for a claim left open when the
 *	peer takes the region back: that may be written back or get lost. Called
 *	for the whole region at attach.
 *	Both take 0 bytes and any alignment, and are ordered against all other
 *	accesses, loads too, by themselves: on Arm, a DSB before and one behind.
 *   mbx_port_copy_in(to, from, bytes, memory)
 *   mbx_port_copy_out(to, from, bytes, memory)
 *	Copy the beginning of a payload to (from) the region in another way than
 *	by aligned words, if @memory (enum mbx_memory, as the link was told) allows
 *	it, and return how many bytes that were: a multiple of 4. mbx copies the
 *	rest. @to (@from) in the region is aligned to 4, the application's memory
 *	to nothing. Cleaning and invalidating what it copies is the port's.
 *	The default copies nothing, and costs nothing.
 *   mbx_port_mask(), mbx_port_unmask(was)
 *	Mask interrupts on this core and return what to give back (uint32_t);
 *	nests. Held while one log record is written: bounded by its max_bytes.
 *	The defaults: PRIMASK on Cortex-M, CPSR.I on Cortex-R (privileged), and
 *	nothing elsewhere, where a record must not be written by two contexts.
 *
 * And, as real functions, what the board's folder provides to applications
 * (mbx's own channels never call them; they take the time as an argument):
 *
 *   uint32_t mbx_port_time_us(void)
 *	Microseconds since some moment, monotonic, wrapping at 2^32. Any context.
 *   void mbx_port_ring(void)
 *	The doorbell: make the peer look. Must not wait for the peer, may be
 *	dropped when one is pending already. Any context.
 *   void mbx_port_sleep(int (*idle)(void *), void *arg)
 *	Sleep until an interrupt (doorbell or tick), if and only if idle(arg) is
 *	non-zero when asked *with interrupts masked*: a doorbell between the
 *	question and the sleep must end the sleep. Thread context only.
 *   uintptr_t mbx_port_region(uint32_t *bytes)
 *	Where the shared region is for this core, and its size.
 *   uint32_t mbx_port_boot_reason(void)
 *	A number of the board's choosing that tools show as hex; 0: power on.
 */
#ifndef MBX_PORT_H
#define MBX_PORT_H

#include <stddef.h>
#include <stdint.h>

/*
 * How the region is mapped, where a port has to tell one mapping from another.
 * Device memory takes aligned accesses only, and is the default.
 */
enum mbx_memory { MBX_MEMORY_DEVICE = 0, MBX_MEMORY_NORMAL = 1 };

#ifdef MBX_PORT_HEADER
#include MBX_PORT_HEADER
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifndef mbx_port_barrier
#if defined(__arm__) || defined(__aarch64__)
#define mbx_port_barrier() __asm__ volatile("dmb sy" ::: "memory")
#else
#define mbx_port_barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif
#endif

#ifndef mbx_port_clean
#define mbx_port_clean(addr, bytes) ((void)(addr), (void)(bytes))
#endif

#ifndef mbx_port_invalidate
#define mbx_port_invalidate(addr, bytes) ((void)(addr), (void)(bytes))
#endif

#ifdef mbx_port_copy_in
#define MBX_PORT_COPIES 1
#else
#define MBX_PORT_COPIES 0
#define mbx_port_copy_in(to, from, bytes, memory)                              \
	((void)(to), (void)(from), (void)(bytes), (void)(memory), 0u)
#define mbx_port_copy_out(to, from, bytes, memory)                             \
	((void)(to), (void)(from), (void)(bytes), (void)(memory), 0u)
#endif

#ifndef mbx_port_mask
#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
static inline uint32_t mbx_port_mask(void)
{
	uint32_t was;

	__asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(was)::"memory");
	return was;
}
static inline void mbx_port_unmask(uint32_t was)
{
	__asm__ volatile("msr primask, %0" ::"r"(was) : "memory");
}
#define mbx_port_mask	mbx_port_mask
#define mbx_port_unmask mbx_port_unmask
#elif defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'R' &&              \
	defined(__arm__)
static inline uint32_t mbx_port_mask(void)
{
	uint32_t was;

	__asm__ volatile("mrs %0, cpsr\n\tcpsid i" : "=r"(was)::"memory");
	return was;
}
static inline void mbx_port_unmask(uint32_t was)
{
	__asm__ volatile("msr cpsr_c, %0" ::"r"(was) : "memory");
}
#define mbx_port_mask	mbx_port_mask
#define mbx_port_unmask mbx_port_unmask
#else
#define mbx_port_mask()	     ((uint32_t)0)
#define mbx_port_unmask(was) ((void)(was))
#endif
#endif

uint32_t mbx_port_time_us(void);
void mbx_port_ring(void);
void mbx_port_sleep(int (*idle)(void *), void *arg);
uintptr_t mbx_port_region(uint32_t *bytes);
uint32_t mbx_port_boot_reason(void);

#ifdef __cplusplus
}
#endif
#endif
