# SPDX-License-Identifier: BSD-2-Clause
# Xilinx ZCU102: a Cortex-R5F beside the Cortex-A53s that run Linux.
CPU := -mcpu=cortex-r5 -mthumb -mfloat-abi=soft
SRC := $(wildcard firmware/boards/zcu102-r5/*.c) \
       firmware/boards/bare.c firmware/freestanding.c \
       firmware/boards/pmsav7_protect.c firmware/pmsav7.c
LD  := firmware/boards/zcu102-r5/memory.ld
