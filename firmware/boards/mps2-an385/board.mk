# SPDX-License-Identifier: BSD-2-Clause
# Arm MPS2+ with image AN385: one Cortex-M3.
CPU := -mcpu=cortex-m3 -mthumb -DMBX_PORT_HEADER='"mbx_port.h"'
SRC := $(wildcard firmware/boards/mps2/*.c firmware/boards/mps2-an385/*.c) \
       firmware/boards/bare.c firmware/freestanding.c \
       firmware/boards/pmsav7_protect.c firmware/pmsav7.c
LD  := firmware/boards/mps2-an385/memory.ld
