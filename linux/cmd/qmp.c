/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's control socket: one command, one answer. */
#include "cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_S 5

/* Until something other than an event comes: NULL if it says "return". */
static const char *answer(FILE *qmp)
{
	static char why[256];
	size_t room = 0;
	char *line = NULL;
	json_t *o = NULL;

	snprintf(why, sizeof(why), "no answer within %d s", ANSWER_S);
	while (getline(&line, &room, qmp) > 0) {
		json_decref(o);
		o = json_loads(line, 0, NULL);
		if (json_object_get(o, "return") || json_object_get(o, "QMP"))
			break;
		if (json_object_get(o, "error")) {
			snprintf(why, sizeof(why), "%s",
				 get_text(json_object_get(o, "error"), "desc"));
			break;
		}
	}
	free(line);
	room = json_object_get(o, "return") || json_object_get(o, "QMP");
	json_decref(o);
	return room ? NULL : why;
}

const char *qmp_run(FILE *qmp, const char *command)
{
	fprintf(qmp, "%s\n", command);
	fflush(qmp);
	return answer(qmp);
}

static int connect_to(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = ANSWER_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

FILE *qmp_open(const char *path)
{
	int fd = connect_to(path);
	FILE *qmp;

	if (fd < 0)
		return NULL;
	qmp = fdopen(fd, "r+");
	if (!qmp) {
		close(fd);
		return NULL;
	}
	if (!answer(qmp) && !qmp_run(qmp, "{'execute': 'qmp_capabilities'}"))
		return qmp;
	fclose(qmp);
	errno = EPROTO;
	return NULL;
}
