/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of doctor share: the list of findings. */
#ifndef MBX_DOCTOR_H
#define MBX_DOCTOR_H

#include "cmd.h"

struct doctor {
	json_t *findings; /* { check, verdict, text, remedy } */
	bool json;	  /* print them at the end, not as they are made */
	bool wrong;	  /* one of them is not "ok" */
};

/* Note that @check found nothing wrong, and with which values. */
void doctor_ok(struct doctor *d, const char *check, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Note what is wrong, and what to do. */
void doctor_wrong(struct doctor *d, const char *check, const char *remedy,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * Note an error of the library's: what it @said. What stands behind the last
 * semicolon is the remedy; @remedy is used if there is none.
 */
void doctor_error(struct doctor *d, const char *check, const char *said,
		  const char *remedy);

/* ---- doctor_hw.c ---- */

/* Is it a name of physical memory? */
bool doctor_is_hardware(const char *name);

/* Why could it not be opened? What the library cannot tell. */
void doctor_no_region(struct doctor *d, const char *name, int err);

/* What the memory is, and whether the other core runs; @r NULL: not open. */
void doctor_hardware(struct doctor *d, const char *name,
		     const struct mbx_region *r);

/* What this machine has that may be of use. */
void doctor_survey(struct doctor *d);

#endif
