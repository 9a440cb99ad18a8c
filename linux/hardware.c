/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Linux says of the hardware: who uses which addresses, what the device
 * tree reserves, which UIO devices there are, how the kernel was built. All of
 * it is read below the folder MBX_ROOT, so that it can be tried, or a board's
 * be looked at, where there is no such hardware. Nothing here is trusted to be
 * well-formed.
 */
#include "internal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

const char *mbxi_root(void)
{
	const char *root = secure_getenv("MBX_ROOT");

	return root ? root : "";
}

static int below_root(char full[PATH_MAX], const char *path)
{
	int n = snprintf(full, PATH_MAX, "%s%s", mbxi_root(), path);

	if (n > 0 && n < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int mbxi_root_open(const char *path, int how)
{
	char full[PATH_MAX];

	return below_root(full, path) ? -1 : open(full, how | O_CLOEXEC, 0600);
}

bool mbxi_root_has(const char *path)
{
	char full[PATH_MAX];

	return below_root(full, path) == 0 && access(full, F_OK) == 0;
}

static DIR *root_dir(const char *path)
{
	char full[PATH_MAX];

	return below_root(full, path) ? NULL : opendir(full);
}

ssize_t mbxi_root_read(const char *path, void *buf, size_t cap)
{
	int fd = mbxi_root_open(path, O_RDONLY | O_NONBLOCK);
	size_t have = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -1;
	while (have < cap && n > 0) {
		n = read(fd, (char *)buf + have, cap - have);
		have += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return n < 0 ? -1 : (ssize_t)have;
}

/* A file of one line, without its end. */
static int read_line(const char *path, char *line, size_t cap)
{
	ssize_t n = mbxi_root_read(path, line, cap - 1);

	if (n < 0)
		return -1;
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	return 0;
}

bool mbxi_parse_number(const char *s, uint64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoull(s, &end, 0);
	return isdigit((unsigned char)*s) && !*end && !errno;
}

/* ---- who uses which addresses ---- */

/* Names of what merely contains things, or keeps RAM's owner away. */
static bool is_container(const char *name)
{
	unsigned int n[4];
	char junk;

	return strcasecmp(name, "reserved") == 0 ||
	       strncmp(name, "PCI Bus", 7) == 0 ||
	       strncmp(name, "pcie@", 5) == 0 ||
	       strncmp(name, "pci@", 4) == 0 ||
	       sscanf(name, "%x:%x:%x.%x%c", &n[0], &n[1], &n[2], &n[3],
		      &junk) == 4;
}

struct iomem_line {
	unsigned int depth;
	uint64_t first, last;
	char name[64];
};

static bool parse_iomem(const char *text, struct iomem_line *l)
{
	unsigned long long first, last;
	size_t spaces = strspn(text, " ");

	if (sscanf(text, " %llx-%llx : %63[^\n]", &first, &last, l->name) !=
		    3 ||
	    first > last)
		return false;
	l->depth = (unsigned int)spaces / 2;
	l->first = first;
	l->last = last;
	return true;
}

/* Let a line of /proc/iomem say something of @want that is worse than *use. */
static void weigh(const struct iomem_line *l, const struct mbxi_span *want,
		  struct mbxi_use *use, unsigned int *depth)
{
	bool ram = l->depth == 0 && strncmp(l->name, "System RAM", 10) == 0;

	if (l->last < want->start || l->first > want->start + want->bytes - 1 ||
	    use->is == MBXI_RAM || (!ram && is_container(l->name)))
		return;
	/* a driver's claim stands below that of its bus */
	if (!ram && use->is == MBXI_CLAIMED && l->depth <= *depth)
		return;
	*depth = l->depth;
	use->is = ram ? MBXI_RAM : MBXI_CLAIMED;
	use->first = l->first;
	use->last = l->last;
	snprintf(use->name, sizeof(use->name), "%s", l->name);
}

void mbxi_find_use(const struct mbxi_span *want, struct mbxi_use *use)
{
	int fd = mbxi_root_open("/proc/iomem", O_RDONLY);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	struct iomem_line l;
	unsigned int depth = 0;
	bool told = false;
	char text[256];

	*use = (struct mbxi_use){ .is = MBXI_FREE };
	while (f && fgets(text, sizeof(text), f)) {
		if (!parse_iomem(text, &l))
			continue;
		told |= l.last != 0; /* all are 0 for who may not know */
		weigh(&l, want, use, &depth);
	}
	if (!told)
		use->is = MBXI_UNKNOWN;
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
}

/* ---- what the device tree reserves ---- */

#define RESERVED "/proc/device-tree/reserved-memory"

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* "#address-cells" and the like: 1 or 2; 0: missing, or nothing mbx knows. */
static unsigned int cells(const char *which)
{
	char path[PATH_MAX];
	uint8_t v[4];

	snprintf(path, sizeof(path), RESERVED "/#%s-cells", which);
	if (mbxi_root_read(path, v, 4) != 4 || be32(v) < 1 || be32(v) > 2)
		return 0;
	return be32(v);
}

static uint64_t number(const uint8_t *p, unsigned int n)
{
	return n == 2 ? (uint64_t)be32(p) << 32 | be32(p + 4) : be32(p);
}

static bool has(const char *node, const char *property)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), RESERVED "/%s/%s", node, property);
	return mbxi_root_has(path);
}

static bool is_disabled(const char *node)
{
	char path[PATH_MAX], status[16] = "";

	snprintf(path, sizeof(path), RESERVED "/%s/status", node);
	if (mbxi_root_read(path, status, sizeof(status) - 1) <= 0)
		return false;
	return strcmp(status, "okay") != 0 && strcmp(status, "ok") != 0;
}

/* The first piece of memory that a node reserves. */
static void read_reg(struct mbxi_carveout *c)
{
	unsigned int a = cells("address"), s = cells("size");
	uint8_t reg[16];
	char path[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), RESERVED "/%s/reg", c->node);
	n = mbxi_root_read(path, reg, a && s ? 4u * (a + s) : 0);
	if (n < 0 && has(c->node, "size"))
		c->why = "the kernel chooses its address at boot (it has a "
			 "size and no reg)";
	else if (n < 0)
		c->why = "it has no reg";
	else if (!a || !s)
		c->why = "#address-cells and #size-cells of /reserved-memory "
			 "are not 1 or 2";
	else if (n != (ssize_t)(4u * (a + s)))
		c->why = "its reg is shorter than #address-cells and "
			 "#size-cells say";
	if (c->why)
		return;
	c->is.start = number(reg, a);
	c->is.bytes = number(reg + 4u * a, s);
	if (!c->is.bytes || c->is.start > UINT64_MAX - c->is.bytes) {
		c->is = (struct mbxi_span){ 0 };
		c->why = "its reg is no address and size";
	}
}

int mbxi_each_carveout(bool (*visit)(const struct mbxi_carveout *c, void *arg),
		       void *arg)
{
	DIR *dir = root_dir(RESERVED);
	struct dirent *d;

	if (!dir)
		return -1;
	while ((d = readdir(dir))) {
		struct mbxi_carveout c = { 0 };

		if (d->d_name[0] == '.' || strlen(d->d_name) >= sizeof(c.node))
			continue;
		snprintf(c.node, sizeof(c.node), "%s", d->d_name);
		/* properties are files, and not nodes */
		if (!has(c.node, "name") && !has(c.node, "reg") &&
		    !has(c.node, "size"))
			continue;
		if (is_disabled(c.node))
			continue;
		c.no_map = has(c.node, "no-map");
		read_reg(&c);
		if (!visit(&c, arg))
			break;
	}
	closedir(dir);
	return 0;
}

int mbxi_label(const char *label, char *path, size_t cap)
{
	char symbol[PATH_MAX];

	snprintf(symbol, sizeof(symbol), "/proc/device-tree/__symbols__/%s",
		 label);
	return strchr(label, '/') ? -1 : read_line(symbol, path, cap);
}

/* ---- UIO ---- */

#define UIO "/sys/class/uio"

static int uio_line(unsigned int number, const char *file, char *line,
		    size_t cap)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), UIO "/uio%u/%s", number, file);
	return read_line(path, line, cap);
}

static bool uio_number(const char *entry, unsigned int *number)
{
	char junk;

	return sscanf(entry, "uio%u%c", number, &junk) == 1;
}

/* How many devices there are that @what names; their list, for people. */
static int search_uio(const char *what, struct mbxi_uio *u, char *list,
		      size_t cap)
{
	DIR *dir = root_dir(UIO);
	struct dirent *d;
	int found = 0;
	size_t n = 0;

	list[0] = 0;
	while (dir && (d = readdir(dir))) {
		struct mbxi_uio one;
		char digits[16];

		if (!uio_number(d->d_name, &one.number))
			continue;
		if (uio_line(one.number, "name", one.name, sizeof(one.name)))
			strcpy(one.name, "?");
		if (n < cap)
			n += (size_t)snprintf(list + n, cap - n,
					      "%suio%u "
					      "\"%s\"",
					      n ? ", " : "", one.number,
					      one.name);
		snprintf(digits, sizeof(digits), "%u", one.number);
		if (strcmp(what, one.name) != 0 && strcmp(what, digits) != 0)
			continue;
		*u = one;
		found++;
	}
	if (dir)
		closedir(dir);
	return found;
}

int mbxi_uio_find(const char *name, const char *what, struct mbxi_uio *u)
{
	char list[200];
	int found = search_uio(what, u, list, sizeof(list));

	/* "/dev/uio0" and "uio0" are the device's file: that of a number */
	if (!found && strncmp(what, "/dev/", 5) == 0)
		what += 5;
	if (!found && strncmp(what, "uio", 3) == 0)
		found = search_uio(what + 3, u, list, sizeof(list));

	if (found == 1)
		return 0;
	if (found > 1)
		return mbxi_fail(MBX_EINVAL,
				 "%s: %d UIO devices are called \"%s\": name "
				 "one by its number; there are %s",
				 name, found, what, list);
	if (!*list)
		return mbxi_fail(MBX_ENOENT,
				 "%s: there are no UIO devices; is the driver "
				 "loaded (\"modprobe uio_pdrv_genirq "
				 "of_id=generic-uio\"), and the device in the "
				 "device tree?",
				 name);
	return mbxi_fail(MBX_ENOENT,
			 "%s: no UIO device is called \"%s\"; there are %s",
			 name, what, list);
}

static int uio_map_value(const char *name, const struct mbxi_uio *u,
			 unsigned int map, const char *file, uint64_t *v)
{
	char path[64], line[64];

	snprintf(path, sizeof(path), "maps/map%u/%s", map, file);
	if (uio_line(u->number, path, line, sizeof(line)))
		return mbxi_fail(mbxi_errno(errno), "%s: " UIO "/uio%u/%s: %s",
				 name, u->number, path, strerror(errno));
	if (mbxi_parse_number(line, v))
		return 0;
	return mbxi_fail(MBX_EIO,
			 "%s: " UIO "/uio%u/%s says \"%s\", which is no number",
			 name, u->number, path, line);
}

/* Which map a number or name means; -1: none. Their list, for people. */
static int search_map(const struct mbxi_uio *u, const char *map, char *list,
		      size_t cap)
{
	char path[64], is[64], digits[16];
	int found = -1, i;
	size_t n = 0;

	list[0] = 0;
	for (i = 0; i < MBXI_UIO_MAPS; i++) {
		snprintf(path, sizeof(path), "maps/map%d/addr", i);
		if (uio_line(u->number, path, is, sizeof(is)))
			continue;
		snprintf(path, sizeof(path), "maps/map%d/name", i);
		if (uio_line(u->number, path, is, sizeof(is)))
			is[0] = 0;
		snprintf(digits, sizeof(digits), "%d", i);
		if (strcmp(map, digits) == 0 ||
		    (found < 0 && *is && strcmp(map, is) == 0))
			found = i;
		if (n < cap)
			n += (size_t)snprintf(
				list + n, cap - n, "%s%d%s%s%s", n ? ", " : "",
				i, *is ? " \"" : "", is, *is ? "\"" : "");
	}
	return found;
}

int mbxi_uio_map(const char *name, const struct mbxi_uio *u, const char *map,
		 struct mbxi_uio_map *m)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char list[160];
	int i = search_map(u, map, list, sizeof(list)), err;

	if (i < 0)
		return mbxi_fail(MBX_ENOENT,
				 "%s: uio%u \"%s\" has no map \"%s\"; it has "
				 "%s",
				 name, u->number, u->name, map,
				 *list ? list : "none");
	m->index = (unsigned int)i;
	err = uio_map_value(name, u, m->index, "addr", &m->address);
	if (!err)
		err = uio_map_value(name, u, m->index, "size", &m->bytes);
	if (!err)
		err = uio_map_value(name, u, m->index, "offset", &m->offset);
	if (err)
		return err;
	/*
	 * uio_pdrv_genirq has whole pages, and in offset where in the first
	 * one the device begins; others have the device's own address and size.
	 */
	if (m->address & (page - 1)) {
		m->offset = m->address & (page - 1);
	} else if (m->offset < page && m->offset < m->bytes) {
		m->address += m->offset;
		m->bytes -= m->offset;
	} else {
		m->bytes = 0;
	}
	if (m->bytes && !(m->offset & 3) && m->bytes <= INT64_MAX &&
	    m->address <= INT64_MAX - m->bytes)
		return 0;
	return mbxi_fail(MBX_EIO,
			 "%s: what uio%u says of map %d cannot be: at 0x%llx, "
			 "0x%llx behind its page",
			 name, u->number, i, (unsigned long long)m->address,
			 (unsigned long long)m->offset);
}

int mbxi_uio_at(uint64_t address)
{
	DIR *dir = root_dir(UIO);
	struct dirent *d;
	int found = -1, i;

	while (dir && found < 0 && (d = readdir(dir))) {
		struct mbxi_uio u = { 0 };
		struct mbxi_uio_map m;
		char map[16];

		for (i = 0;
		     i < MBXI_UIO_MAPS && uio_number(d->d_name, &u.number);
		     i++) {
			snprintf(map, sizeof(map), "%d", i);
			if (mbxi_uio_map("", &u, map, &m) == 0 &&
			    address - m.address < m.bytes)
				found = (int)u.number;
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

int mbxi_uio_open(const char *name, const struct mbxi_uio *u, int how)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/uio%u", u->number);
	fd = mbxi_root_open(path, how | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		return fd;
	return mbxi_fail(mbxi_errno(errno), "%s: %s: %s%s", name, path,
			 strerror(errno),
			 errno == EACCES ? "; it takes root, or a udev rule "
					   "that gives it to you"
					 : "");
}

int64_t mbxi_uio_events(const struct mbxi_uio *u)
{
	char line[32];
	uint64_t v;

	if (uio_line(u->number, "event", line, sizeof(line)) ||
	    !mbxi_parse_number(line, &v) || v > UINT32_MAX)
		return -1;
	return (int64_t)v;
}

/* ---- how the kernel was built ---- */

/* A file, or what gzip makes of it: where a configuration can be read from. */
static FILE *unpack(const char *path, pid_t *pid)
{
	char full[PATH_MAX], *argv[] = { "gzip", "-dc", full, NULL };
	char *env[] = { NULL };
	posix_spawn_file_actions_t io;
	int p[2], err;

	*pid = -1;
	if (below_root(full, path) || access(full, R_OK) || pipe2(p, O_CLOEXEC))
		return NULL;
	posix_spawn_file_actions_init(&io);
	posix_spawn_file_actions_adddup2(&io, p[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&io, STDERR_FILENO, "/dev/null",
					 O_WRONLY, 0);
	err = posix_spawn(pid, "/bin/gzip", &io, NULL, argv, env);
	posix_spawn_file_actions_destroy(&io);
	close(p[1]);
	if (err) {
		*pid = -1;
		close(p[0]);
		return NULL;
	}
	return fdopen(p[0], "r");
}

int mbxi_kernel_option(const char *option)
{
	char line[256], path[128];
	size_t n = strlen(option);
	struct utsname u;
	pid_t pid = -1;
	int is = -1, fd;
	FILE *f = NULL;

	uname(&u);
	snprintf(path, sizeof(path), "/boot/config-%s", u.release);
	fd = mbxi_root_open(path, O_RDONLY);
	if (fd >= 0)
		f = fdopen(fd, "r");
	if (!f)
		f = unpack("/proc/config.gz", &pid);
	while (f && fgets(line, sizeof(line), f)) {
		/* the first line of anything else than a configuration */
		if (is < 0)
			is = 0;
		if (strncmp(line, option, n) == 0 &&
		    strcmp(line + n, "=y\n") == 0)
			is = 1;
	}
	if (f)
		fclose(f);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return is;
}
