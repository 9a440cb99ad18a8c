/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim: boot firmware on an emulated board whose RAM is the region, run a
 * command against it, and leave nothing behind.
 *
 * Signals are blocked and taken one at a time by sigtimedwait(): there are no
 * handlers, and no moment at which one could be missed.
 */
#include "cmd.h"

#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARM "qemu-system-arm"

/*
 * The R5 is off and wired to nothing until QEMU is told otherwise; firmware's
 * board.h says which line is what. The A53s stay off.
 */
#define R5 "/machine/soc/rpu-cluster/rpu-cpu[0]"
#define SET(path, property, value)                                             \
	"{'execute': 'qom-set', 'arguments': {'path': '" path                  \
	"', 'property': '" property "', 'value': " value "}}"

static const char *const zcu102_options[] = { "-m",
					      "1G",
					      "-smp",
					      "5",
					      "-S",
					      "-global",
					      "xlnx-zynqmp.boot-cpu=rpu-cpu[0]",
					      "-audiodev",
					      "none,id=none",
					      NULL };
static const char *const zcu102_setup[] = {
	SET(R5, "start-powered-off", "false"),
	SET("/machine/soc/ttc[0]", "sysbus-irq[1]",
	    "'" R5 "/unnamed-gpio-in[0]'"),
	SET("/machine/soc/uart[1]", "sysbus-irq[0]",
	    "'" R5 "/unnamed-gpio-in[1]'"),
	"{'execute': 'system_reset'}",
	"{'execute': 'cont'}",
	NULL
};
static const char *const nothing[] = { NULL };

/* What there is to know of a board; @machine NULL: firmware as a process. */
static const struct board {
	const char *name, *machine, *firmware;
	size_t ram_bytes; /* QEMU wants a file that is just as large */
	const char *qemu;
	const char *const *options; /* more of them */
	const char *const *setup;   /* what to tell QEMU before it runs */
} boards[] = {
	{ "mps2-an521", "mps2-an521", "mps2-an521/demo.elf", 16u << 20, ARM,
	  nothing, nothing },
	{ "mps2-an385", "mps2-an385", "mps2-an385/demo.elf", 16u << 20, ARM,
	  nothing, nothing },
	{ "zcu102-r5", "xlnx-zcu102", "zcu102-r5/demo.elf", 1u << 30,
	  "qemu-system-aarch64", zcu102_options, zcu102_setup },
	{ "linux", NULL, "host/demo", 1u << 20, NULL, nothing, nothing },
};

#define BOARDS (sizeof(boards) / sizeof(boards[0]))

/* These accept a memory backend and then do not use it, without a word. */
static const char *const deaf_machines[] = {
	"stm32vldiscovery", "netduinoplus2", "netduino2", "microbit",
	"emcraft-sf2",	    "musca-a",	     "musca-b1",  "lm3s6965evb",
	"lm3s811evb",	    "ast1030-evb",   "fby35",
};

#define BOOT_MS 10000 /* far more than it takes on an idle computer */
#define END_MS	2000

struct sim {
	const struct board *board;
	char fw[PATH_MAX], bin[PATH_MAX]; /* bin: where mbx itself is */
	const char *qemu;
	char region[PATH_MAX],
		ram[PATH_MAX + 16]; /* the region's name; its file */
	char dir[100], bell[112], qmp[112], log[112], console[112];
	bool made_region, made_dir;
	uint32_t last_session; /* of the remote, in a region that was there */
	pid_t board_pid, cmd_pid;
	int board_status;
	bool board_ended;
	int signal; /* that asked to end; 0: none did */
};

/* ---- what to run ---- */

static const struct board *find_board(const char *name)
{
	char list[128] = "";
	size_t i;

	for (i = 0; i < BOARDS; i++) {
		if (strcmp(boards[i].name, name) == 0)
			return &boards[i];
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
			 "%s%s", i ? ", " : "", boards[i].name);
	}
	for (i = 0; i < sizeof(deaf_machines) / sizeof(*deaf_machines); i++)
		if (strcmp(deaf_machines[i], name) == 0)
			fail(USAGE,
			     "machine %s does not map its RAM to a file, so "
			     "there would be nothing to share; boards: %s",
			     name, list);
	fail(USAGE, "no board \"%s\"; boards: %s", name, list);
}

static void find_self(struct sim *s)
{
	ssize_t n = readlink("/proc/self/exe", s->bin, sizeof(s->bin) - 1);

	if (n < 0)
		fail(FAILED, "/proc/self/exe: %s", strerror(errno));
	s->bin[n] = 0;
	*strrchr(s->bin, '/') = 0;
}

/* Beside mbx, where make puts both; an installed mbx is used in the tree. */
static void default_firmware(struct sim *s)
{
	size_t n = (size_t)snprintf(s->fw, sizeof(s->fw), "%s/%s", s->bin,
				    s->board->firmware);

	if (n >= sizeof(s->fw))
		fail(FAILED, "%s: path too long", s->bin);
	if (access(s->fw, R_OK) == 0)
		return;
	if (s->board->machine) {
		snprintf(s->fw, sizeof(s->fw), "build/%s", s->board->firmware);
		if (access(s->fw, R_OK) == 0)
			return;
	}
	fail(USAGE,
	     "no %s in %s or in build here: build it (\"make firmware-%s\"), or "
	     "say --fw FILE",
	     s->board->firmware, s->bin, s->board->name);
}

static void find_firmware(struct sim *s, const char *given)
{
	if (!given) {
		default_firmware(s);
		return;
	}
	/* exec would look for a name without a slash in PATH */
	snprintf(s->fw, sizeof(s->fw), "%s%s", strchr(given, '/') ? "" : "./",
		 given);
	if (access(s->fw, R_OK) < 0)
		fail(FAILED, "firmware %s: %s", given, strerror(errno));
}

/* ---- files ---- */

/* The session of the firmware's last life in the region; 0: it had none. */
static uint32_t remote_session(const struct sim *s)
{
	const struct mbx_options o = { .observe = 1 };
	const struct mbx_link *l;
	uint32_t session;
	struct mbx *m;

	if (mbx_open(&m, s->region, &o))
		return 0;
	l = mbx_get_link(m);
	session = mbx_ld(mbx_link_word(
		l, l->section[MBX_REMOTE] +
			   (uint32_t)offsetof(struct mbx_side_block, session)));
	mbx_close(m);
	return session;
}

/* The file that is the board's RAM, and what of it is the region. */
static void name_region(struct sim *s, const char *ram)
{
	char slice[MBXI_SLICE];
	int n = snprintf(s->region, sizeof(s->region), "%s%s", ram,
			 mbxi_ram_slice(s->board->ram_bytes, slice));

	if (n >= (int)sizeof(s->region))
		fail(USAGE, "%s: too long a name for a region", ram);
	if (strncmp(ram, "shm:/", 5) == 0)
		snprintf(s->ram, sizeof(s->ram), "/dev/shm/%s", ram + 5);
	else if (strncmp(ram, "file:", 5) == 0)
		snprintf(s->ram, sizeof(s->ram), "%s", ram + 5);
	else
		fail(USAGE,
		     "%s: the board's RAM must be shm:/NAME or file:PATH", ram);
	if (strchr(s->ram, ',')) /* QEMU would take it for an option */
		fail(USAGE, "%s: no commas, please", ram);
}

/* Made and removed by us, unless it was there: then it is left as it is. */
static void make_ram(struct sim *s, const char *ram, bool may_exist)
{
	struct mbx_region r;
	int err;

	name_region(s, ram);
	err = mbx_region_open(&r, ram, MBX_REGION_CREATE, s->board->ram_bytes);
	s->made_region = err == 0;
	if (err == MBX_EEXIST && may_exist)
		err = mbx_region_open(&r, ram, 0, 0);
	if (err)
		fail(err == MBX_EINVAL ? USAGE : NO_REGION, "%s", mbx_errmsg());
	if (r.bytes != s->board->ram_bytes)
		fail(NO_REGION,
		     "%s has %zu bytes, but board %s has just %zu of RAM; "
		     "remove it, or name another",
		     ram, r.bytes, s->board->name, s->board->ram_bytes);
	mbx_region_close(&r);
}

/* What is not a region, nor blank, is somebody's and not to be overwritten. */
static void check_region(const struct sim *s)
{
	struct mbx_region r;

	if (mbx_region_open(&r, s->region, MBX_REGION_READ, 0))
		fail(NO_REGION, "%s", mbx_errmsg());
	if (mbx_region_holds(&r) < 0)
		fail(NO_REGION, "%s: %s", s->region, mbx_errmsg());
	mbx_region_close(&r);
}

static void make_region(struct sim *s, const char *name)
{
	char own[40];

	snprintf(own, sizeof(own), "shm:/mbx-sim-%d", (int)getpid());
	make_ram(s, name ? name : own, name);
	if (s->made_region)
		return; /* blank, and to be removed whatever fails */
	check_region(s);
	s->last_session = remote_session(s);
}

static void check_dir(const char *given)
{
	if (strlen(given) > 90 || strchr(given, ',') ||
	    access(given, W_OK | X_OK) != 0)
		fail(USAGE,
		     "--dir %s: a folder to write to is needed, of at most 90 "
		     "characters and no comma",
		     given);
}

/* Where the sockets are: in @given, which stays, or in a folder of our own. */
static void make_dir(struct sim *s, const char *given)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || *tmp != '/' || strlen(tmp) > 80 || strchr(tmp, ','))
		tmp = "/tmp"; /* a socket's path must be short */
	if (given)
		snprintf(s->dir, sizeof(s->dir), "%s", given);
	else
		snprintf(s->dir, sizeof(s->dir), "%s/mbx-sim-XXXXXX", tmp);
	if (!given && !mkdtemp(s->dir)) {
		complain("%s: %s", s->dir, strerror(errno));
		*s->dir = 0;
		return;
	}
	s->made_dir = !given;
	snprintf(s->bell, sizeof(s->bell), "%s/doorbell", s->dir);
	snprintf(s->qmp, sizeof(s->qmp), "%s/qmp", s->dir);
	snprintf(s->log, sizeof(s->log), "%s/stderr", s->dir);
	snprintf(s->console, sizeof(s->console), "%s/console", s->dir);
}

static void remove_files(struct sim *s)
{
	if (*s->dir) {
		unlink(s->bell);
		unlink(s->qmp);
		unlink(s->log);
		unlink(s->console);
	}
	if (s->made_dir)
		rmdir(s->dir);
	if (s->made_region)
		unlink(s->ram);
}

/* ---- processes ---- */

static void wanted_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

/* In a new child: die with the parent, have signals as anybody has them. */
static void become_child(pid_t parent, int death)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, death);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static void exec_board(const struct sim *s, const char *path,
		       char *const argv[])
{
	int null = open("/dev/null", O_RDWR);
	int log = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	/* its own group: Ctrl-C is for the command, and we end the board */
	setpgid(0, 0);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	execvp(path, argv);
	if (errno == ENOENT && !strchr(path, '/'))
		dprintf(STDERR_FILENO,
			"%s is not installed: install Debian's package "
			"qemu-system-arm, or name QEMU with --qemu PATH\n",
			path);
	else
		dprintf(STDERR_FILENO, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

static void exec_qemu(const struct sim *s)
{
	char machine[64], ram[PATH_MAX + 96], bell[160], qmp[160], text[160];
	const char *argv[40] = { s->qemu,   "-M",	machine,
				 "-object", ram,	"-display",
				 "none",    "-monitor", "none",
				 "-serial", text,	"-chardev",
				 bell,	    "-serial",	"chardev:doorbell",
				 "-qmp",    qmp,	"-kernel",
				 s->fw };
	int i, n = 0;

	snprintf(machine, sizeof(machine), "%s,memory-backend=shm",
		 s->board->machine);
	snprintf(ram, sizeof(ram),
		 "memory-backend-file,id=shm,size=%zuM,mem-path=%s,share=on",
		 s->board->ram_bytes >> 20, s->ram);
	snprintf(bell, sizeof(bell),
		 "socket,id=doorbell,path=%s,server=on,wait=off", s->bell);
	snprintf(qmp, sizeof(qmp), "unix:%s,server=on,wait=off", s->qmp);
	snprintf(text, sizeof(text), "file:%s", s->console);
	while (argv[n])
		n++;
	for (i = 0; s->board->options[i]; i++)
		argv[n++] = s->board->options[i];
	exec_board(s, s->qemu, (char *const *)argv);
}

static void exec_process(const struct sim *s)
{
	setenv("MBX_REGION", s->region, 1);
	setenv("MBX_BOARD_SOCKET", s->bell, 1);
	unsetenv("MBX_DOORBELL");
	exec_board(s, s->fw, (char *const[]){ (char *)s->fw, NULL });
}

static void start_board(struct sim *s)
{
	pid_t self = getpid();

	s->board_pid = fork();
	if (s->board_pid < 0) {
		complain("fork: %s", strerror(errno));
		return;
	}
	if (s->board_pid > 0)
		return;
	become_child(self, SIGKILL);
	if (s->board->machine)
		exec_qemu(s);
	else
		exec_process(s);
}

static void extend_path(const struct sim *s)
{
	const char *path = getenv("PATH");
	char *longer;

	if (asprintf(&longer, "%s%s%s", s->bin, path ? ":" : "",
		     path ? path : "") < 0)
		_exit(127);
	setenv("PATH", longer, 1);
	free(longer);
}

static void start_command(struct sim *s, char **argv)
{
	pid_t self = getpid();
	char bell[128];

	s->cmd_pid = fork();
	if (s->cmd_pid < 0)
		complain("fork: %s", strerror(errno));
	if (s->cmd_pid)
		return;
	become_child(self, SIGTERM);
	snprintf(bell, sizeof(bell), "socket:%s", s->bell);
	setenv("MBX_REGION", s->region, 1);
	setenv("MBX_DOORBELL", bell, 1);
	if (s->board->machine)
		setenv("MBX_QMP", s->qmp, 1);
	else
		unsetenv("MBX_QMP");
	extend_path(s);
	execvp(argv[0], argv);
	complain("%s: %s", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- waiting ---- */

/* Note who has ended. Returns true once the command has. */
static bool reap(struct sim *s, int *cmd_status)
{
	if (!s->board_ended &&
	    waitpid(s->board_pid, &s->board_status, WNOHANG) == s->board_pid)
		s->board_ended = true;
	return s->cmd_pid > 0 &&
	       waitpid(s->cmd_pid, cmd_status, WNOHANG) == s->cmd_pid;
}

/* Sleep for up to @ms; a signal that asks to end is noted in s->signal. */
static void wait_signal(struct sim *s, int ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
			      .tv_nsec = ms % 1000 * 1000000l };
	sigset_t set;
	int sig;

	wanted_signals(&set);
	sig = sigtimedwait(&set, NULL, &t);
	if (sig > 0 && sig != SIGCHLD)
		s->signal = sig;
}

/*
 * The line of the board's stderr that tells most: QEMU's own, or the last. What
 * it says of the sound, which it does each time, tells nothing.
 */
static void last_words(const struct sim *s, char *said, size_t n)
{
	FILE *f = fopen(s->log, "r");
	char line[512];
	bool own = false;

	snprintf(said, n, "it said nothing");
	while (f && fgets(line, sizeof(line), f)) {
		bool theirs = strncmp(line, "qemu", 4) == 0;

		line[strcspn(line, "\n")] = 0;
		if (!*line || strncmp(line, "audio: ", 7) == 0 ||
		    (own && !theirs))
			continue;
		own = theirs;
		snprintf(said, n, "%.250s", line);
	}
	if (f)
		fclose(f);
}

static const char *emulator(const struct sim *s)
{
	return s->board->machine ? "QEMU" : "the firmware's process";
}

static void complain_ended(const struct sim *s, const char *when)
{
	char said[300];
	int st = s->board_status;

	last_words(s, said, sizeof(said));
	complain("board %s: %s ended %s (%s %d): %s; is %s mbx firmware, built "
		 "for this board?",
		 s->board->name, emulator(s), when,
		 WIFEXITED(st) ? "status" : "signal",
		 WIFEXITED(st) ? WEXITSTATUS(st) : WTERMSIG(st), said, s->fw);
}

/* What the firmware wrote to its own UART, if it did: why it stopped, mostly. */
static void complain_of_firmware(const struct sim *s)
{
	FILE *f = fopen(s->console, "r");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\r\n")] = 0;
		if (*line)
			complain("the board's console: %s", line);
	}
	if (f)
		fclose(f);
}

/* QEMU's control socket, once it answers there; NULL, and why is said. */
static FILE *reach_qemu(struct sim *s)
{
	int64_t until = until_ms(BOOT_MS);
	FILE *qmp = NULL;
	int ignored;

	while (!s->board_ended && !s->signal && now_us() < until) {
		qmp = qmp_open(s->qmp);
		if (qmp)
			return qmp;
		wait_signal(s, 5);
		reap(s, &ignored);
	}
	if (s->board_ended)
		complain_ended(s, "before it could be set up");
	else if (!s->signal)
		complain("board %s: QEMU does not answer at %s within %d s",
			 s->board->name, s->qmp, BOOT_MS / 1000);
	return NULL;
}

/* Tell QEMU what the board needs told before it runs: OK, or why not. */
static int set_up_board(struct sim *s)
{
	const char *const *command = s->board->setup, *no = NULL;
	FILE *qmp;

	if (!*command)
		return OK;
	qmp = reach_qemu(s);
	if (!qmp)
		return FAILED;
	while (*command && !no)
		no = qmp_run(qmp, *command++);
	fclose(qmp);
	if (no)
		complain("board %s: QEMU refuses %s: %s; is it another version "
			 "than Debian 12's?",
			 s->board->name, command[-1], no);
	return no ? FAILED : OK;
}

/* Wait for a life of the firmware to begin in the region: OK, or why not. */
static int wait_alive(struct sim *s)
{
	int64_t until = until_ms(BOOT_MS);
	char said[300];
	int ignored;

	for (;;) {
		uint32_t session = remote_session(s);

		if (session && session != s->last_session)
			return OK;
		reap(s, &ignored);
		if (s->board_ended || s->signal || now_us() > until)
			break;
		wait_signal(s, 1);
	}
	if (s->signal)
		return FAILED;
	if (s->board_ended) {
		complain_ended(s, "before it formatted the region");
		return FAILED;
	}
	last_words(s, said, sizeof(said));
	complain("board %s: %s has not come to life in %s within %d s: is it "
		 "mbx firmware, built for this board? (%s: %s)",
		 s->board->name, s->fw, s->region, BOOT_MS / 1000, emulator(s),
		 said);
	return FAILED;
}

/*
 * Until the command ends. The terminal sends Ctrl-C to the command as well;
 * other signals are handed on, and one that does not help is followed by
 * SIGKILL.
 */
static int wait_command(struct sim *s)
{
	int status = 0, handled = 0;
	int64_t patience = FOREVER;
	bool told = false;

	while (!reap(s, &status)) {
		if (s->signal && handled != s->signal) {
			handled = s->signal;
			if (handled != SIGINT)
				kill(s->cmd_pid, handled);
			patience = until_ms(END_MS);
		}
		if (now_us() > patience)
			kill(s->cmd_pid, SIGKILL);
		if (s->board_ended && !told) {
			complain_ended(s, "while the command ran");
			told = true;
		}
		wait_signal(s, patience == FOREVER ? 1000 : 50);
	}
	s->cmd_pid = 0;
	return exit_status(status);
}

static void print_quoted(const char *name, const char *prefix,
			 const char *value)
{
	printf("export %s='%s", name, prefix);
	for (; *value; value++)
		fputs(*value == '\'' ? "'\\''" : (char[]){ *value, 0 }, stdout);
	puts("'");
}

/* --keep: say how to get at it, and stay. */
static int keep(struct sim *s)
{
	int ignored;

	print_quoted("MBX_REGION", "", s->region);
	print_quoted("MBX_DOORBELL", "socket:", s->bell);
	if (s->board->machine)
		print_quoted("MBX_QMP", "", s->qmp);
	fflush(stdout);
	while (!s->signal && !s->board_ended) {
		wait_signal(s, 1000);
		reap(s, &ignored);
	}
	if (!s->board_ended)
		return OK;
	complain_ended(s, "by itself");
	return FAILED;
}

static void end_board(struct sim *s)
{
	int64_t until = until_ms(END_MS);
	int ignored;

	if (s->board_pid <= 0)
		return;
	reap(s, &ignored);
	if (!s->board_ended)
		kill(s->board_pid, SIGTERM);
	while (!s->board_ended && now_us() < until) {
		wait_signal(s, 20);
		reap(s, &ignored);
	}
	if (!s->board_ended) {
		kill(s->board_pid, SIGKILL);
		waitpid(s->board_pid, &s->board_status, 0);
	}
}

static int run_sim(struct args *a)
{
	static struct sim s;
	sigset_t set;
	int status = FAILED;

	if (!a->value['k'] == !a->argc)
		fail(USAGE,
		     "say what to run, as in \"mbx sim -- mbx info\", or --keep "
		     "to stay, and not both");
	s.board = find_board(a->value['b'] ? a->value['b'] : "mps2-an521");
	s.qemu = a->value['q'] ? a->value['q'] : s.board->qemu;
	if (a->value['d'])
		check_dir(a->value['d']);
	find_self(&s);
	find_firmware(&s, a->value['F']);
	signal(SIGCHLD, SIG_DFL); /* or children could not be waited for */
	wanted_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	make_region(&s, a->value['r']);
	make_dir(&s, a->value['d']);
	if (*s.dir)
		start_board(&s);
	if (s.board_pid > 0)
		status = set_up_board(&s);
	if (status == OK)
		status = wait_alive(&s);
	if (status == OK && a->value['k']) {
		status = keep(&s);
	} else if (status == OK) {
		start_command(&s, a->argv);
		status = s.cmd_pid > 0 ? wait_command(&s) : FAILED;
	}
	end_board(&s);
	complain_of_firmware(&s);
	remove_files(&s);
	return s.signal && status == FAILED ? 128 + s.signal : status;
}

static const struct opt sim_opts[] = {
	{ 'b', "board", "BOARD",
	  "mps2-an521 (default), mps2-an385, zcu102-r5 or linux" },
	{ 'F', "fw", "FILE", "the firmware (default: the demo for the board)" },
	{ 'r', "region", "NAME",
	  "the board's RAM: make and remove it; or use it, if it exists" },
	{ 'd', "dir", "DIR", "put the sockets there (default: a new folder)" },
	{ 'k', "keep", NULL, "run nothing; stay until interrupted" },
	{ 'q', "qemu", "PATH", "default: the board's" },
	OPT_END
};

const struct command sim_command[] = {
	{ "sim", "[--] COMMAND [ARG]...",
	  "boot firmware on an emulated board, and run a command",
	  "The board's RAM is a fresh region (shm:/mbx-sim-PID, unless named), or the\n"
	  "region a slice of it, and its second UART the doorbell. COMMAND finds both\n"
	  "in MBX_REGION and MBX_DOORBELL, QEMU's control socket in MBX_QMP, and mbx in\n"
	  "its PATH; its exit status is that of sim. Board linux is firmware built as a\n"
	  "process. Afterwards nothing is left of all that; only RAM that existed before\n"
	  "stays, and the firmware goes on in it.\n",
	  sim_opts, 0, -1, true, run_sim },
	{ 0 }
};
