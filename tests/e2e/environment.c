/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which variables of its environment does libmbx heed in this program? Where it
 * has more rights than its caller, none: see security.sh.
 *
 * Usage: environment, with MBX_REGION, MBX_ROOT, and an MBX_DOORBELL that is none
 */
#include <mbx/mbx.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *heeded(int is, const char *what)
{
	return is ? what : "";
}

int main(void)
{
	const char *region = getenv("MBX_REGION"), *root = getenv("MBX_ROOT");
	struct mbx_options options = { 0 };
	struct mbx_region r;
	struct mbx *m;
	int named, rooted, rung;

	if (!region || !root)
		return 2;
	named = mbx_region_open(&r, NULL, MBX_REGION_READ, 0) == 0;
	mbx_region_close(&r);
	mbx_region_open(&r, "dt:nobody", MBX_REGION_READ, 0);
	rooted = strstr(mbx_errmsg(), root) != NULL;
	rung = mbx_open(&m, region, &options) == MBX_EINVAL;
	if (!rung && !m) {
		puts(mbx_errmsg());
		return 1;
	}
	mbx_close(m);
	printf("%s%s%s%s\n", heeded(named, "region "), heeded(rooted, "root "),
	       heeded(rung, "doorbell"),
	       heeded(!named && !rooted && !rung, "none of them"));
	return 0;
}
