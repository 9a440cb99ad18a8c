/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions in a UIO device's memory: a driver in the kernel hands them out. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int map_uio(struct mbx_region *r, const char *name,
		   const struct mbxi_uio *u, const struct mbxi_uio_map *m,
		   size_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int fd, err;

	fd = mbxi_uio_open(name, u,
			   r->flags & MBX_REGION_READ ? O_RDONLY : O_RDWR);
	if (fd < 0)
		return fd;
	/* a map's number is in the offset, in pages; it is mapped from there */
	err = mbxi_map(r, fd, m->index * page, bytes + (size_t)m->offset);
	close(fd);
	if (err)
		return mbxi_fail(mbxi_errno(-err),
				 "%s: mmap of map %u of uio%u: %s", name,
				 m->index, u->number, strerror(-err));
	r->base = (char *)r->base + m->offset;
	r->bytes = bytes;
	r->address = m->address;
	return 0;
}

static int open_device(struct mbx_region *r, const char *name,
		       const char *device, const char *map, size_t limit)
{
	struct mbxi_uio_map m;
	struct mbxi_uio u;
	uint64_t bytes;
	int err = mbxi_uio_find(name, device, &u);

	if (!err)
		err = mbxi_uio_map(name, &u, map, &m);
	if (err)
		return err;
	bytes = limit && m.bytes > limit ? limit : m.bytes;
	if (bytes > MBX_MAX_REGION)
		bytes = MBX_MAX_REGION;
	bytes &= ~3ull;
	if (!mbxi_good_size(bytes))
		return mbxi_fail(MBX_ENOSPC,
				 "%s: map %u of uio%u has %llu bytes; a region "
				 "needs at least %zu",
				 name, m.index, u.number,
				 (unsigned long long)m.bytes,
				 sizeof(struct mbx_super));
	r->memory = MBX_MEMORY_DEVICE;
	err = map_uio(r, name, &u, &m, (size_t)bytes);
	return err ? err : mbxi_own_physical(r, name);
}

int mbxi_open_uio(struct mbx_region *r, const char *name, const char *device,
		  size_t bytes)
{
	char *copy = strdup(device), *map;
	int err;

	if (!copy)
		return mbxi_fail(MBX_ENOMEM, "out of memory");
	/* in "/dev/uio0/1" only the last of the slashes is a map's */
	map = strrchr(copy, '/');
	if (strncmp(copy, "/dev/", 5) == 0 && map == copy + 4)
		map = NULL;
	if (map)
		*map++ = 0;
	if (!*copy || (map && !*map))
		err = mbxi_fail(MBX_EINVAL,
				"%s: expected the name or number of a UIO "
				"device, and perhaps a map, as in uio:mailbox "
				"or uio:0/1",
				name);
	else
		err = open_device(r, name, copy, map ? map : "0", bytes);
	free(copy);
	return err;
}
