/* SPDX-License-Identifier: BSD-2-Clause */
/* For end-to-end tests: a board that mbx sim runs, to be killed and restarted. */
#ifndef TESTS_BOARD_H
#define TESTS_BOARD_H

#include "../unit/host.h"

#include <sys/socket.h>
#include <sys/un.h>

static const char *board; /* its name, the program's only argument */
static char dir[] = "/tmp/mbx-e2e-XXXXXX", region[64], bell[64];
static pid_t sim_pid;

static inline void setup_board(int argc, char **argv)
{
	if (argc != 2 || !getenv("BUILD") || !mkdtemp(dir)) {
		fprintf(stderr, "usage: BUILD=DIR %s BOARD\n", argv[0]);
		exit(2);
	}
	board = argv[1];
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	snprintf(region, sizeof(region), "shm:/%s", strrchr(dir, '/') + 1);
	snprintf(bell, sizeof(bell), "socket:%s/doorbell", dir);
}

static inline int is_process(void)
{
	return strcmp(board, "linux") == 0;
}

/* The region, as large as the board's RAM; it outlives the boards. */
static inline void make_ram(void)
{
	struct mbx_region r;

	assert_mbx(mbx_region_open(&r, region, MBX_REGION_CREATE,
				   is_process() ? 1u << 20 : 16u << 20),
		   0);
	mbx_region_close(&r);
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
	fflush(NULL);
	sim_pid = fork();
	if (sim_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!freopen("/dev/null", "w", stdout))
			_exit(1);
		execl(mbx, "mbx", "sim", "--board", board, "--region", region,
		      "--dir", dir, "--fw", fw, "--keep", NULL);
		perror(mbx);
		_exit(1);
	}
	assert_true(sim_pid > 0);
	wait_formatted();
}

/* The firmware's process, or QEMU, as long as mbx sim is there; else 0. */
static inline pid_t below_sim(void)
{
	char path[64];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", sim_pid,
		 sim_pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	return pid;
}

/*
 * The next board must not meet this one: what ran below a killed mbx sim dies a
 * little later, as this process's child (see setup_board()).
 */
static inline void end_board(int sig)
{
	pid_t below = below_sim();
	int status;

	kill(sim_pid, sig);
	assert_int_equal(waitpid(sim_pid, &status, 0), sim_pid);
	if (below)
		waitpid(below, NULL, 0);
	if (sig == SIGKILL)
		assert_true(WIFSIGNALED(status));
}

static inline void qmp(const char *command)
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
	fprintf(f, "{\"execute\":\"%s\"}\n", command);
	do {
		assert_non_null(fgets(line, sizeof(line), f));
	} while (!strstr(line, "return")); /* events may come before it */
	fclose(f);
}

#endif
