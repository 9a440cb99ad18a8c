/* SPDX-License-Identifier: BSD-2-Clause */
/* mbx: look into any region, and use it. The table, arguments, errors. */
#include "cmd.h"

#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

static const struct command *const groups[] = {
	look_commands, traffic_commands, cksum_command,	 region_commands,
	sim_command,   boards_command,	 doctor_command,
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static struct mbx *current; /* the link that exit closes */
static volatile sig_atomic_t caught;

/* ---- errors ---- */

/* In one line, whatever names from a region or the caller stand in it. */
static void say(const char *fmt, va_list ap)
{
	char s[1024], *clean;

	vsnprintf(s, sizeof(s), fmt, ap);
	clean = printable(s, strlen(s));
	fflush(stdout);
	fprintf(stderr, "mbx: %s\n", clean);
	free(clean);
}

void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

_Noreturn void fail(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	exit(status);
}

static enum status status_of(int err)
{
	switch (err) {
	case MBX_EAGAIN:
	case MBX_ENODATA:
	case MBX_ENOTCONN:
	case MBX_ETIMEDOUT:
	case MBX_ECONNRESET:
		return NO_PEER;
	case MBX_EINVAL:
	case MBX_ENOTSUP:
	case MBX_EMSGSIZE:
		return USAGE;
	case MBX_ESTALE:
	case MBX_EIO:
		return NO_REGION;
	default:
		return FAILED;
	}
}

_Noreturn void fail_mbx(int err)
{
	fail(status_of(err), "%s", mbx_errmsg());
}

/* ---- signals and time ---- */

static void catch (int sig)
{
	caught = sig;
}

bool stopped(void)
{
	return caught != 0;
}

static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	struct sigaction sa = { .sa_handler = catch }, was;
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], NULL, &was);
		if (was.sa_handler != SIG_IGN || signals[i] == SIGPIPE)
			sigaction(signals[i], &sa, NULL);
	}
}

/* End as the signal would have ended us, now that the link is closed. */
static void pass_on_signal(void)
{
	if (!caught)
		return;
	fflush(stdout);
	signal(caught, SIG_DFL);
	raise(caught);
}

int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

int64_t until_ms(long long timeout_ms)
{
	return now_us() + timeout_ms * 1000;
}

/*
 * Who follows something quiet would otherwise learn only at its next line that
 * nobody reads any more.
 */
static void look_at_stdout(int64_t now)
{
	static int64_t looked;
	struct pollfd p = { .fd = STDOUT_FILENO };

	if (now - looked < 50000)
		return;
	looked = now;
	if (poll(&p, 1, 0) == 1)
		caught = SIGPIPE;
}

int slice(int64_t until)
{
	int64_t now = now_us(), left = until - now;

	look_at_stdout(now);
	if (left <= 0 || stopped())
		return 0;
	return left < 100000 ? (int)(left / 1000) + 1 : 100;
}

void nap_ms(int ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
			      .tv_nsec = ms % 1000 * 1000000l };

	nanosleep(&t, NULL); /* a signal ends it, as it should */
}

/* ---- options ---- */

const char *option(const struct args *a, char code)
{
	const char *name = a->name[(int)code];
	static char s[24];

	if (name)
		snprintf(s, sizeof(s), "--%s", name);
	else
		snprintf(s, sizeof(s), "-%c", code);
	return s;
}

long long opt_number(const struct args *a, char code, long long none,
		     long long lo, long long hi)
{
	const char *s = a->value[(int)code];
	char *end;
	long long v;

	if (!s)
		return none;
	errno = 0;
	v = strtoll(s, &end, 0);
	if (!*s || *end || errno || v < lo || v > hi)
		fail(USAGE, "%s %s: expected a number from %lld to %lld",
		     option(a, code), s, lo, hi);
	return v;
}

size_t opt_size(const struct args *a, char code)
{
	static const char units[] = "kmg";
	const char *s = a->value[(int)code], *unit = NULL;
	unsigned int shift = 0;
	unsigned long long v;
	char *end;

	if (!s)
		return 0;
	errno = 0;
	v = strtoull(s, &end, 0);
	if (*end)
		unit = strchr(units, tolower((unsigned char)*end));
	if (unit)
		shift = 10u * (unsigned int)(unit - units + 1);
	if (!isdigit((unsigned char)*s) || errno || end[unit ? 1 : 0] ||
	    v > MBX_MAX_REGION >> shift || v << shift < 64)
		fail(USAGE, "%s %s: expected bytes from 64 to 1G, as in 64K",
		     option(a, code), s);
	return (size_t)v << shift;
}

enum mbx_side opt_side(const struct args *a)
{
	const char *s = a->value['S'];

	if (!s || strcmp(s, "host") == 0)
		return MBX_HOST;
	if (strcmp(s, "remote") == 0)
		return MBX_REMOTE;
	fail(USAGE, "%s %s: a side is \"host\" or \"remote\"", option(a, 'S'),
	     s);
}

/* ---- regions and links ---- */

void not_anonymous(const char *name)
{
	if (strncmp(name, "anon:", 5) == 0)
		fail(USAGE,
		     "%s: such memory is for a program and its children, by "
		     "the library, and would end with this command: name a "
		     "region that stays, as in shm:/pair or file:PATH",
		     name);
}

const char *region_name(const struct args *a)
{
	const char *name = a->value['r'] ? a->value['r'] : getenv("MBX_REGION");

	if (!name || !*name)
		fail(USAGE,
		     "no region given: use -r NAME or set MBX_REGION, as in "
		     "\"mbx info -r shm:/board\" (\"mbx ls\" lists those there "
		     "are)");
	not_anonymous(name);
	return name;
}

void close_link(void)
{
	mbx_close(current);
	current = NULL;
}

struct mbx *open_link(const struct args *a, bool observe, long long timeout_ms)
{
	int64_t until = until_ms(timeout_ms);
	struct mbx_options o = { .side = opt_side(a),
				 .observe = observe,
				 .timeout_ms = slice(until),
				 .attach_later = 1 };
	int err = mbx_open(&current, region_name(a), &o);

	if (!err) {
		/* before anything that others wrote is looked at */
		drop_privileges(mbx_get_region(current));
		do {
			err = mbx_reopen(current);
		} while (err == MBX_EAGAIN && slice(until));
	}
	if (err && stopped())
		exit(FAILED);
	if (err)
		fail(err == MBX_EINVAL ? USAGE : NO_REGION, "%s%s",
		     mbx_errmsg(),
		     err == MBX_ECORRUPT ? " (\"mbx dump\" shows what is there)"
					 : "");
	return current;
}

void reopen_link(const struct args *a)
{
	int err;

	complain("%s was formatted again; following", region_name(a));
	while ((err = mbx_reopen(current)) == MBX_EAGAIN && !stopped())
		nap_ms(100);
	if (err && !stopped())
		fail(NO_REGION, "%s", mbx_errmsg());
}

const struct mbx_channel *find_channel(const struct mbx *m, const char *name)
{
	int i = mbx_channel_find(m, name);
	char list[512];
	size_t n = 0;
	uint32_t k;

	if (i >= 0)
		return mbx_channel_at(m, (uint32_t)i);
	for (k = 0; k < mbx_channel_count(m) && n < sizeof(list); k++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
				      k ? ", " : "",
				      mbx_channel_at(m, k)->name);
	if (n >= sizeof(list))
		strcpy(list + sizeof(list) - 4, "...");
	fail(USAGE, "no channel \"%s\"; the region has: %s", name,
	     n ? list : "none");
}

/* ---- help ---- */

static const char exits[] =
	"exit status: 0 done, 1 it failed, 2 wrong usage, 3 no peer or time is up,"
	"\n             4 the region cannot be used\n";

static void help(void)
{
	const struct command *c;
	size_t i;

	puts("usage: mbx COMMAND [OPTION]... [OPERAND]...\n"
	     "Exchange messages with a second core through shared memory, and "
	     "look into it.\n");
	for (i = 0; i < GROUPS; i++)
		for (c = groups[i]; c->name; c++)
			printf("  %-7s %s\n", c->name, c->summary);
	puts("\n\"mbx COMMAND --help\" says more.\n\n"
	     "regions (-r, MBX_REGION): shm:/NAME, file:PATH, either with "
	     "@OFFSET+SIZE;\n  mem:ADDR+SIZE, dt:NODE, uio:DEVICE[/MAP], "
	     "board:NAME: physical memory, as root,\n  which is given up once "
	     "it is mapped\n"
	     "doorbells (MBX_DOORBELL): poll[:US], futex, eventfd:IN,OUT, "
	     "socket:PATH,\n  uio:DEVICE[,MAP+OFFSET=VALUE]");
	fputs(exits, stdout);
}

static void help_command(const struct command *c)
{
	const struct opt *o;
	char left[40];

	printf("usage: mbx %s [OPTION]...%s%s\n%s.\n\n", c->name,
	       *c->operands ? " " : "", c->operands, c->summary);
	for (o = c->opts; o->code; o++) {
		snprintf(left, sizeof(left), "-%c, --%s%s%s", o->code, o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");
		printf("  %-22s %s\n", left, o->help);
	}
	printf("  %-22s %s\n", "-h, --help", "print this");
	if (c->details)
		printf("\n%s", c->details);
	printf("\n%s", exits);
}

/* ---- arguments ---- */

static void to_getopt(const struct opt *opts, char *letters,
		      struct option *longs)
{
	*letters++ = '-'; /* operands in their place, as option 1 */
	*letters++ = ':'; /* a missing argument is ':', not '?' */
	for (; opts->code; opts++, longs++) {
		*longs = (struct option){ opts->name, opts->arg ? 1 : 0, NULL,
					  opts->code };
		*letters++ = opts->code;
		if (opts->arg)
			*letters++ = ':';
	}
	*longs = (struct option){ "help", 0, NULL, 'h' };
	*letters++ = 'h';
	*letters = 0;
}

static bool negative_number(const char *s)
{
	return s[0] == '-' && (isdigit((unsigned char)s[1]) || s[1] == '.');
}

static void parse(const struct command *c, int argc, char **argv,
		  struct args *a)
{
	struct option longs[24] = { 0 };
	char letters[64];
	int code, at;

	opterr = 0;
	a->argv = calloc((size_t)argc + 1, sizeof(*argv));
	if (!a->argv)
		fail(FAILED, "out of memory");
	to_getopt(c->opts, letters, longs);
	while (optind < argc) {
		if (negative_number(argv[optind])) {
			a->argv[a->argc++] = argv[optind++];
			continue;
		}
		at = -1;
		code = getopt_long(argc, argv, letters, longs, &at);
		if (code == -1)
			break;
		if ((code == '?' || code == ':') && optopt > ' ')
			fail(USAGE, "%s -%c; see \"mbx %s --help\"",
			     code == ':' ? "no value after" : "no option",
			     optopt, c->name);
		if (code == '?' || code == ':')
			fail(USAGE, "%s %s; see \"mbx %s --help\"",
			     code == ':' ? "no value after" : "no option",
			     argv[optind - 1], c->name);
		if (code == 'h') {
			help_command(c);
			flush();
			exit(OK);
		}
		if (code != 1) {
			a->value[code] = optarg ? optarg : "";
			a->name[code] = at < 0 ? NULL : longs[at].name;
			continue;
		}
		a->argv[a->argc++] = optarg;
		if (c->rest)
			break;
	}
	while (optind < argc)
		a->argv[a->argc++] = argv[optind++];
	if (c->max >= 0 && a->argc > c->max)
		fail(USAGE,
		     "\"%s\" is one operand too many%s (see \"mbx %s --help\")",
		     a->argv[c->max],
		     strchr(a->argv[c->max], ':')
			     ? "; a region is named by -r or MBX_REGION"
			     : "",
		     c->name);
	if (a->argc < c->min)
		fail(USAGE,
		     "usage: mbx %s [OPTION]... %s (see \"mbx %s --help\")",
		     c->name, c->operands, c->name);
}

static const struct command *find_command(const char *name)
{
	const struct command *c, *near = NULL;
	size_t i, least = (strlen(name) + 1) / 2, n;

	if (*name == '-')
		fail(USAGE,
		     "%s in place of a command: options stand behind it, as in "
		     "\"mbx info -r shm:/board\"; see \"mbx --help\"",
		     name);
	for (i = 0; i < GROUPS; i++)
		for (c = groups[i]; c->name; c++) {
			if (strcmp(c->name, name) == 0)
				return c;
			n = mbxi_distance(name, c->name);
			if (n >= least)
				continue;
			near = c;
			least = n;
		}
	fail(USAGE, "no command \"%s\"%s%s%s; \"mbx --help\" lists them", name,
	     near ? "; did you mean \"" : "", near ? near->name : "",
	     near ? "\"?" : "");
}

/*
 * Where a standard descriptor is closed, a region opened next would get its
 * number, and what is printed be stored there. Something stands in for it that
 * can be used just as little.
 */
static void keep_standard_files_apart(void)
{
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null",
			 fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			_exit(FAILED); /* and nowhere to say why */
}

int main(int argc, char **argv)
{
	const struct command *c;
	struct args a = { 0 };
	int status;

	if (getauxval(AT_SECURE))
		fail(FAILED,
		     "not to be installed set-user-ID or with capabilities: it "
		     "would open whatever its caller names; use sudo");
	keep_standard_files_apart();
	if (argc < 2)
		fail(USAGE, "usage: mbx COMMAND ... (see \"mbx --help\")");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help();
		flush();
		return OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("mbx " MBX_VERSION);
		flush();
		return OK;
	}
	atexit(pass_on_signal); /* runs after close_link() */
	atexit(close_link);
	catch_signals();
	c = find_command(argv[1]);
	parse(c, argc - 1, argv + 1, &a);
	status = c->run(&a);
	free(a.argv);
	flush();
	return status;
}
