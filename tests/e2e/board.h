/* SPDX-License-Identifier: BSD-2-Clause */
/* For end-to-end tests: a board that mbx sim runs, to be killed and restarted. */
#ifndef TESTS_BOARD_H
#define TESTS_BOARD_H

#include "../unit/host.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

static const char *board; /* its name, the program's only argument */
static char dir[] = "/tmp/mbx-e2e-XXXXXX", bell[64];
static char ram[64], region[96]; /* the board's RAM, the region in it */
static pid_t sim_pid, owner;

/* Whatever went wrong: nothing of this test survives it. */
static void leave_nothing(void)
{
	const char *const files[] = { "doorbell", "qmp", "stderr", "console" };
	char name[280];
	size_t i;

	if (getpid() != owner)
		return; /* a child of the test */
	if (sim_pid > 0 && kill(sim_pid, SIGTERM) == 0)
		waitpid(sim_pid, NULL, 0); /* it ends the board */
	shm_unlink(ram + strlen("shm:"));
	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, files[i]);
		unlink(name);
	}
	rmdir(dir);
}

static inline int is_process(void)
{
	return strcmp(board, "linux") == 0;
}

static inline int is_r5(void)
{
	return strcmp(board, "zcu102-r5") == 0;
}

static inline void setup_board(int argc, char **argv)
{
	if (argc != 2 || !getenv("BUILD") || !mkdtemp(dir)) {
		fprintf(stderr, "usage: BUILD=DIR %s BOARD\n", argv[0]);
		exit(2);
	}
	board = argv[1];
	owner = getpid();
	atexit(leave_nothing);
	prctl(PR_SET_CHILD_SUBREAPER,
	      1); /* of what mbx sim leaves when killed */
	snprintf(ram, sizeof(ram), "shm:/%s", strrchr(dir, '/') + 1);
	snprintf(region, sizeof(region), "%s%s", ram,
		 is_r5() ? "@0x3ed80000+64K" : "");
	snprintf(bell, sizeof(bell), "socket:%s/doorbell", dir);
}

/* The file with the region in it; it outlives the boards. */
static inline void make_ram(void)
{
	size_t bytes = is_process() ? 1u << 20 : is_r5() ? 1u << 30 : 16u << 20;
	struct mbx_region r;

	assert_mbx(mbx_region_open(&r, ram, MBX_REGION_CREATE, bytes), 0);
	mbx_region_close(&r);
}

static inline void remove_ram(void)
{
	assert_int_equal(shm_unlink(ram + strlen("shm:")), 0);
}

static inline void wait_formatted(void)
{
	struct mbx_options o = { .observe = 1, .timeout_ms = PATIENCE_MS };
	struct mbx *m;

	assert_mbx(mbx_open(&m, region, &o), 0);
	mbx_close(m);
}

/* mbx sim and QEMU below it; a SIGKILL to the first is one to the second. */
static inline void start_board(const char *app)
{
	const char *build = getenv("BUILD");
	char mbx[256], fw[256];

	snprintf(mbx, sizeof(mbx), "%s/mbx", build);
	snprintf(fw, sizeof(fw), "%s/%s/%s%s", build,
		 is_process() ? "host" : board, app ? app : "demo",
		 is_process() ? "" : ".elf");
	sim_pid = fork_bound();
	if (sim_pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(1);
		execl(mbx, "mbx", "sim", "--board", board, "--region", ram,
		      "--dir", dir, "--fw", fw, "--keep", NULL);
		perror(mbx);
		_exit(1);
	}
	assert_true(sim_pid > 0);
	wait_formatted();
}

/* The process below mbx sim: QEMU, or the firmware itself. */
static inline pid_t board_pid(void)
{
	char path[64];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", sim_pid,
		 sim_pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

/* Gone for good, QEMU too: two boards at once are not what is tested. */
static inline void end_board(int sig)
{
	pid_t below = board_pid();
	int status;

	kill(sim_pid, sig);
	assert_int_equal(waitpid(sim_pid, &status, 0), sim_pid);
	sim_pid = 0;
	if (sig == SIGKILL) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(waitpid(below, &status, 0), below);
		assert_true(WIFSIGNALED(status));
	}
}

static inline void qmp(const char *command, const char *arguments)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char line[512];
	FILE *f;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/qmp", dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
	f = fdopen(fd, "r+");
	assert_non_null(f);
	setvbuf(f, NULL, _IONBF, 0);
	assert_non_null(fgets(line, sizeof(line), f)); /* the greeting */
	fprintf(f, "{\"execute\":\"qmp_capabilities\"}\n");
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, "return"));
	fprintf(f, "{\"execute\":\"%s\",\"arguments\":%s}\n", command,
		arguments);
	do {
		assert_non_null(fgets(line, sizeof(line), f));
	} while (!strstr(line, "return")); /* events may come before it */
	fclose(f);
}

#endif
