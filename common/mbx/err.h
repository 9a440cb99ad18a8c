/* SPDX-License-Identifier: BSD-2-Clause */
/* The one set of error numbers, the same on both sides and in every library. */
#ifndef MBX_ERR_H
#define MBX_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Every mbx function that can fail returns one of these, always negative.
 * The values are pinned for ever and are those of Linux's errno, negated
 * (firmware's C library may number its own errno otherwise).
 */
enum mbx_err {
	MBX_EPERM = -1,	     /* the kernel forbids it (/dev/mem, modes) */
	MBX_ENOENT = -2,     /* no such region, file or channel */
	MBX_EIO = -5,	     /* the region was truncated under us */
	MBX_EAGAIN = -11,    /* empty, full, or not yet: an everyday answer */
	MBX_ENOMEM = -12,    /* the process has no memory left */
	MBX_EACCES = -13,    /* no permission, or an observer tried to write */
	MBX_EBUSY = -16,     /* somebody else has it; a claim is open */
	MBX_EEXIST = -17,    /* it is there already */
	MBX_EINVAL = -22,    /* an argument makes no sense */
	MBX_ENOSPC = -28,    /* no room: layout in region, reply in its queue */
	MBX_EMISMATCH = -52, /* the two sides were built with other channels */
	MBX_ENODATA = -61,   /* a state channel without a value yet */
	MBX_EPROTO = -71,   /* a value that no honest peer could have written */
	MBX_EMSGSIZE = -90, /* longer than the channel or the buffer takes */
	MBX_EVERSION = -93, /* another major version of the layout */
	MBX_ENOTSUP = -95,  /* wrong kind of channel, or the wrong direction */
	MBX_ECONNRESET = -104, /* the peer went away during the call */
	MBX_ENOTCONN = -107,   /* the peer is not there */
	MBX_ETIMEDOUT = -110,  /* the time given has passed */
	MBX_ESTALE = -116,     /* the region was formatted again: attach anew */
	MBX_ECORRUPT = -117,   /* superblock or directory is damaged */
	MBX_ENOTREGION = -124, /* the memory holds no mbx region */
};

/*
 * A short English text for @err, never NULL, a constant string. Any integer is
 * taken; 0 is "success". Never blocks; callable from any context.
 */
const char *mbx_strerror(int err);

#ifdef __cplusplus
}
#endif
#endif
