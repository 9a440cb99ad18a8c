/* SPDX-License-Identifier: BSD-2-Clause */
#include <mbx/err.h>

const char *mbx_strerror(int err)
{
	switch (err) {
	case 0:
		return "success";
	case MBX_EPERM:
		return "operation not permitted";
	case MBX_ENOENT:
		return "no such region or channel";
	case MBX_EIO:
		return "the region was truncated";
	case MBX_EAGAIN:
		return "nothing there, or no room, yet";
	case MBX_ENOMEM:
		return "out of memory";
	case MBX_EACCES:
		return "permission denied";
	case MBX_EBUSY:
		return "already in use";
	case MBX_EEXIST:
		return "exists already";
	case MBX_EINVAL:
		return "invalid argument";
	case MBX_ENOSPC:
		return "no room: the region, or the reply queue, is too small or full";
	case MBX_EMISMATCH:
		return "the two sides declare different channels";
	case MBX_ENODATA:
		return "no value written yet";
	case MBX_EPROTO:
		return "impossible value in the region";
	case MBX_EMSGSIZE:
		return "message too long";
	case MBX_EVERSION:
		return "another version of the region layout";
	case MBX_ENOTSUP:
		return "wrong kind or direction of channel";
	case MBX_ECONNRESET:
		return "the peer went away";
	case MBX_ENOTCONN:
		return "the peer is not there";
	case MBX_ETIMEDOUT:
		return "timed out";
	case MBX_ESTALE:
		return "the region was formatted again";
	case MBX_ECORRUPT:
		return "superblock or directory damaged";
	case MBX_ENOTREGION:
		return "not an mbx region";
	}
	return "unknown error";
}
