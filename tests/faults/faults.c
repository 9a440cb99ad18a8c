/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library to preload: one call of the C library fails.
 *
 *	FAULT_LOG=FILE		each call that could fail: a line with its name
 *	FAULT=NAME:N:ERRNO	the Nth call of NAME, from 1, fails so; with an
 *				ERRNO of 0 it says that it succeeded, and did
 *				nothing
 *
 * Only calls that the program itself makes count, from main() on until exit(),
 * and not those of its children.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static char name[32];
static int at, number, armed, log_fd = -1;
static __thread int inside;
static pid_t self;

static void arm(void)
{
	const char *fault = getenv("FAULT"), *log = getenv("FAULT_LOG");

	if (fault && sscanf(fault, "%31[^:]:%d:%d", name, &at, &number) != 3)
		abort();
	if (log)
		log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			      0666);
	unsetenv("FAULT");
	unsetenv("FAULT_LOG");
	unsetenv("LD_PRELOAD");
	self = getpid();
	armed = 1;
}

/* A program that knows of us may have a look around meanwhile; see user.c. */
void fault_pause(int on);
void fault_pause(int on)
{
	armed = !on;
}

/* Is this the call that fails? */
static int fails(const char *called)
{
	int was = errno;

	if (!armed || inside || getpid() != self)
		return 0;
	inside = 1;
	if (log_fd >= 0) {
		char line[40];
		size_t n = strlen(called);

		memcpy(line, called, n);
		line[n] = '\n';
		if (write(log_fd, line, n + 1) < 0)
			abort();
	}
	inside = 0;
	errno = was;
	if (strcmp(called, name) != 0 || --at != 0)
		return 0;
	errno = number;
	return 1;
}

static void *real(const char *called)
{
	void *f = dlsym(RTLD_NEXT, called);

	if (!f)
		abort();
	return f;
}

static int (*real_main)(int, char **, char **);

static int armed_main(int argc, char **argv, char **env)
{
	int status;

	arm();
	status = real_main(argc, argv, env);
	armed = 0;
	return status;
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
		      void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end);

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
		      void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end)
{
	int (*start)(int (*)(int, char **, char **), int, char **,
		     void (*)(void), void (*)(void), void (*)(void),
		     void *) = real("__libc_start_main");

	real_main = main;
	return start(armed_main, argc, argv, init, fini, rtld_fini, stack_end);
}

void exit(int status)
{
	void (*leave)(int) __attribute__((noreturn)) = real("exit");

	armed = 0;
	leave(status);
}

/*
 * @error is what a failing call returns; with errno 0, it returns @success. By
 * names of their own, as the headers' prototypes have "..." here and there.
 */
#define CALL(type, called, params, args, error, success)                       \
	type faulty_##called params __asm__(#called);                          \
	type faulty_##called params                                            \
	{                                                                      \
		static type(*next) params;                                     \
                                                                               \
		if (!next)                                                     \
			next = (type(*) params)real(#called);                  \
		if (fails(#called))                                            \
			return number ? (error) : (success);                   \
		return next args;                                              \
	}

#define INT(called, params, args)  CALL(int, called, params, args, -1, 0)
#define SIZE(called, params, args) CALL(ssize_t, called, params, args, -1, 0)
#define PTR(called, params, args)  CALL(void *, called, params, args, NULL, NULL)
/* these return the error */
#define ERR(called, params, args) CALL(int, called, params, args, number, 0)

typedef const char *text;

INT(open, (text path, int flags, mode_t mode), (path, flags, mode))
INT(open64, (text path, int flags, mode_t mode), (path, flags, mode))
INT(fstat64, (int fd, void *st), (fd, st))
INT(stat64, (text path, void *st), (path, st))
INT(access, (text path, int mode), (path, mode))
INT(ftruncate, (int fd, off_t n), (fd, n))
INT(ftruncate64, (int fd, off_t n), (fd, n))
INT(fchmod, (int fd, mode_t mode), (fd, mode))
INT(fcntl, (int fd, int what, void *arg), (fd, what, arg))
INT(fcntl64, (int fd, int what, void *arg), (fd, what, arg))
INT(mprotect, (void *at_, size_t n, int prot), (at_, n, prot))
INT(madvise, (void *at_, size_t n, int what), (at_, n, what))
INT(shm_open, (text path, int flags, mode_t mode), (path, flags, mode))
INT(shm_unlink, (text path), (path))
INT(unlink, (text path), (path))
INT(mkdir, (text path, mode_t mode), (path, mode))
INT(socket, (int d, int t, int p), (d, t, p))
INT(connect, (int fd, const void *to, unsigned int n), (fd, to, n))
INT(setsockopt, (int fd, int l, int o, const void *v, unsigned int n),
    (fd, l, o, v, n))
INT(poll, (void *p, unsigned long n, int ms), (p, n, ms))
INT(ppoll, (void *p, unsigned long n, const void *t, const void *s),
    (p, n, t, s))
INT(epoll_create1, (int flags), (flags))
INT(epoll_ctl, (int e, int op, int fd, void *ev), (e, op, fd, ev))
INT(eventfd, (unsigned int n, int flags), (n, flags))
INT(timerfd_create, (int clock, int flags), (clock, flags))
INT(timerfd_settime, (int fd, int flags, const void *v, void *was),
    (fd, flags, v, was))
INT(memfd_create, (text n, unsigned int flags), (n, flags))
INT(pipe, (int *p), (p))
INT(pipe2, (int *p, int flags), (p, flags))
INT(fork, (void), ())
INT(waitpid, (pid_t pid, int *status, int how), (pid, status, how))
INT(wait, (int *status), (status))
INT(dup2, (int from, int to), (from, to))
INT(setgroups, (size_t n, const gid_t *list), (n, list))
INT(setresuid, (uid_t r, uid_t e, uid_t s), (r, e, s))
INT(setresgid, (gid_t r, gid_t e, gid_t s), (r, e, s))
INT(getresuid, (uid_t * r, uid_t *e, uid_t *s), (r, e, s))
INT(getresgid, (gid_t * r, gid_t *e, gid_t *s), (r, e, s))
INT(prctl,
    (int o, unsigned long a, unsigned long b, unsigned long c, unsigned long d),
    (o, a, b, c, d))
INT(sigaction, (int sig, const void *act, void *was), (sig, act, was))
INT(uname, (void *u), (u))
INT(usleep, (unsigned int us), (us))
INT(fflush, (void *f), (f))
SIZE(read, (int fd, void *to, size_t n), (fd, to, n))
SIZE(write, (int fd, const void *from, size_t n), (fd, from, n))
SIZE(pread64, (int fd, void *to, size_t n, off_t off), (fd, to, n, off))
SIZE(pread, (int fd, void *to, size_t n, off_t off), (fd, to, n, off))
SIZE(send, (int fd, const void *from, size_t n, int how), (fd, from, n, how))
SIZE(recv, (int fd, void *to, size_t n, int how), (fd, to, n, how))
SIZE(readlink, (text path, char *to, size_t n), (path, to, n))
SIZE(getrandom, (void *to, size_t n, unsigned int how), (to, n, how))
CALL(off_t, lseek64, (int fd, off_t to, int whence), (fd, to, whence), -1, 0)
CALL(long, syscall,
     (long which, long a, long b, long c, long d, long e, long f),
     (which, a, b, c, d, e, f), -1, 0)
CALL(void *, mmap, (void *to, size_t n, int prot, int how, int fd, off_t off),
     (to, n, prot, how, fd, off), MAP_FAILED, MAP_FAILED)
CALL(void *, mmap64, (void *to, size_t n, int prot, int how, int fd, off_t off),
     (to, n, prot, how, fd, off), MAP_FAILED, MAP_FAILED)
PTR(strdup, (text s), (s))
PTR(strndup, (text s, size_t n), (s, n))
PTR(fopen, (text path, text how), (path, how))
PTR(fopen64, (text path, text how), (path, how))
PTR(fdopen, (int fd, text how), (fd, how))
PTR(opendir, (text path), (path))
PTR(open_memstream, (char **to, size_t *n), (to, n))
PTR(mkdtemp, (char *path), (path))
PTR(readdir64, (void *dir), (dir))
PTR(tmpfile64, (void), ())
ERR(posix_spawn,
    (pid_t * pid, text path, const void *actions, const void *attr,
     char *const *argv, char *const *env),
    (pid, path, actions, attr, argv, env))
ERR(pthread_create, (void *thread, const void *attr, void *f, void *arg),
    (thread, attr, f, arg))

/* dlsym() may call these, so they are the C library's own by other names. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t bytes);

void *malloc(size_t n)
{
	return fails("malloc") ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t bytes)
{
	return fails("calloc") ? NULL : __libc_calloc(n, bytes);
}

int vasprintf(char **to, const char *format, va_list args);
int asprintf(char **to, const char *format, ...);
int asprintf(char **to, const char *format, ...)
{
	va_list args;
	int n;

	if (fails("asprintf"))
		return -1;
	va_start(args, format);
	n = vasprintf(to, format, args);
	va_end(args);
	return n;
}
