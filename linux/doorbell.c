/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doorbells: how a Linux side sleeps and is woken. Each kind is a small struct
 * of functions. A ring is a hint, never the news itself: whoever wakes looks at
 * the channels, and nobody sleeps for ever on a ring that was lost.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct kind {
	const char *name;
	uint32_t wakeup; /* enum mbx_wakeup */
	int (*open)(struct mbxi_bell *bell, const char *arg);
	void (*ring)(struct mbxi_bell *bell, const struct mbx_word *word);
	void (*wait)(struct mbxi_bell *bell, const struct mbxi_watch *watch,
		     int count, uint32_t us);
	int (*fd)(struct mbxi_bell *bell);
	void (*arm)(struct mbxi_bell *bell, const struct mbxi_watch *watch,
		    int count);
	void (*close)(struct mbxi_bell *bell);
};

struct mbxi_bell {
	const struct kind *kind;
	char *name;
	uint32_t period_us; /* poll: how often to look */
	bool peer_futex;
	int in, out;  /* descriptors; -1: none */
	int pollable; /* what mbxi_bell_fd() gave out; -1: nothing */
	bool breaks;  /* eventfd: it is a pipe or a socket, which may break */
	struct sockaddr_un addr;
	int timer; /* socket: looks for a peer that is gone */
	uint32_t wakeup;
	/* uio: which device, and the register that rings the peer */
	struct mbxi_uio device;
	bool interrupts; /* it has some */
	void *registers;
	size_t registers_bytes;
	struct mbx_word *bell;
	uint32_t value;
	/* futex: the thread that turns futexes into a descriptor */
	pthread_t thread;
	bool has_thread, stop;
	pthread_mutex_t lock;
	uint32_t generation; /* futex: bumped when the watched set changes */
	struct mbxi_watch watch[MBXI_WATCH_MAX];
	int count;
};

#define FALLBACK_US 1000u
#define DRAINS	    16

/* The one whose time is of 64 bits on 32-bit hosts too (Linux 5.1) */
#ifdef SYS_futex_time64
#define FUTEX_64 SYS_futex_time64
#else
#define FUTEX_64 SYS_futex
#endif

static struct timespec span(uint32_t us)
{
	return (struct timespec){ .tv_sec = (time_t)(us / 1000000),
				  .tv_nsec = (long)(us % 1000000) * 1000 };
}

static void sleep_us(uint32_t us)
{
	struct timespec t = span(us);

	nanosleep(&t, NULL);
}

static bool changed(const struct mbxi_watch *watch, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (mbx_ld(watch[i].word) != watch[i].idle)
			return true;
	return false;
}

/*
 * Take rings that came, and not for ever, for they may come as fast as they are
 * taken. False: nobody is left who could ring.
 */
static bool drain(int fd)
{
	char buf[256];
	ssize_t n;
	int i = 0;

	do {
		n = read(fd, buf, sizeof(buf));
	} while (n == (ssize_t)sizeof(buf) && ++i < DRAINS);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static int wait_readable(int fd, uint32_t us)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec t = span(us);

	if (ppoll(&p, 1, &t, NULL) <= 0)
		return 0;
	return p.revents;
}

static int periodic_timer(uint32_t us)
{
	struct itimerspec every = { span(us), span(us) };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd >= 0)
		timerfd_settime(fd, 0, &every, NULL);
	return fd;
}

/* ---- poll: where nothing better exists ---- */

static int poll_open(struct mbxi_bell *b, const char *arg)
{
	char *end;
	long us = 1000;

	if (arg) {
		us = strtol(arg, &end, 10);
		if (!*arg || *end || us < 1 || us > 1000000)
			return mbxi_fail(MBX_EINVAL,
					 "doorbell poll:%s: expected a period "
					 "of 1 to 1000000 microseconds",
					 arg);
	}
	b->period_us = (uint32_t)us;
	return 0;
}

static void no_ring(struct mbxi_bell *b, const struct mbx_word *word)
{
	(void)b;
	(void)word;
}

static void poll_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
		      int count, uint32_t us)
{
	(void)watch;
	(void)count;
	sleep_us(us < b->period_us ? us : b->period_us);
}

static int poll_fd(struct mbxi_bell *b)
{
	return periodic_timer(b->period_us);
}

static void drain_arm(struct mbxi_bell *b, const struct mbxi_watch *watch,
		      int count)
{
	(void)watch;
	(void)count;
	if (b->pollable >= 0)
		drain(b->pollable);
}

static void nothing_to_close(struct mbxi_bell *b)
{
	(void)b;
}

/* ---- futex: between processes; and the automatic kind ---- */

static int futex_open(struct mbxi_bell *b, const char *arg)
{
	if (arg)
		return mbxi_fail(MBX_EINVAL,
				 "doorbell futex:%s: futex takes no argument",
				 arg);
	pthread_mutex_init(&b->lock, NULL);
	return 0;
}

static void wake(const uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void futex_ring(struct mbxi_bell *b, const struct mbx_word *word)
{
	if (b->peer_futex && word)
		wake(mbx_word_raw(word));
}

/* Where the kernel has no such call, or the memory no futexes: look again. */
static void slept(long result, uint32_t us)
{
	if (result < 0 && errno != EAGAIN && errno != EINTR &&
	    errno != ETIMEDOUT)
		sleep_us(us < FALLBACK_US ? us : FALLBACK_US);
}

/*
 * Sleep on several words at once by futex_waitv (Linux 5.16). Where it is
 * missing, or the peer does not wake by futex, look every millisecond.
 */
static void futex_sleep(const struct mbxi_watch *watch, int count, uint32_t us,
			uint32_t *generation, uint32_t seen)
{
	struct futex_waitv v[MBXI_WATCH_MAX + 1] = { 0 };
	/* the kernel's, of 64 bits on 32-bit hosts too */
	struct __kernel_timespec until;
	struct timespec now, time = span(us);
	int i;

	for (i = 0; i < count; i++) {
		v[i].uaddr = (uintptr_t)watch[i].word;
		v[i].val = mbx_le32(watch[i].idle);
		v[i].flags = FUTEX_32;
	}
	if (generation) {
		v[i].uaddr = (uintptr_t)generation;
		v[i].val = seen;
		v[i++].flags = FUTEX_32 | FUTEX_PRIVATE_FLAG;
	}
	if (i == 0) {
		sleep_us(us);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	until.tv_nsec = now.tv_nsec + time.tv_nsec;
	until.tv_sec = now.tv_sec + time.tv_sec + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	slept(syscall(SYS_futex_waitv, v, i, 0, &until, CLOCK_MONOTONIC), us);
}

static uint32_t futex_patience(const struct mbxi_bell *b, uint32_t us)
{
	bool rings = __atomic_load_n(&b->peer_futex, __ATOMIC_RELAXED);

	return rings || us < FALLBACK_US ? us : FALLBACK_US;
}

/* Most sleep on one word: that takes no clock, and no newer kernel. */
static void futex_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
		       int count, uint32_t us)
{
	struct __kernel_timespec t;

	us = futex_patience(b, us);
	if (count != 1) {
		futex_sleep(watch, count, us, NULL, 0);
		return;
	}
	t.tv_sec = us / 1000000;
	t.tv_nsec = us % 1000000 * 1000;
	slept(syscall(FUTEX_64, watch->word, FUTEX_WAIT, mbx_le32(watch->idle),
		      &t, NULL, 0),
	      us);
}

/* The thread behind mbxi_bell_fd(): sleeps on what is armed, then says so. */
static void *futex_thread(void *arg)
{
	struct mbxi_bell *b = arg;
	struct mbxi_watch watch[MBXI_WATCH_MAX];
	uint64_t one = 1;

	for (;;) {
		uint32_t seen;
		int count;
		bool stop;

		pthread_mutex_lock(&b->lock);
		seen = b->generation;
		count = b->count;
		memcpy(watch, b->watch, sizeof(watch[0]) * (size_t)count);
		stop = b->stop;
		pthread_mutex_unlock(&b->lock);
		if (stop)
			return NULL;
		if (changed(watch, count)) {
			if (write(b->out, &one, sizeof(one)) < 0)
				return NULL;
			/* told: nothing more to do until armed again */
			futex_sleep(NULL, 0, 100000, &b->generation, seen);
			continue;
		}
		futex_sleep(watch, count, futex_patience(b, 100000),
			    &b->generation, seen);
	}
}

static int futex_fd(struct mbxi_bell *b)
{
	sigset_t all, was;
	int err;

	b->out = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (b->out < 0)
		return -1;
	/* signals are the program's, but a truncated region's is the thread's */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	err = pthread_create(&b->thread, NULL, futex_thread, b);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (err) {
		close(b->out);
		b->out = -1;
		errno = ENOMEM;
		return -1;
	}
	b->has_thread = true;
	return b->out;
}

static void futex_tell(struct mbxi_bell *b, const struct mbxi_watch *watch,
		       int count, bool stop)
{
	pthread_mutex_lock(&b->lock);
	b->stop = stop;
	b->count = count;
	if (count)
		memcpy(b->watch, watch, sizeof(watch[0]) * (size_t)count);
	__atomic_store_n(&b->generation, b->generation + 1, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&b->lock);
	syscall(SYS_futex, &b->generation, FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
		INT_MAX, NULL, NULL, 0);
}

static void futex_arm(struct mbxi_bell *b, const struct mbxi_watch *watch,
		      int count)
{
	if (!b->has_thread)
		return;
	drain(b->out);
	futex_tell(b, watch, count, false);
}

static void futex_close(struct mbxi_bell *b)
{
	if (b->has_thread) {
		futex_tell(b, NULL, 0, true);
		pthread_join(b->thread, NULL);
	}
	pthread_mutex_destroy(&b->lock);
}

/* ---- eventfd: one process, or inherited ---- */

/* Neither end waits for the other. */
static bool unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool eventfd_parse(const char *arg, int fd[2])
{
	char junk;

	return arg && sscanf(arg, "%d,%d%c", &fd[0], &fd[1], &junk) == 2;
}

/* A ring into a file would be stored in what the file holds. */
static int eventfd_check_one(const char *name, int fd)
{
	char path[40], is[80] = "closed";
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, is, sizeof(is) - 1);
	if (n > 0)
		is[n] = 0;
	if (fstat(fd, &st) == 0) {
		if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) ||
		    S_ISCHR(st.st_mode))
			return 0;
		/* one of the kernel's own, that has no type */
		if (!(st.st_mode & S_IFMT) &&
		    (n <= 0 || strstr(is, "[eventfd]")))
			return 0;
	}
	return mbxi_fail(MBX_EINVAL,
			 "doorbell %s: descriptor %d is %s: expected two that "
			 "this program was started with, each an eventfd, "
			 "pipe, socket or character device",
			 name, fd, is);
}

static int eventfd_open(struct mbxi_bell *b, const char *arg)
{
	struct stat st;
	int fd[2];

	if (!eventfd_parse(arg, fd))
		return mbxi_fail(MBX_EINVAL,
				 "doorbell eventfd:%s: expected two open "
				 "descriptors, as in eventfd:5,6",
				 arg ? arg : "");
	b->in = fcntl(fd[0], F_DUPFD_CLOEXEC, 0);
	b->out = fcntl(fd[1], F_DUPFD_CLOEXEC, 0);
	if (b->in >= 0 && b->out >= 0 && unblock(b->in) && unblock(b->out)) {
		b->breaks = fstat(b->out, &st) < 0 || S_ISFIFO(st.st_mode) ||
			    S_ISSOCK(st.st_mode);
		return 0;
	}
	return mbxi_fail(mbxi_errno(errno), "doorbell eventfd:%s: %s", arg,
			 strerror(errno));
}

int mbxi_bell_check(const char *name)
{
	int fd[2], err;

	if (!name || strncmp(name, "eventfd:", 8) != 0 ||
	    !eventfd_parse(name + 8, fd))
		return 0;
	err = eventfd_check_one(name, fd[0]);
	return err ? err : eventfd_check_one(name, fd[1]);
}

static void write_ring(const struct mbxi_bell *b)
{
	uint64_t one = 1;
	ssize_t n = write(b->out, &one, sizeof(one));

	(void)n; /* full: it is rung already */
}

/* A peer that is gone with its end of the line must not end this process. */
static void eventfd_ring(struct mbxi_bell *b, const struct mbx_word *word)
{
	static const struct timespec now;
	sigset_t broken, was;

	(void)word;
	if (!b->breaks) {
		write_ring(b);
		return;
	}
	sigemptyset(&broken);
	sigaddset(&broken, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &broken, &was);
	write_ring(b);
	if (!sigismember(&was, SIGPIPE))
		sigtimedwait(&broken, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
}

static void eventfd_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
			 int count, uint32_t us)
{
	(void)watch;
	(void)count;
	if (wait_readable(b->in, us) && !drain(b->in))
		sleep_us(us < FALLBACK_US ? us : FALLBACK_US);
}

static int eventfd_fd(struct mbxi_bell *b)
{
	return fcntl(b->in, F_DUPFD_CLOEXEC, 0);
}

/* ---- socket: QEMU's UART, a byte each way ---- */

/*
 * The other end comes and goes with QEMU. While it is gone the timer stands in
 * for it, so that a poll loop on mbxi_bell_fd() still wakes now and then, and
 * each wait tries to connect again.
 */
static bool socket_connect(struct mbxi_bell *b)
{
	struct epoll_event e = { .events = EPOLLIN };
	int fd;

	if (b->in >= 0)
		return true;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&b->addr, sizeof(b->addr)) < 0) {
		close(fd);
		return false;
	}
	b->in = fd;
	if (b->pollable >= 0) {
		epoll_ctl(b->pollable, EPOLL_CTL_DEL, b->timer, NULL);
		epoll_ctl(b->pollable, EPOLL_CTL_ADD, fd, &e);
	}
	return true;
}

static void socket_lost(struct mbxi_bell *b)
{
	struct epoll_event e = { .events = EPOLLIN };

	if (b->pollable >= 0) {
		epoll_ctl(b->pollable, EPOLL_CTL_DEL, b->in, NULL);
		epoll_ctl(b->pollable, EPOLL_CTL_ADD, b->timer, &e);
	}
	close(b->in);
	b->in = -1;
}

static int socket_open(struct mbxi_bell *b, const char *arg)
{
	b->addr.sun_family = AF_UNIX;
	if (!arg || !*arg || strlen(arg) >= sizeof(b->addr.sun_path))
		return mbxi_fail(MBX_EINVAL,
				 "doorbell socket:%s: expected a path of at "
				 "most %zu bytes",
				 arg ? arg : "", sizeof(b->addr.sun_path) - 1);
	strcpy(b->addr.sun_path, arg);
	if (!socket_connect(b) && errno != ENOENT && errno != ECONNREFUSED)
		return mbxi_fail(mbxi_errno(errno), "doorbell socket:%s: %s",
				 arg, strerror(errno));
	return 0;
}

static void socket_ring(struct mbxi_bell *b, const struct mbx_word *word)
{
	(void)word;
	/* EAGAIN: bytes enough are under way, so it is rung already */
	if (socket_connect(b) &&
	    send(b->in, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno != EAGAIN && errno != EINTR)
		socket_lost(b);
}

/* Take what came; notice an end of file. */
static void socket_drain(struct mbxi_bell *b)
{
	if (!drain(b->in)) /* which does not block */
		socket_lost(b);
}

static void socket_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
			int count, uint32_t us)
{
	(void)watch;
	(void)count;
	if (!socket_connect(b))
		sleep_us(us < FALLBACK_US ? us : FALLBACK_US);
	else if (wait_readable(b->in, us))
		socket_drain(b);
}

static int socket_fd(struct mbxi_bell *b)
{
	struct epoll_event e = { .events = EPOLLIN };
	int fd;

	if (b->timer < 0)
		b->timer = periodic_timer(10 * FALLBACK_US);
	if (b->timer < 0)
		return -1;
	fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd >= 0)
		epoll_ctl(fd, EPOLL_CTL_ADD, b->in >= 0 ? b->in : b->timer, &e);
	return fd;
}

static void socket_arm(struct mbxi_bell *b, const struct mbxi_watch *watch,
		       int count)
{
	(void)watch;
	(void)count;
	if (b->timer >= 0)
		drain(b->timer);
	if (socket_connect(b))
		socket_drain(b);
}

/* ---- uio: an interrupt, and a register of the same device ---- */

/* Those that came since the last look are one for us; the next may come. */
static bool uio_take(struct mbxi_bell *b)
{
	uint32_t total, on = 1;
	ssize_t n;

	if (read(b->in, &total, sizeof(total)) != sizeof(total))
		return false;
	/* a driver that needs no such thing says so, to nobody's harm */
	n = write(b->in, &on, sizeof(on));
	(void)n;
	return true;
}

/* Has it an interrupt? Only then it can be read; a file that stands in can. */
static bool uio_enable(struct mbxi_bell *b)
{
	uint32_t on = 1;
	struct stat st;

	if (fstat(b->in, &st) < 0 || !S_ISCHR(st.st_mode) ||
	    (!uio_take(b) && errno != EAGAIN))
		return false;
	/* whoever had it before us may have left it off */
	return write(b->in, &on, sizeof(on)) == sizeof(on) || errno == ENOSYS;
}

static int uio_map_register(struct mbxi_bell *b, const char *name, char *map,
			    uint64_t offset)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct mbxi_uio_map m;
	int err = mbxi_uio_map(name, &b->device, map, &m);

	if (err)
		return err;
	/* of 2 GiB there are no registers, but a place counted in 32 bits */
	if (offset & 3 || m.bytes < 4 || offset > m.bytes - 4 ||
	    m.offset + offset > INT32_MAX)
		return mbxi_fail(MBX_EINVAL,
				 "%s: 0x%llx is no place of a word in map %u, "
				 "which has 0x%llx bytes",
				 name, (unsigned long long)offset, m.index,
				 (unsigned long long)m.bytes);
	b->registers_bytes = (size_t)(m.offset + offset) + 4u;
	err = mbxi_check_length(name, b->in,
				m.index * page + b->registers_bytes);
	if (err)
		return err;
	b->registers = mmap(NULL, b->registers_bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED, b->in, (off_t)(m.index * page));
	if (b->registers == MAP_FAILED) {
		b->registers = NULL;
		return mbxi_fail(mbxi_errno(errno),
				 "%s: mmap of map %u of uio%u: %s", name,
				 m.index, b->device.number, strerror(errno));
	}
	b->bell = mbx_word_at(b->registers, (uint32_t)(m.offset + offset));
	return 0;
}

/* "MAP+OFFSET=VALUE" */
static int uio_parse_ring(struct mbxi_bell *b, const char *name, char *ring)
{
	char *plus = strrchr(ring, '+'), *equal = strrchr(ring, '=');
	uint64_t offset, value;

	if (plus && equal)
		*plus = *equal = 0;
	if (!plus || equal < plus || !*ring ||
	    !mbxi_parse_number(plus + 1, &offset) ||
	    !mbxi_parse_number(equal + 1, &value) || value > UINT32_MAX)
		return mbxi_fail(MBX_EINVAL,
				 "%s: expected what to store where to ring, a "
				 "map, an offset and a word, as in "
				 "uio:mailbox,1+0x0=1",
				 name);
	b->value = (uint32_t)value;
	return uio_map_register(b, name, ring, offset);
}

static int uio_ready(struct mbxi_bell *b, const char *name, char *ring)
{
	int err = 0;

	b->in = mbxi_uio_open(name, &b->device, O_RDWR);
	if (b->in < 0)
		return b->in;
	if (ring)
		err = uio_parse_ring(b, name, ring);
	if (err)
		return err;
	b->interrupts = uio_enable(b);
	if (!b->interrupts)
		b->wakeup = MBX_WAKE_POLL;
	if (b->interrupts || ring)
		return 0;
	return mbxi_fail(MBX_ENOTSUP,
			 "%s: uio%u \"%s\" has no interrupt, and nothing was "
			 "said of how to ring with it",
			 name, b->device.number, b->device.name);
}

static int uio_open(struct mbxi_bell *b, const char *arg)
{
	char name[160], *copy, *ring;
	int err;

	snprintf(name, sizeof(name), "doorbell uio:%s", arg ? arg : "");
	copy = strdup(arg ? arg : "");
	if (!copy)
		return mbxi_fail(MBX_ENOMEM, "out of memory");
	ring = strchr(copy, ',');
	if (!ring && strchr(copy, '=')) {
		free(copy);
		return mbxi_fail(MBX_EINVAL,
				 "%s: a comma stands between the device and "
				 "what rings, as in uio:mailbox,1+0x0=1",
				 name);
	}
	if (ring)
		*ring++ = 0;
	err = mbxi_uio_find(name, copy, &b->device);
	if (!err)
		err = uio_ready(b, name, ring);
	free(copy);
	return err;
}

static void uio_ring(struct mbxi_bell *b, const struct mbx_word *word)
{
	(void)word;
	if (!b->bell)
		return;
	mbx_order_all(); /* what it is rung for comes first */
	mbx_st(b->bell, b->value);
}

static void uio_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
		     int count, uint32_t us)
{
	(void)watch;
	(void)count;
	if (!b->interrupts || (wait_readable(b->in, us) && !uio_take(b)))
		sleep_us(us < FALLBACK_US ? us : FALLBACK_US);
}

static int uio_fd(struct mbxi_bell *b)
{
	return b->interrupts ? fcntl(b->in, F_DUPFD_CLOEXEC, 0)
			     : periodic_timer(FALLBACK_US);
}

static void uio_arm(struct mbxi_bell *b, const struct mbxi_watch *watch,
		    int count)
{
	if (b->interrupts)
		uio_take(b);
	else
		drain_arm(b, watch, count);
}

static void uio_close(struct mbxi_bell *b)
{
	if (b->registers)
		munmap(b->registers, b->registers_bytes);
}

int mbxi_bell_device(const char *name)
{
	struct mbxi_uio u;
	char *copy;
	int err;

	if (!name || strncmp(name, "uio:", 4) != 0)
		return -1;
	copy = strndup(name + 4, strcspn(name + 4, ","));
	err = copy ? mbxi_uio_find(name, copy, &u) : -1;
	free(copy);
	return err ? -1 : (int)u.number;
}

/* ---- the table ---- */

static const struct kind kinds[] = {
	{ "futex", MBX_WAKE_FUTEX, futex_open, futex_ring, futex_wait, futex_fd,
	  futex_arm, futex_close },
	{ "poll", MBX_WAKE_POLL, poll_open, no_ring, poll_wait, poll_fd,
	  drain_arm, nothing_to_close },
	{ "eventfd", MBX_WAKE_DOORBELL, eventfd_open, eventfd_ring,
	  eventfd_wait, eventfd_fd, drain_arm, nothing_to_close },
	{ "socket", MBX_WAKE_DOORBELL, socket_open, socket_ring, socket_wait,
	  socket_fd, socket_arm, nothing_to_close },
	{ "uio", MBX_WAKE_DOORBELL, uio_open, uio_ring, uio_wait, uio_fd,
	  uio_arm, uio_close },
};

static const struct kind *find_kind(const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == n &&
		    strncmp(kinds[i].name, name, n) == 0)
			return &kinds[i];
	return NULL;
}

static void close_descriptors(const struct mbxi_bell *b)
{
	if (b->pollable >= 0 && b->pollable != b->out)
		close(b->pollable);
	if (b->in >= 0)
		close(b->in);
	if (b->out >= 0)
		close(b->out);
	if (b->timer >= 0)
		close(b->timer);
}

int mbxi_bell_open(struct mbxi_bell **bell, const char *name)
{
	const struct kind *kind = &kinds[0];
	const char *arg = NULL;
	struct mbxi_bell *b;
	int err;

	if (name && *name) {
		arg = strchr(name, ':');
		kind = find_kind(name,
				 arg ? (size_t)(arg - name) : strlen(name));
		if (!kind)
			return mbxi_fail(MBX_EINVAL,
					 "\"%s\" names no doorbell: expected "
					 "poll[:US], futex, eventfd:IN,OUT, "
					 "socket:PATH or "
					 "uio:DEVICE[,MAP+OFFSET=VALUE]",
					 name);
		if (arg)
			arg++;
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		return mbxi_fail(MBX_ENOMEM, "out of memory");
	b->kind = kind;
	b->wakeup = kind->wakeup;
	b->in = b->out = b->pollable = b->timer = -1;
	b->name = strdup(name && *name ? name : "automatic");
	err = b->name ? kind->open(b, arg)
		      : mbxi_fail(MBX_ENOMEM, "out of memory");
	if (err) {
		close_descriptors(b);
		free(b->name);
		free(b);
		return err;
	}
	*bell = b;
	return 0;
}

void mbxi_bell_close(struct mbxi_bell *b)
{
	if (!b)
		return;
	b->kind->close(b);
	close_descriptors(b);
	free(b->name);
	free(b);
}

const char *mbxi_bell_name(const struct mbxi_bell *b)
{
	return b->name;
}

bool mbxi_bell_rings(const struct mbxi_bell *b)
{
	if (b->kind->ring == uio_ring)
		return b->bell != NULL;
	return b->kind->wakeup == MBX_WAKE_DOORBELL;
}

uint32_t mbxi_bell_wakeup(const struct mbxi_bell *b)
{
	return b->wakeup;
}

void mbxi_bell_peer(struct mbxi_bell *b, bool futex)
{
	__atomic_store_n(&b->peer_futex, futex, __ATOMIC_RELAXED);
}

void mbxi_bell_ring(struct mbxi_bell *b, const struct mbx_word *word)
{
	b->kind->ring(b, word);
}

void mbxi_bell_wait(struct mbxi_bell *b, const struct mbxi_watch *watch,
		    int count, uint32_t us)
{
	b->kind->wait(b, watch, count, us);
}

int mbxi_bell_fd(struct mbxi_bell *b)
{
	if (b->pollable < 0) {
		b->pollable = b->kind->fd(b);
		if (b->pollable < 0)
			return mbxi_fail(mbxi_errno(errno),
					 "no descriptor for the doorbell: %s",
					 strerror(errno));
	}
	return b->pollable;
}

void mbxi_bell_arm(struct mbxi_bell *b, const struct mbxi_watch *watch,
		   int count)
{
	b->kind->arm(b, watch, count);
}
