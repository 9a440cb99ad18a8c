/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory takes root to map, or a capability, and nothing of it
 * afterwards: what follows a region that anybody may write to runs as somebody who
 * may do nothing.
 */
#include "cmd.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534u

static bool given_up;

/* The user or group that sudo was called by; nobody where it was not. */
static unsigned int caller(const char *variable)
{
	const char *s = getenv(variable);
	unsigned long id;
	char *end;

	if (!s || *s < '1' || *s > '9')
		return NOBODY;
	errno = 0;
	id = strtoul(s, &end, 10);
	return *end || errno || id >= UINT32_MAX ? NOBODY : (unsigned int)id;
}

static struct __user_cap_header_struct own = {
	.version = _LINUX_CAPABILITY_VERSION_3
};

static bool has_capabilities(void)
{
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &own, caps) != 0 || caps[0].permitted ||
	       caps[1].permitted;
}

/* Root's capabilities go with root; another user's by themselves. */
static int give_up(uid_t uid, gid_t gid)
{
	static const struct __user_cap_data_struct
		none[_LINUX_CAPABILITY_U32S_3];

	if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(gid, gid, gid) ||
			       setresuid(uid, uid, uid)))
		return -1;
	if (syscall(SYS_capset, &own, none))
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Try to be root again: that must fail. */
static bool could_be_root_again(uid_t uid, gid_t gid)
{
	uid_t u[3];
	gid_t g[3];

	return setresuid((uid_t)-1, 0, (uid_t)-1) == 0 ||
	       setresgid((gid_t)-1, 0, (gid_t)-1) == 0 ||
	       getresuid(&u[0], &u[1], &u[2]) != 0 ||
	       getresgid(&g[0], &g[1], &g[2]) != 0 || u[0] != uid ||
	       u[1] != uid || u[2] != uid || g[0] != gid || g[1] != gid ||
	       g[2] != gid || has_capabilities() ||
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

void drop_privileges(const struct mbx_region *r)
{
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (r->memory != MBX_MEMORY_DEVICE ||
	    (geteuid() != 0 && !has_capabilities()))
		return;
	/* who is not root could make up what sudo would have said */
	if (uid == 0) {
		uid = caller("SUDO_UID");
		gid = caller("SUDO_GID");
	}
	if (give_up(uid, gid))
		fail(FAILED,
		     "the region is mapped, but root can't be given up for "
		     "user %u, group %u: %s",
		     uid, gid, strerror(errno));
	given_up = true;
	if (could_be_root_again(uid, gid))
		fail(FAILED,
		     "the region is mapped, but root could be had back by "
		     "user %u, group %u: not going on",
		     uid, gid);
}

const char *denied(int e)
{
	return e == EACCES && given_up
		       ? " (root was given up once the region was mapped; feed "
			 "it by standard input)"
		       : "";
}
