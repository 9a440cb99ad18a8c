/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one thing in which this machine differs from mbx's defaults.
 *
 * QEMU translates DMB to nothing on a machine that can have only one CPU, as
 * this one: it does not know that a process on the host has the same memory
 * mapped. Stores then stay ordered among themselves, and loads too, as on the
 * x86 host below; but a load may overtake a store, which is just what the
 * barrier between "I am asleep" and "is there anything?" is there to forbid.
 * A read of a device register leaves the translated code and passes a lock,
 * hence a full barrier of the host's.
 *
 * The tick that ends every sleep after 20 ms is the second net. On the real
 * board the DMB alone would do, and the read costs a few cycles.
 */
#ifndef MPS2_AN385_MBX_PORT_H
#define MPS2_AN385_MBX_PORT_H

static inline void mbx_port_barrier(void)
{
	__asm__ volatile("dmb sy" ::: "memory");
	(void)*(volatile uint32_t *)0x40005004u; /* UART1 STATE */
	__asm__ volatile("" ::: "memory");
}
#define mbx_port_barrier mbx_port_barrier

#endif
