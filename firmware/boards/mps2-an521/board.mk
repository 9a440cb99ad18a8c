# SPDX-License-Identifier: BSD-2-Clause
# Arm MPS2+ with image AN521: two Cortex-M33, of which the second stays parked.
CPU := -mcpu=cortex-m33 -mthumb
SRC := $(wildcard firmware/boards/mps2/*.c firmware/boards/mps2-an521/*.c) \
       firmware/boards/bare.c firmware/freestanding.c
LD  := firmware/boards/mps2-an521/memory.ld
