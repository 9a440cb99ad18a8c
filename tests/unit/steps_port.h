/* SPDX-License-Identifier: BSD-2-Clause */
/* A core whose interrupts test_steps.c raises. */
#ifndef MBX_TESTS_STEPS_PORT_H
#define MBX_TESTS_STEPS_PORT_H

uint32_t steps_mask(void);
void steps_unmask(uint32_t was);

#define mbx_port_mask	steps_mask
#define mbx_port_unmask steps_unmask

#endif
