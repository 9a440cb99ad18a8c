/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical memory by mem:, dt: and uio:, on a board that is made of files. */
#include "tree.h"

#include "internal.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <termios.h>

#ifndef UNDER_QEMU
#define UNDER_QEMU 0
#endif

static void refuses(const char *name, int want, const char *says)
{
	region_refused(name, 0, 0, want, says);
}

static void takes(const char *name, const char *kind, uint64_t address,
		  size_t bytes)
{
	struct mbx_region r;

	assert_mbx(mbx_region_open(&r, name, 0, 0), 0);
	assert_string_equal(r.kind, kind);
	assert_int_equal(r.memory, MBX_MEMORY_DEVICE);
	assert_int_equal(r.address, address);
	assert_int_equal(r.bytes, bytes);
	mbx_region_close(&r);
}

#define NODE "/proc/device-tree/reserved-memory/"

/* ---- mem: ---- */

static void test_mem_in_a_carve_out_is_taken(void **state)
{
	struct mbx_region r;
	uint32_t word = 0;
	int fd;

	(void)state;
	takes("mem:0x3ed80000+64K", "mem", 0x3ed80000, 65536);
	takes("mem:0x3ed00000+1M", "mem", 0x3ed00000, 1 << 20);
	takes("mem:0x3ed00000+0x40", "mem", 0x3ed00000, 64);
	takes("mem:1054343168+4K", "mem", 0x3ed80000, 4096);
	/* it is that memory */
	assert_mbx(mbx_region_open(&r, "mem:0x3ed80000+64K", 0, 0), 0);
	*(volatile uint32_t *)r.base = 0x12345678;
	mbx_region_close(&r);
	fd = open(tree_path("/dev/mem"), O_RDONLY);
	assert_int_equal(pread(fd, &word, 4, 0x3ed80000), 4);
	close(fd);
	assert_int_equal(word, 0x12345678);
	/* at most so much of it */
	assert_mbx(mbx_region_open(&r, "mem:0x3ed80000+64K", MBX_REGION_READ,
				   4096),
		   0);
	assert_int_equal(r.bytes, 4096);
	assert_int_equal(r.fd, -1); /* who only looks owns nothing */
	mbx_region_close(&r);
}

static void test_mem_of_no_memory_of_linux_is_taken(void **state)
{
	(void)state;
	put_sparse("/dev/mem", 0x120000000);
	/* an MCU's SRAM: in no node, used by nobody */
	takes("mem:0xfffc0000+64K", "mem", 0xfffc0000, 65536);
	takes("mem:0x110000000+64K", "mem", 0x110000000, 65536);
	/* what only contains things uses nothing */
	put("/proc/iomem", "100000000-13fffffff : pcie@10\n"
			   "  100000000-1000fffff : pci@0,0\n");
	takes("mem:0x100000000+64K", "mem", 0x100000000, 65536);
}

static void test_mem_malformed_is_refused(void **state)
{
	static const char *const names[] = {
		"mem:",
		"mem:+64K",
		"mem:0x3ed80000",
		"mem:0x3ed80000+",
		"mem:0x3ed80000+x",
		"mem:0x3ed80000+64KB",
		"mem:0x3ed80000-4K",
		"mem:0x3ed80000+-4K",
		"mem:mailbox",
		"mem: 0x3ed80000+64K",
		"mem:3ed80000+64K",
		"mem:0x3ed80000+64K ",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		refuses(names[i], MBX_EINVAL, "mem:0x3ed80000+64K");
	refuses("mem:0x3ed80004+64K", MBX_EINVAL, "page size");
	refuses("mem:0x3ed80800+64K", MBX_EINVAL, "page size");
	refuses("mem:0x3ed80000+0", MBX_EINVAL, "from 64 to 1G");
	refuses("mem:0x3ed80000+63", MBX_EINVAL, "from 64 to 1G");
	refuses("mem:0x3ed80000+65", MBX_EINVAL, "multiple of 4");
	refuses("mem:0x3ed80000+2G", MBX_EINVAL, "to 1G");
	refuses("mem:0x3ed80000+17179869184G", MBX_EINVAL, "to 1G");
	refuses("mem:0x7ffffffffffff000+64K", MBX_EINVAL, "2^63");
	refuses("mem:0xfffffffffffff000+64K", MBX_EINVAL, "2^63");
	refuses("mem:0xffffffffffffffffff000+64K", MBX_EINVAL, "2^63");
}

static void test_mem_that_linux_uses_is_refused(void **state)
{
	(void)state;
	refuses("mem:0x1000000+64K", MBX_EPERM, "System RAM");
	refuses("mem:0x1000000+64K", MBX_EPERM, "no-map");
	refuses("mem:0x3fff0000+64K", MBX_EPERM, "0x3ee00000-0x3fffffff");
	refuses("mem:0x3fffc000+64K", MBX_EPERM, "System RAM"); /* its end */
	refuses("mem:0xff000000+4K", MBX_EBUSY, "ff000000.serial");
	refuses("mem:0xfeff0000+1M", MBX_EBUSY, "0xff000000-0xff000fff");
	refuses("mem:0x100000000+64K", MBX_EBUSY, "\"nvme\"");
	put("/proc/iomem", "ff010000-ff010fff : bus\n"
			   "  ff010000-ff0100ff : i2c driver\n");
	refuses("mem:0xff010000+4K", MBX_EBUSY,
		"0xff0100ff is claimed by the "
		"driver \"i2c driver\"");
	/* of neighbours the first, of which all is told */
	put("/proc/iomem", "ff010000-ff0100ff : first\n"
			   "ff010100-ff010fff : second\n");
	refuses("mem:0xff010000+4K", MBX_EBUSY,
		"0xff010000-0xff0100ff is claimed by the driver \"first\"");
	/* whatever the device tree says, it is in Linux's hands */
	put("/proc/iomem", "00000000-3fffffff : System RAM\n");
	refuses("mem:0x3ed80000+64K", MBX_EPERM, "0x0-0x3fffffff is System");
}

static void test_mem_beyond_the_carve_out_says_both_sizes(void **state)
{
	(void)state;
	refuses("mem:0x3ed80000+1M", MBX_EINVAL, "0x100000 bytes from 0x3ed80");
	refuses("mem:0x3ed80000+1M", MBX_EINVAL, "0x100000 bytes from 0x3ed00");
	refuses("mem:0x3ecff000+8K", MBX_EINVAL, "mbx@3ed00000");
	refuses("mem:0x3ed00000+2M", MBX_EINVAL, "reserve more");
}

static void test_mem_in_a_node_without_no_map_is_refused(void **state)
{
	(void)state;
	refuses("mem:0x3e000000+64K", MBX_EPERM, "video@3e000000");
	refuses("mem:0x3e7ff000+64K", MBX_EPERM, "add no-map");
	put(NODE "video@3e000000/status", "disabled");
	refuses("mem:0x3e000000+64K", MBX_EPERM, "System RAM");
}

static void test_mem_of_which_iomem_tells_nothing(void **state)
{
	(void)state;
	put("/proc/iomem", "00000000-00000000 : System RAM\n"
			   "00000000-00000000 : reserved\n");
	/* what the device tree gives is safe; of the rest one cannot know */
	takes("mem:0x3ed80000+64K", "mem", 0x3ed80000, 65536);
	refuses("mem:0xfffc0000+64K", MBX_EACCES, "takes root");
	remove(tree_path("/proc/iomem"));
	refuses("mem:0xfffc0000+64K", MBX_EACCES, "/proc/iomem");
	put("/proc/iomem", "garbage\n\n-\nx-y : z\n9-1 : backwards\n"
			   "ffffffffffffffffffff-0 : System RAM");
	refuses("mem:0xfffc0000+64K", MBX_EACCES, "/proc/iomem");
}

static void test_mem_without_dev_mem_says_so(void **state)
{
	(void)state;
	remove(tree_path("/dev/mem"));
	refuses("mem:0x3ed80000+64K", MBX_ENOENT, "CONFIG_DEVMEM");
}

static void test_device_that_is_a_short_file_is_refused(void **state)
{
	struct mbx_options o = { .doorbell = "uio:mailbox,1+0x0=1" };
	struct mbx *m;

	(void)state;
	put_sparse("/dev/mem", 0);
	refuses("mem:0x3ed80000+64K", MBX_EIO, "has 0x0 bytes");
	refuses("dt:mbx", MBX_EIO, "would have to have 0x3ee00000");
	put_sparse("/dev/mem", 0x3ed8ffff);
	refuses("mem:0x3ed80000+64K", MBX_EIO, "has 0x3ed8ffff bytes");
	put_sparse("/dev/mem", BOARD_RAM);
	put_sparse("/dev/uio0", 4096);
	refuses("uio:mailbox", MBX_EIO, "would have to have 0x10000");
	assert_mbx(mbx_open(&m, "dt:mbx", &o), MBX_EIO);
	assert_non_null(strstr(mbx_errmsg(), "would have to have 0x1004"));
}

/* As of an address that no bus knows: a child finds out. */
static void test_memory_that_does_not_answer_is_refused(void **state)
{
	int fd = memfd_create("mbx-test", 0), i;
	struct mbx_region r;

	(void)state;
	if (UNDER_QEMU)
		skip(); /* it makes no child that ends without SIGCHLD */
	for (i = 0; i < 2; i++) {
		r = (struct mbx_region){ .fd = -1,
					 .bytes = 8192,
					 .address = 0x3ed80000,
					 .memory = MBX_MEMORY_DEVICE };
		assert_int_equal(ftruncate(fd, 8192), 0);
		r.base = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
		assert_true(r.base != MAP_FAILED);
		/* none of it, the last page of it */
		assert_int_equal(ftruncate(fd, i * 4096), 0);
		assert_mbx(mbxi_take_physical(&r, "this"), MBX_EIO);
		assert_non_null(strstr(mbx_errmsg(),
				       i ? "this: nothing answers at "
					   "0x3ed81ffc (a load ends in \"Bus"
					 : "this: nothing answers at "
					   "0x3ed80000 (a load ends in \"Bus"));
		assert_null(r.base);
		assert_int_equal(r.guard, 0);
	}
	close(fd);
}

/* As when the other core's domain is switched off: the process lives. */
static void test_memory_that_answers_no_more_is_an_error(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	static const char *const names[] = { "mem:0x3ed80000+64K",
					     "uio:mailbox" };
	struct mbx_region r;
	struct mbx *m;
	size_t i;

	(void)state;
	if (UNDER_QEMU && sizeof(void *) == 4)
		skip(); /* SIGBUS says the host's address: see test_security.c */
	/* whatever one maps: not from the page's beginning, too */
	put_uio(0, "mailbox\n", 3, "0x3ed90100\n", "0x200\n", "0x0\n");
	assert_mbx(mbx_region_open(&r, "uio:0/3", 0, 0), 0);
	put_sparse("/dev/uio0", 0);
	assert_int_equal(*(volatile uint32_t *)r.base, 0);
	assert_mbx(mbx_region_check(&r), MBX_EIO);
	assert_non_null(strstr(mbx_errmsg(), "0x3ed90100 does not answer"));
	mbx_region_close(&r);
	for (i = 0; i < 2; i++) {
		put_sparse("/dev/mem", BOARD_RAM);
		put_sparse("/dev/uio0", 1 << 20);
		assert_mbx(mbx_open(&m, names[i], &o), 0);
		put_sparse("/dev/mem", 0);
		put_sparse("/dev/uio0", 0);
		while (mbx_poll(m) >= 0)
			usleep(1000);
		assert_mbx(mbx_poll(m), MBX_EIO);
		assert_non_null(strstr(mbx_errmsg(), "does not answer"));
		mbx_close(m);
	}
}

/* A file that can be opened for writing, but not be mapped so: EPERM */
static int seal_dev_mem(void)
{
	char target[64];
	int fd = memfd_create("mbx-test", MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, BOARD_RAM), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	snprintf(target, sizeof(target), "/proc/%d/fd/%d", getpid(), fd);
	remove(tree_path("/dev/mem"));
	assert_int_equal(symlink(target, tree_path("/dev/mem")), 0);
	return fd;
}

static void test_mem_refused_by_the_kernel_says_which_rule(void **state)
{
	int fd = seal_dev_mem();
	struct utsname u;
	char path[200], command[300];

	(void)state;
	refuses("mem:0x3ed80000+64K", MBX_EPERM, "probably has STRICT_DEVMEM");
	uname(&u);
	snprintf(path, sizeof(path), "/boot/config-%s", u.release);
	put(path, "CONFIG_STRICT_DEVMEM=y\n# CONFIG_IO_STRICT_DEVMEM is not "
		  "set\n");
	refuses("mem:0x3ed80000+64K", MBX_EPERM, "kernel has STRICT_DEVMEM:");
	put(path, "CONFIG_STRICT_DEVMEM=y\nCONFIG_IO_STRICT_DEVMEM=y\n");
	refuses("mem:0x3ed80000+64K", MBX_EPERM, "and IO_STRICT_DEVMEM");
	refuses("mem:0x3ed80000+64K", MBX_EPERM, "reserve it, or use UIO");
	put(path, "CONFIG_STRICT_DEVMEM=n\n");
	refuses("mem:0x3ed80000+64K", MBX_EPERM, "does not have STRICT");
	put(path, "# CONFIG_STRICT_DEVMEM is not set\n");
	refuses("mem:0x3ed80000+64K", MBX_EPERM, "does not have STRICT");
	remove(tree_path(path));
	/* packed, as the running kernel has it in /proc */
	put("/proc/config", "CONFIG_A=y\nCONFIG_STRICT_DEVMEM=y\n");
	snprintf(command, sizeof(command), "gzip %s",
		 tree_path("/proc/config"));
	assert_int_equal(system(command), 0);
	refuses("mem:0x3ed80000+64K", MBX_EPERM, "kernel has STRICT_DEVMEM:");
	put("/proc/config.gz", "no gzip's");
	refuses("mem:0x3ed80000+64K", MBX_EPERM, "probably has STRICT_DEVMEM");
	close(fd);
}

static void as_nobody(const char *region)
{
	struct mbx_region r;

	child_check(setgid(65534) == 0 && setuid(65534) == 0);
	child_check(mbx_region_open(&r, region, 0, 0) == MBX_EACCES);
	child_check(strstr(mbx_errmsg(), "takes root"));
}

static void test_mem_not_by_root_says_so(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can be two users */
	chmod(tree, 0755);
	chmod(tree_path("/dev/mem"), 0600);
	reap(spawn(as_nobody, "mem:0x3ed80000+64K"), 0);
	chmod(tree_path("/dev/uio0"), 0600);
	reap(spawn(as_nobody, "uio:mailbox"), 0);
}

/* ---- dt: ---- */

static void test_dt_node_by_any_of_its_names_is_taken(void **state)
{
	(void)state;
	put("/proc/device-tree/__symbols__/shared",
	    "/reserved-memory/mbx@3ed00000");
	takes("dt:mbx@3ed00000", "dt", 0x3ed00000, 1 << 20);
	takes("dt:mbx", "dt", 0x3ed00000, 1 << 20);
	takes("dt:/reserved-memory/mbx@3ed00000", "dt", 0x3ed00000, 1 << 20);
	takes("dt:shared", "dt", 0x3ed00000, 1 << 20);
	/* one cell each, as 32-bit boards have it */
	put_cells(NODE "#address-cells", 1, 1);
	put_cells(NODE "#size-cells", 1, 1);
	put_cells(NODE "mbx@3ed00000/reg", 2, 0x3ed80000, 0x10000);
	takes("dt:mbx", "dt", 0x3ed80000, 65536);
	/* what is not disabled is there, however it says so */
	put(NODE "mbx@3ed00000/status", "okay");
	takes("dt:mbx", "dt", 0x3ed80000, 65536);
	put(NODE "mbx@3ed00000/status", "ok");
	takes("dt:mbx", "dt", 0x3ed80000, 65536);
	put(NODE "mbx@3ed00000/status", "disabled");
	refuses("dt:mbx", MBX_ENOENT, "no such node");
}

static void test_dt_unknown_node_lists_those_there_are(void **state)
{
	char path[160], name[160];
	int i;

	(void)state;
	refuses("dt:", MBX_EINVAL, "dt:mbx@3ed00000");
	refuses("dt:mb", MBX_ENOENT, "mbx@3ed00000");
	refuses("dt:mbx@0", MBX_ENOENT, "video@3e000000");
	refuses("dt:ranges", MBX_ENOENT, "no such node");
	refuses("dt:#address-cells", MBX_ENOENT, "no such node");
	refuses("dt:../chosen", MBX_ENOENT, "no such node");
	put("/proc/device-tree/__symbols__/uart", "/serial@ff000000");
	refuses("dt:uart", MBX_ENOENT, "no such node");
	put_cells(NODE "mbx@20000000/reg", 4, 0, 0x20000000, 0, 0x1000);
	refuses("dt:mbx", MBX_EINVAL, "2 nodes");
	/* as many as can be told of, and a name that no node has */
	for (i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), NODE "region-of-nobody@%d/reg", i);
		put_cells(path, 4, 0, 0x20000000, 0, 0x1000);
	}
	snprintf(path, sizeof(path), NODE "%080d/reg", 0);
	put_cells(path, 4, 0, 0x20000000, 0, 0x1000);
	refuses("dt:region", MBX_ENOENT, "region-of-nobody@");
	assert_true(strlen(mbx_errmsg()) < 300);
	path[strlen(path) - 4] = 0;
	snprintf(name, sizeof(name), "dt:%s", path + strlen(NODE));
	refuses(name, MBX_ENOENT, "no such node");
}

static void test_dt_without_reserved_memory_says_so(void **state)
{
	(void)state;
	nftw(tree_path("/proc/device-tree"), remove_entry, 8,
	     FTW_DEPTH | FTW_PHYS);
	refuses("dt:mbx", MBX_ENOENT, "no device tree");
	takes("mem:0x3ed80000+64K", "mem", 0x3ed80000, 65536);
}

static void test_dt_node_without_no_map_is_refused(void **state)
{
	(void)state;
	refuses("dt:video", MBX_EPERM, "add no-map");
}

static void test_dt_malformed_node_is_refused(void **state)
{
	(void)state;
	put_cells(NODE "mbx@3ed00000/reg", 3, 0, 0x3ed00000, 0);
	refuses("dt:mbx", MBX_ENOTSUP, "shorter");
	put_cells(NODE "mbx@3ed00000/reg", 4, 0, 0x3ed00000, 0, 0);
	refuses("dt:mbx", MBX_ENOTSUP, "no address and size");
	put_cells(NODE "mbx@3ed00000/reg", 4, ~0u, ~0u, ~0u, ~0u);
	refuses("dt:mbx", MBX_ENOTSUP, "no address and size");
	put_cells(NODE "mbx@3ed00000/reg", 4, 0x7fffffff, 0xfffff000, 0,
		  0x100000);
	refuses("dt:mbx", MBX_EINVAL, "2^63");
	put_cells(NODE "mbx@3ed00000/reg", 4, 0, 0x3ed00400, 0, 0x1000);
	refuses("dt:mbx", MBX_EINVAL, "page size");
	put_cells(NODE "mbx@3ed00000/reg", 4, 0, 0x40000000, 1, 0);
	refuses("dt:mbx", MBX_EINVAL, "1G");
	put_cells(NODE "#size-cells", 1, 3);
	refuses("dt:mbx", MBX_ENOTSUP, "#size-cells");
	put_cells(NODE "#size-cells", 1, 0);
	refuses("dt:mbx", MBX_ENOTSUP, "#size-cells");
	put(NODE "#size-cells", "2");
	refuses("dt:mbx", MBX_ENOTSUP, "#size-cells");
	remove(tree_path(NODE "#size-cells"));
	refuses("dt:mbx", MBX_ENOTSUP, "#size-cells");
	put_cells(NODE "#size-cells", 1, 2);
	remove(tree_path(NODE "mbx@3ed00000/reg"));
	put_cells(NODE "mbx@3ed00000/size", 2, 0, 0x100000);
	refuses("dt:mbx", MBX_ENOTSUP, "at boot");
	put(NODE "bare@0/name", "bare");
	refuses("dt:bare", MBX_ENOTSUP, "it has no reg");
}

/* ---- uio: ---- */

static void test_uio_by_name_and_number_is_taken(void **state)
{
	(void)state;
	takes("uio:mailbox", "uio", 0x3ed80000, 65536);
	takes("uio:0", "uio", 0x3ed80000, 65536);
	takes("uio:mailbox/0", "uio", 0x3ed80000, 65536);
	takes("uio:0/1", "uio", 0xff300000, 4096);
	takes("uio:mailbox/ipi", "uio", 0xff300000, 4096);
}

static void test_uio_maps_the_map_at_its_offset(void **state)
{
	struct mbx_region r;
	uint32_t word = 0;
	int fd;

	(void)state;
	/* whole pages and an offset, as uio_pdrv_genirq has it */
	put_uio(0, "mailbox\n", 2, "0x3ed90000\n", "0x2000\n", "0x80\n");
	takes("uio:0/2", "uio", 0x3ed90080, 0x1f80);
	/* or the device's own */
	put_uio(0, "mailbox\n", 3, "0x3ed90100\n", "0x200\n", "0x0\n");
	takes("uio:0/3", "uio", 0x3ed90100, 0x200);
	assert_mbx(mbx_region_open(&r, "uio:0/3", 0, 0), 0);
	*(volatile uint32_t *)r.base = 0x12345678;
	mbx_region_close(&r);
	fd = open(tree_path("/dev/uio0"), O_RDONLY);
	assert_int_equal(pread(fd, &word, 4, 3 * getpagesize() + 0x100), 4);
	assert_int_equal(word, 0x12345678);
	close(fd);
	/* of more than a region may have, so much */
	put_uio(0, "mailbox\n", 0, "0x80000000\n", "0x80000000\n", "0x0\n");
	put_sparse("/dev/uio0", 1 << 30);
	takes("uio:0", "uio", 0x80000000, 1 << 30);
}

static void test_board_is_mapped_by_its_device_or_its_address(void **state)
{
	struct mbx_region r;

	(void)state;
	takes("board:zcu102-r5", "uio", 0x3ed80000, 65536);
	assert_mbx(mbx_region_open(&r, "board:zcu102-r5", 0, 4096), 0);
	assert_int_equal(r.bytes, 4096);
	mbx_region_close(&r);
	assert_mbx(mbx_region_open(&r, "board:zcu102-r5", 0, 1 << 20), 0);
	assert_int_equal(r.bytes, 65536);
	mbx_region_close(&r);
	/* whichever of its maps it is */
	put_uio(0, "mailbox\n", 0, "0xff300000\n", "0x1000\n", "0x0\n");
	put_uio(0, "mailbox\n", 1, "0x3ed80000\n", "0x10000\n", "0x0\n");
	takes("board:zcu102-r5", "uio", 0x3ed80000, 65536);
	/* a map of more than that is another thing */
	put_uio(0, "mailbox\n", 1, "0x3ed70000\n", "0x20000\n", "0x0\n");
	takes("board:zcu102-r5", "mem", 0x3ed80000, 65536);
	/* it is a board, with a device tree, so that is not what is wrong */
	put("/proc/iomem", "00000000-3fffffff : System RAM\n");
	refuses("board:zcu102-r5", MBX_EPERM, "System RAM");
	assert_null(strstr(mbx_errmsg(), "mbx sim"));
}

static void test_uio_within_a_page_has_both_sides(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx *remote, *host;
	struct mbx_end *in;
	char buf[64];

	(void)state;
	/* its sections begin where no page of Linux does */
	put_uio(0, "mailbox\n", 2, "0x3ed90000\n", "0x10000\n", "0x80\n");
	assert_mbx(mbx_open(&remote, "uio:0/2", &o), 0);
	assert_mbx(mbx_open(&host, "uio:0/2", NULL), 0);
	bring_up(remote, host);
	in = open_end(host, "down");
	assert_mbx(mbx_recv(in, buf, sizeof(buf), 5), MBX_EAGAIN);
	assert_mbx(mbx_send(open_end(remote, "down"), "x", 1, 0), 0);
	assert_mbx(mbx_recv(in, buf, sizeof(buf), PATIENCE_MS), 1);
	mbx_close(host);
	mbx_close(remote);
}

static void test_uio_unknown_lists_those_there_are(void **state)
{
	char path[80];
	int i;

	(void)state;
	refuses("uio:", MBX_EINVAL, "uio:mailbox");
	refuses("uio:/0", MBX_EINVAL, "uio:mailbox");
	refuses("uio:mailbox/", MBX_EINVAL, "uio:mailbox");
	refuses("uio:mail", MBX_ENOENT, "uio0 \"mailbox\"");
	refuses("uio:2", MBX_ENOENT, "uio1 \"other\"");
	refuses("uio:00", MBX_ENOENT, "uio1 \"other\"");
	refuses("uio:-1", MBX_ENOENT, "uio0");
	refuses("uio:mailbox/2", MBX_ENOENT, "0, 1 \"ipi\"");
	refuses("uio:mailbox/x", MBX_ENOENT, "0, 1 \"ipi\"");
	refuses("uio:other", MBX_ENOENT, "/dev/uio1");
	put("/sys/class/uio/uio1/name", "mailbox\n");
	refuses("uio:mailbox", MBX_EINVAL, "2 UIO devices");
	takes("uio:0", "uio", 0x3ed80000, 65536);
	/* as many as can be told of, devices and maps */
	for (i = 0; i < 5; i++) {
		put_uio(0, "mailbox\n", i, "0x3ed80000\n", "0x10000\n",
			"0x0\n");
		snprintf(path, sizeof(path),
			 "/sys/class/uio/uio0/maps/map%d/name", i);
		put(path,
		    "a-map-with-a-name-of-fifty-and-more-characters-in-it");
	}
	refuses("uio:0/x", MBX_ENOENT, "it has 0 \"a-map-with");
	assert_true(strlen(mbx_errmsg()) < 300);
	for (i = 2; i < 30; i++)
		put_uio(i, "device-of-nobody\n", 0, "0x0\n", "0x1000\n",
			"0x0\n");
	refuses("uio:nobody", MBX_ENOENT, "there are uio");
	assert_true(strlen(mbx_errmsg()) < 300);
	nftw(tree_path("/sys/class/uio"), remove_entry, 8,
	     FTW_DEPTH | FTW_PHYS);
	refuses("uio:mailbox", MBX_ENOENT, "modprobe");
}

static void test_uio_malformed_sysfs_is_refused(void **state)
{
	static const char *const bad[] = { "",
					   "junk\n",
					   "0x\n",
					   "-1\n",
					   "0x10000z\n",
					   " 4096\n",
					   "0x1ffffffffffffffff\n" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put("/sys/class/uio/uio0/maps/map0/size", bad[i]);
		refuses("uio:0", MBX_EIO, "maps/map0/size");
	}
	put("/sys/class/uio/uio0/maps/map0/size", "0x0\n");
	refuses("uio:0", MBX_EIO, "cannot be");
	put("/sys/class/uio/uio0/maps/map0/size", "0xffffffffffffffff\n");
	refuses("uio:0", MBX_EIO, "cannot be");
	put("/sys/class/uio/uio0/maps/map0/size", "0x3c\n");
	refuses("uio:0", MBX_ENOSPC, "at least 64");
	put_uio(0, "mailbox\n", 0, "0x3ed80000\n", "0x1000\n", "0x1000\n");
	refuses("uio:0", MBX_EIO, "cannot be");
	put_uio(0, "mailbox\n", 0, "0x3ed80000\n", "0x1000\n", "0x2\n");
	refuses("uio:0", MBX_EIO, "cannot be");
	put_uio(0, "mailbox\n", 0, "0xfffffffffffff000\n", "0x1000\n", "0\n");
	refuses("uio:0", MBX_EIO, "cannot be");
	remove(tree_path("/sys/class/uio/uio0/maps/map0/offset"));
	refuses("uio:0", MBX_ENOENT, "maps/map0/offset");
	put("/sys/class/uio/uio0/maps/map0/addr", "");
	refuses("uio:0", MBX_EIO, "maps/map0/addr");
}

static void with_a_device_of_his_own(const char *region)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx *m, *again;

	child_check(setgid(65534) == 0 && setuid(65534) == 0);
	child_check(mbx_open(&m, region, &o) == 0);
	child_check(mbx_open(&again, region, &o) == MBX_EBUSY);
}

static void test_uio_takes_no_more_than_the_device(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can be two users */
	chmod(tree, 0755);
	chmod(tree_path("/dev/uio0"), 0666);
	reap(spawn(with_a_device_of_his_own, "uio:mailbox"), 0);
}

/* ---- the same memory by different names ---- */

static void only_one_of(const char *first, const char *second)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx *a, *b;
	struct mbx_end *e;

	assert_mbx(mbx_open(&a, first, &o), 0);
	assert_mbx(mbx_open(&b, second, &o), MBX_EBUSY);
	mbx_close(a);
	assert_mbx(mbx_open(&b, second, &o), 0);
	o.format = 0;
	assert_mbx(mbx_open(&a, first, &o), 0);
	assert_mbx(mbx_end_open(a, "up", &e), 0);
	assert_mbx(mbx_end_open(b, "up", &e), MBX_EBUSY);
	mbx_close(a);
	mbx_close(b);
}

static void test_physical_memory_has_one_owner_whatever_its_name(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx *a, *b;
	char link[256];

	(void)state;
	only_one_of("mem:0x3ed00000+1M", "dt:mbx");
	only_one_of("dt:mbx", "mem:0x3ed00000+0x100000");
	/* the same memory by the device, a file of its own in here */
	snprintf(link, sizeof(link), "%s", tree_path("/dev/uio0"));
	put("/sys/class/uio/uio0/maps/map0/addr", "0x0000000000000000\n");
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("mem", link), 0);
	put("/proc/iomem", "0-3fffffff : reserved\n");
	only_one_of("uio:mailbox", "mem:0+64K");
	only_one_of("mem:0+64K", "uio:0");
	/* neighbours do not meet */
	assert_mbx(mbx_open(&a, "mem:0x3ed00000+64K", &o), 0);
	assert_mbx(mbx_open(&b, "mem:0x3ed10000+64K", &o), 0);
	mbx_close(a);
	mbx_close(b);
}

/* ---- the doorbell ---- */

/*
 * An interrupt is a count that can be read, and an answer of 1: a terminal's
 * two ends do that, where nothing is mapped. This is the kernel's end.
 */
static int put_interrupt(const char *device)
{
	int kernel = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct termios raw;

	assert_true(kernel >= 0);
	assert_int_equal(grantpt(kernel), 0);
	assert_int_equal(unlockpt(kernel), 0);
	slave = open(ptsname(kernel), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	tcgetattr(slave, &raw);
	cfmakeraw(&raw);
	tcsetattr(slave, TCSANOW, &raw);
	assert_int_equal(symlink(ptsname(kernel), tree_path(device)), 0);
	fcntl(kernel, F_SETFL, O_NONBLOCK);
	return kernel;
}

static void interrupt(int kernel, uint32_t count)
{
	assert_int_equal(write(kernel, &count, 4), 4);
}

/* How often it was switched on again since the last time. */
static int enabled(int kernel)
{
	uint32_t word;
	int n = 0;

	while (read(kernel, &word, 4) == 4) {
		assert_int_equal(word, 1);
		n++;
	}
	return n;
}

static void test_uio_doorbell_waits_and_enables_again(void **state)
{
	int kernel = put_interrupt("/dev/uio1");
	struct mbxi_bell *bell;
	struct pollfd p = { .events = POLLIN };
	uint32_t start;
	int i;

	(void)state;
	assert_mbx(mbxi_bell_open(&bell, "uio:other"), 0);
	assert_int_equal(mbxi_bell_wakeup(bell), MBX_WAKE_DOORBELL);
	assert_int_equal(enabled(kernel), 1); /* whoever had it before us */
	/* one that has come, or comes meanwhile, ends the wait; three are one */
	interrupt(kernel, 8);
	start = mbxi_now_us();
	mbxi_bell_wait(bell, NULL, 0, 60000000);
	assert_true(mbxi_now_us() - start < 50000000);
	assert_int_equal(enabled(kernel), 1);
	/* none: it waits, and leaves the interrupt as it is */
	mbxi_bell_wait(bell, NULL, 0, 1000);
	assert_int_equal(enabled(kernel), 0);
	/* in a poll loop: readable until it is armed again */
	p.fd = mbxi_bell_fd(bell);
	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	interrupt(kernel, 11);
	assert_int_equal(poll(&p, 1, 60000), 1);
	assert_int_equal(enabled(kernel), 0);
	mbxi_bell_arm(bell, NULL, 0);
	assert_int_equal(enabled(kernel), 1);
	assert_int_equal(poll(&p, 1, 0), 0);
	mbxi_bell_ring(bell, NULL); /* there is no way to, so nothing happens */
	/* what is no count of interrupts is none, and does not make it spin */
	for (i = 0; i < 2; i++) {
		assert_int_equal(write(kernel, "x", 1), 1);
		start = mbxi_now_us();
		mbxi_bell_wait(bell, NULL, 0, i ? 60000000 : 500);
		assert_in_range(mbxi_now_us() - start, i ? 1000 : 500,
				50000000);
		assert_int_equal(enabled(kernel), 0);
	}
	mbxi_bell_close(bell);
	/* one that came before it was opened is taken */
	interrupt(kernel, 9);
	assert_mbx(mbxi_bell_open(&bell, "uio:other"), 0);
	assert_int_equal(enabled(kernel), 2);
	mbxi_bell_wait(bell, NULL, 0, 1000);
	assert_int_equal(enabled(kernel), 0);
	mbxi_bell_close(bell);
	/* a device that can be read, and not be switched on again */
	put_uio(2, "full\n", 0, "0x0\n", "0x1000\n", "0x0\n");
	assert_int_equal(symlink("/dev/full", tree_path("/dev/uio2")), 0);
	assert_mbx(mbxi_bell_open(&bell, "uio:full"), MBX_ENOTSUP);
	assert_non_null(strstr(mbx_errmsg(), "has no interrupt"));
	/* nor is there a register in a device that can't be mapped */
	assert_mbx(mbxi_bell_open(&bell, "uio:other,0+0x0=1"), MBX_EIO);
	assert_non_null(strstr(mbx_errmsg(), "mmap of map 0 of uio1"));
	close(kernel);
}

static void test_uio_doorbell_rings_by_one_word(void **state)
{
	struct mbxi_bell *bell;
	uint32_t at[4] = { 1, 2, 3, 4 }, all;
	off_t map1 = getpagesize();
	int fd = open(tree_path("/dev/uio0"), O_RDWR);

	(void)state;
	assert_int_equal(pwrite(fd, at, 16, map1 + 0xff0), 16);
	assert_mbx(mbxi_bell_open(&bell, "uio:mailbox,1+0xff8=0x80000001"), 0);
	/* a file has no interrupts: it looks every millisecond, and says so */
	assert_int_equal(mbxi_bell_wakeup(bell), MBX_WAKE_POLL);
	mbxi_bell_wait(bell, NULL, 0, 60000000);
	assert_true(mbxi_bell_fd(bell) >= 0);
	mbxi_bell_arm(bell, NULL, 0);
	mbxi_bell_ring(bell, NULL);
	mbxi_bell_close(bell);
	assert_int_equal(pread(fd, at, 16, map1 + 0xff0), 16);
	assert_int_equal(at[0], 1);
	assert_int_equal(at[1], 2);
	assert_int_equal(at[2], 0x80000001);
	assert_int_equal(at[3], 4);
	/* nor was anything taken for the interrupt's count, or answered to */
	assert_int_equal(pread(fd, &all, 4, 0), 4);
	assert_int_equal(all, 0);
	/* by the map's name */
	assert_mbx(mbxi_bell_open(&bell, "uio:0,ipi+0xff0=7"), 0);
	mbxi_bell_ring(bell, NULL);
	mbxi_bell_close(bell);
	assert_int_equal(pread(fd, &all, 4, map1 + 0xff0), 4);
	assert_int_equal(all, 7);
	close(fd);
}

static void no_bell(const char *name, int want, const char *says)
{
	struct mbxi_bell *bell;
	int err = mbxi_bell_open(&bell, name);

	if (err != want || !strstr(mbx_errmsg(), says))
		print_message("%s: \"%s\" does not say \"%s\"\n", name,
			      mbx_errmsg(), says);
	assert_int_equal(err, want);
	assert_non_null(strstr(mbx_errmsg(), says));
}

static void test_uio_doorbell_malformed_is_refused(void **state)
{
	static const char *const rings[] = {
		"",	  "1",
		"1+0x0",  "1=1",
		"+0=1",	  "1+=1",
		"1+0=",	  "1+0=x",
		"1+x=1",  "1=0+1",
		"1+0=1;", "1+-4=1",
		"1+0=-1", "1+0=0x100000000",
	};
	char name[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
		snprintf(name, sizeof(name), "uio:mailbox,%s", rings[i]);
		no_bell(name, MBX_EINVAL, "uio:mailbox,1+0x0=1");
	}
	no_bell("uio:mailbox,1+0x2=1", MBX_EINVAL, "no place of a word");
	no_bell("uio:mailbox,1+0x1000=1", MBX_EINVAL, "0x1000 bytes");
	no_bell("uio:mailbox,1+0xfffffffffffffffc=1", MBX_EINVAL, "no place");
	put_uio(0, "mailbox\n", 2, "0x400000000\n", "0x200000000\n", "0\n");
	no_bell("uio:mailbox,2+0x100000000=1", MBX_EINVAL, "no place");
	put_uio(0, "mailbox\n", 3, "0x400000000\n", "0x2\n", "0\n");
	no_bell("uio:mailbox,3+0x0=1", MBX_EINVAL, "which has 0x2 bytes");
	no_bell("uio:mailbox,7+0=1", MBX_ENOENT, "1 \"ipi\"");
	no_bell("uio:nobody,1+0=1", MBX_ENOENT, "uio0 \"mailbox\"");
	no_bell("uio", MBX_ENOENT, "uio0");
	no_bell("uio:", MBX_ENOENT, "uio0");
	no_bell("uio:other", MBX_ENOENT, "/dev/uio1");
	no_bell("uio:mailbox", MBX_ENOTSUP, "no interrupt");
}

static void test_uio_region_with_an_interrupt_is_rung_by_it(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count,
				 .doorbell = "poll" };
	struct mbx *remote, *host;
	int kernel;

	(void)state;
	unsetenv("MBX_DOORBELL");
	/* no interrupt: as other memory, by looking */
	assert_mbx(mbx_open(&remote, "uio:mailbox/0", &o), 0);
	assert_mbx(mbx_open(&host, "uio:mailbox/0", NULL), 0);
	assert_int_equal(mbx_get_link(host)->is.wakeup, MBX_WAKE_FUTEX);
	assert_mbx((int)mbx_doorbell_count(host), MBX_ENOTSUP);
	assert_mbx((int)mbx_doorbell_count(remote), MBX_ENOTSUP);
	mbx_close(host);
	o = (struct mbx_options){ .observe = 1 };
	assert_mbx(mbx_open(&host, "uio:mailbox", &o), 0);
	assert_int_equal(mbx_doorbell_count(host), 7);
	mbx_close(host);
	/* another device's, as asked for */
	kernel = put_interrupt("/dev/uio1");
	setenv("MBX_DOORBELL", "uio:other", 1);
	assert_mbx(mbx_open(&host, "uio:mailbox", NULL), 0);
	unsetenv("MBX_DOORBELL");
	assert_int_equal(mbx_get_link(host)->is.wakeup, MBX_WAKE_DOORBELL);
	bring_up(remote, host);
	put("/sys/class/uio/uio1/event", "4294967295\n");
	assert_int_equal(mbx_doorbell_count(host), 4294967295);
	put("/sys/class/uio/uio1/event", "4294967296\n");
	assert_mbx((int)mbx_doorbell_count(host), MBX_ENOTSUP);
	put("/sys/class/uio/uio1/event", "many\n");
	assert_mbx((int)mbx_doorbell_count(host), MBX_ENOTSUP);
	assert_int_equal(enabled(kernel), 1);
	interrupt(kernel, 1);
	assert_true(mbx_wait(host, PATIENCE_MS) >= 0);
	mbx_close(host);
	mbx_close(remote);
	close(kernel);
}

int main(void)
{
#define ON_BOARD(test)                                                         \
	cmocka_unit_test_setup_teardown(test, tree_plant, tree_fell)
	const struct CMUnitTest tests[] = {
		ON_BOARD(test_mem_in_a_carve_out_is_taken),
		ON_BOARD(test_mem_of_no_memory_of_linux_is_taken),
		ON_BOARD(test_mem_malformed_is_refused),
		ON_BOARD(test_mem_that_linux_uses_is_refused),
		ON_BOARD(test_mem_beyond_the_carve_out_says_both_sizes),
		ON_BOARD(test_mem_in_a_node_without_no_map_is_refused),
		ON_BOARD(test_mem_of_which_iomem_tells_nothing),
		ON_BOARD(test_mem_without_dev_mem_says_so),
		ON_BOARD(test_device_that_is_a_short_file_is_refused),
		ON_BOARD(test_memory_that_does_not_answer_is_refused),
		ON_BOARD(test_memory_that_answers_no_more_is_an_error),
		ON_BOARD(test_mem_refused_by_the_kernel_says_which_rule),
		ON_BOARD(test_mem_not_by_root_says_so),
		ON_BOARD(test_dt_node_by_any_of_its_names_is_taken),
		ON_BOARD(test_dt_unknown_node_lists_those_there_are),
		ON_BOARD(test_dt_without_reserved_memory_says_so),
		ON_BOARD(test_dt_node_without_no_map_is_refused),
		ON_BOARD(test_dt_malformed_node_is_refused),
		ON_BOARD(test_uio_by_name_and_number_is_taken),
		ON_BOARD(test_uio_maps_the_map_at_its_offset),
		ON_BOARD(test_board_is_mapped_by_its_device_or_its_address),
		ON_BOARD(test_uio_within_a_page_has_both_sides),
		ON_BOARD(test_uio_unknown_lists_those_there_are),
		ON_BOARD(test_uio_malformed_sysfs_is_refused),
		ON_BOARD(test_uio_takes_no_more_than_the_device),
		ON_BOARD(test_physical_memory_has_one_owner_whatever_its_name),
		ON_BOARD(test_uio_doorbell_waits_and_enables_again),
		ON_BOARD(test_uio_doorbell_rings_by_one_word),
		ON_BOARD(test_uio_doorbell_malformed_is_refused),
		ON_BOARD(test_uio_region_with_an_interrupt_is_rung_by_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
