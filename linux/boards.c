/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boards as data: where Linux and the other core see the same memory.
 *
 * The addresses are free in the device trees named as their source; the memory
 * that those give to remoteproc begins with its vrings, so each profile has a
 * place of its own. linux/overlays/NAME.dtso makes it, and argues the choice; a
 * test holds table, overlays and BOARDS.md together.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#define NOT_TRIED "not tried on hardware"

static const struct mbx_board boards[] = {
	{ .name = "beagley-ai-mcu-r5f",
	  .title = "BeagleY-AI, TI AM67A (J722S)",
	  .core = "Cortex-R5F in the MCU domain",
	  .memory = "DDR",
	  .address = 0xa6c00000,
	  .remote = 0xa6c00000,
	  .bytes = 0x100000,
	  .compatible = "ti,j722s",
	  .remoteproc = "79000000.r5f",
	  .doorbell = "poll",
	  .hardware = "a mailbox (mailbox0_cluster1), which belongs to Linux's "
		      "omap-mailbox driver and must be read to clear it",
	  .notes =
		  "Map it non-cacheable in the R5F's MPU. Its TCM is no "
		  "alternative for the region: BTCM is at 0 for the R5F and "
		  "at 0x79020000 for Linux, ATCM is off; TCM has ECC on words: "
		  "write before the first read.",
	  .source = "Linux: k3-am67a-beagley-ai.dts, "
		    "k3-j722s-ti-ipc-firmware.dtsi, "
		    "k3-am62p-j722s-common-mcu.dtsi",
	  .tried = NOT_TRIED },
	{ .name = "beagley-ai-main-r5f",
	  .title = "BeagleY-AI, TI AM67A (J722S)",
	  .core = "Cortex-R5F in the main domain",
	  .memory = "DDR",
	  .address = 0xa6d00000,
	  .remote = 0xa6d00000,
	  .bytes = 0x100000,
	  .compatible = "ti,j722s",
	  .remoteproc = "78400000.r5f",
	  .doorbell = "poll",
	  .hardware = "a mailbox (mailbox0_cluster3), which belongs to Linux's "
		      "omap-mailbox driver and must be read to clear it",
	  .notes =
		  "Map it non-cacheable in the R5F's MPU. ATCM is at 0 for the "
		  "R5F and at 0x78400000 for Linux, BTCM at 0x78500000 for "
		  "Linux; TCM has ECC on words: write before the first read.",
	  .source = "Linux: k3-am67a-beagley-ai.dts, "
		    "k3-j722s-ti-ipc-firmware.dtsi, k3-j722s-main.dtsi",
	  .tried = NOT_TRIED },
	{ .name = "am62x-m4f",
	  .title = "TI AM62x: SK-AM62, BeaglePlay, PocketBeagle 2",
	  .core = "Cortex-M4F in the MCU domain",
	  .memory = "DDR",
	  .address = 0x9c600000,
	  .remote = 0x9c600000,
	  .bytes = 0x100000,
	  .compatible = "ti,am625",
	  .remoteproc = "5000000.m4fss",
	  .doorbell = "poll",
	  .hardware = "a mailbox (mailbox0_cluster0), which belongs to Linux's "
		      "omap-mailbox driver and must be read to clear it",
	  .notes = "The M4F's RAT must leave this address as it is: TI's "
		   "examples use some windows for peripherals. The firmware "
		   "itself runs from IRAM, at 0 for the M4F and at 0x5000000 "
		   "for Linux.",
	  .source = "Linux: k3-am62x-sk-common.dtsi, "
		    "k3-am62-ti-ipc-firmware.dtsi, k3-am62-phycore-som.dtsi",
	  .tried = NOT_TRIED },
	{ .name = "stm32mp157-m4",
	  .title = "ST STM32MP157: STM32MP157C-DK2, -EV1",
	  .core = "Cortex-M4",
	  .memory = "MCU SRAM3",
	  .address = 0x10048000,
	  .remote = 0x30048000,
	  .bytes = 0x8000,
	  .compatible = "st,stm32mp157",
	  .remoteproc = "m4",
	  .doorbell = "poll",
	  .hardware =
		  "the IPCC, which belongs to Linux's stm32-ipcc driver and "
		  "must be written to clear it",
	  .notes =
		  "The M4 reaches the SRAM on its system bus at 0x30048000; at "
		  "0x10048000 it sees the same bytes on the code bus. RETRAM "
		  "is at 0 for the M4 and at 0x38000000 for Linux. MCU SRAM "
		  "rather than DDR: no cache is in the way, and it is the "
		  "memory that stays with the M4.",
	  .source = "Linux: stm32mp151.dtsi, stm32mp15xx-dkx.dtsi; ST's wiki, "
		    "STM32MP15 RAM mapping",
	  .tried = NOT_TRIED },
	{ .name = "imx8mm-m4",
	  .title = "NXP i.MX8M Mini: EVK and others with 2 GB",
	  .core = "Cortex-M4",
	  .memory = "DDR",
	  .address = 0xb8500000,
	  .remote = 0xb8500000,
	  .bytes = 0x100000,
	  .compatible = "fsl,imx8mm",
	  .remoteproc = "imx-rproc",
	  .doorbell = "poll",
	  .hardware = "a messaging unit (mu), which belongs to Linux's "
		      "imx-mailbox driver and must be written to clear it",
	  .notes =
		  "Map it non-cacheable in the M4's MPU. Boards with 1 GB have "
		  "no memory there. TCM is at 0x1ffe0000 for the M4 and at "
		  "0x7e0000 for Linux.",
	  .source = "NXP's linux-imx: imx8mm-evk-rpmsg.dts; Linux: "
		    "drivers/remoteproc/imx_rproc.c",
	  .tried = NOT_TRIED },
	{ .name = "imx8mp-m7",
	  .title = "NXP i.MX8M Plus: EVK and others",
	  .core = "Cortex-M7",
	  .memory = "DDR",
	  .address = 0x55500000,
	  .remote = 0x55500000,
	  .bytes = 0x100000,
	  .compatible = "fsl,imx8mp",
	  .remoteproc = "imx-rproc",
	  .doorbell = "poll",
	  .hardware = "a messaging unit (mu), which belongs to Linux's "
		      "imx-mailbox driver and must be written to clear it",
	  .notes =
		  "Map it non-cacheable in the M7's MPU: its data cache is not "
		  "coherent. ITCM is at 0 for the M7 and at 0x7e0000 for "
		  "Linux.",
	  .source = "NXP's linux-imx: imx8mp-evk-rpmsg.dts; Linux: "
		    "drivers/remoteproc/imx_rproc.c",
	  .tried = NOT_TRIED },
	{ .name = "imx93-m33",
	  .title = "NXP i.MX93: 11x11 EVK and others with 1 GB or more",
	  .core = "Cortex-M33",
	  .memory = "DDR",
	  .address = 0xa4300000,
	  .remote = 0xa4300000,
	  .bytes = 0x100000,
	  .compatible = "fsl,imx93",
	  .remoteproc = "imx-rproc",
	  .doorbell = "poll",
	  .hardware = "a messaging unit (mu1), which belongs to Linux's "
		      "imx-mailbox driver and must be written to clear it",
	  .notes = "The M33 sees DDR twice: with bit 28 of the address set it "
		   "is the secure alias, so 0xb4300000 is the same memory. "
		   "System TCM is at 0x20000000 for the M33 and at 0x20200000 "
		   "for Linux. Boards with 512 MB have no memory at this "
		   "address.",
	  .source = "Linux: imx93-11x11-evk.dts, imx93-phycore-som.dtsi, "
		    "drivers/remoteproc/imx_rproc.c",
	  .tried = NOT_TRIED },
	{ .name = "zynqmp-r5f",
	  .title = "AMD Zynq UltraScale+: ZCU102, Kria and others",
	  .core = "Cortex-R5F, RPU 0",
	  .memory = "DDR",
	  .address = 0x3ec00000,
	  .remote = 0x3ec00000,
	  .bytes = 0x100000,
	  .compatible = "xlnx,zynqmp",
	  .remoteproc = "ffe00000.r5f",
	  .doorbell = "uio:mailbox,1+0x0=0x100",
	  .hardware =
		  "IPI channels; 7 (0xff340000) is one that Linux does not "
		  "use: with it Linux rings RPU 0, which enables and clears "
		  "bit 24 of its own channel 1 (0xff310000). The other way "
		  "Linux looks: SPI 29 stays up until a status was written",
	  .notes =
		  "Map it non-cacheable in the R5F's MPU: the vendor's start-up "
		  "code makes DDR cacheable. TCM is at 0 for the R5F and at "
		  "0xffe00000 for Linux; it has ECC on words: write before "
		  "the first read. The first MB of DDR is behind the R5F's "
		  "TCM.",
	  .source = "Linux: zynqmp.dtsi, xlnx,zynqmp-r5fss.yaml; AMD's UG1085; "
		    "OpenAMP's demos, platform_info.h",
	  .tried = NOT_TRIED },
	{ .name = "zcu102-r5",
	  .title = "QEMU's xlnx-zcu102, with firmware of this repository",
	  .core = "Cortex-R5F, RPU 0",
	  .memory = "DDR",
	  .address = 0x3ed80000,
	  .remote = 0x3ed80000,
	  .bytes = 0x10000,
	  .compatible = "xlnx,zynqmp-zcu102",
	  .doorbell = "uio:mailbox,1+0x0=1",
	  .hardware = "QEMU's wiring, not a board's: the IPI block's trigger "
		      "interrupts the R5, and the R5 sets SPI 100 pending",
	  .notes = "For a real ZCU102 take zynqmp-r5f: other wiring, and "
		   "remoteproc's buffers are at this address there.",
	  .source = "QEMU 7.2, hw/arm/xlnx-zcu102.c",
	  .tried = "emulation" },
	{ .name = "am335x-pru",
	  .title = "TI AM335x: BeagleBone Black, PocketBeagle",
	  .core = "PRU 0 or 1",
	  .memory = "PRU shared RAM",
	  .address = 0x4a310000,
	  .remote = 0x10000,
	  .bytes = 0x3000,
	  .compatible = "ti,am33xx",
	  .remoteproc = "4a334000.pru",
	  .doorbell = "poll",
	  .hardware = "PRU host interrupts, which belong to Linux's "
		      "irq-pruss-intc driver",
	  .notes = "Linux must have started the PRU-ICSS (a remoteproc of it "
		   "running), or the access is a bus error. DDR works for the "
		   "PRU too, but each of its loads stalls it.",
	  .source = "Linux: am33xx-l4.dtsi; TI's SPRUH73, PRU-ICSS",
	  .tried = NOT_TRIED },
};

#define BOARDS (sizeof(boards) / sizeof(boards[0]))

const struct mbx_board *mbx_board_at(unsigned int index)
{
	return index < BOARDS ? &boards[index] : NULL;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many letters must be put in, taken out or changed to get from @a to @b, or
 * to its beginning: half a name is a good one.
 */
static size_t distance(const char *a, const char *b)
{
	size_t row[40], n = least(strlen(b), 39), i, j, best;

	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 1; *a; a++, i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= n; j++) {
			size_t change = diagonal + (*a != b[j - 1]);

			diagonal = row[j];
			row[j] = least(change, 1 + least(row[j], row[j - 1]));
		}
	}
	for (best = row[0], j = 1; j <= n; j++)
		best = least(best, row[j]);
	return best;
}

static const char *closest(const char *name)
{
	size_t i, best = 0;

	for (i = 1; i < BOARDS; i++)
		if (distance(name, boards[i].name) <
		    distance(name, boards[best].name))
			best = i;
	return boards[best].name;
}

const struct mbx_board *mbx_board_find(const char *name)
{
	char list[200] = "";
	size_t i, n = 0;

	for (i = 0; i < BOARDS; i++) {
		if (strcmp(boards[i].name, name) == 0)
			return &boards[i];
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
				      i ? ", " : "", boards[i].name);
	}
	mbxi_fail(MBX_ENOENT,
		  "no board \"%.40s\"; did you mean %s? There are %s", name,
		  closest(name), list);
	return NULL;
}

/* ---- a board's region ---- */

/* The map of a UIO device that begins at the address; or -1. */
static int map_at(unsigned int uio, uint64_t address)
{
	const struct mbxi_uio u = { .number = uio };
	struct mbxi_uio_map m;
	char map[16];
	int i;

	for (i = 0; i < MBXI_UIO_MAPS; i++) {
		snprintf(map, sizeof(map), "%d", i);
		if (mbxi_uio_map("", &u, map, &m) == 0 && m.address == address)
			return i;
	}
	return -1;
}

int mbxi_open_board(struct mbx_region *r, const char *name, const char *board,
		    size_t bytes)
{
	const struct mbx_board *b = mbx_board_find(board);
	char where[48];
	int uio, map;

	if (!b)
		return MBX_EINVAL;
	if (!bytes || bytes > b->bytes)
		bytes = b->bytes;
	uio = mbxi_uio_at(b->address);
	map = uio < 0 ? -1 : map_at((unsigned int)uio, b->address);
	if (map >= 0) {
		r->kind = "uio";
		snprintf(where, sizeof(where), "%d/%d", uio, map);
		return mbxi_open_uio(r, name, where, bytes);
	}
	r->kind = "mem";
	snprintf(where, sizeof(where), "0x%llx+0x%x",
		 (unsigned long long)b->address, b->bytes);
	return mbxi_open_mem(r, name, where, bytes);
}
