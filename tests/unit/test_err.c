/* SPDX-License-Identifier: BSD-2-Clause */
/* Error numbers are pinned for ever: on Linux they are errno's, negated. */
#include "fixture.h"

#include <errno.h>

static const struct {
	enum mbx_err err;
	int pinned, here;
} errors[] = {
	{ MBX_EPERM, 1, EPERM },
	{ MBX_ENOENT, 2, ENOENT },
	{ MBX_EIO, 5, EIO },
	{ MBX_EAGAIN, 11, EAGAIN },
	{ MBX_ENOMEM, 12, ENOMEM },
	{ MBX_EACCES, 13, EACCES },
	{ MBX_EBUSY, 16, EBUSY },
	{ MBX_EEXIST, 17, EEXIST },
	{ MBX_EINVAL, 22, EINVAL },
	{ MBX_ENOSPC, 28, ENOSPC },
	{ MBX_EMISMATCH, 52, EBADE },
	{ MBX_ENODATA, 61, ENODATA },
	{ MBX_EPROTO, 71, EPROTO },
	{ MBX_EMSGSIZE, 90, EMSGSIZE },
	{ MBX_EVERSION, 93, EPROTONOSUPPORT },
	{ MBX_ENOTSUP, 95, ENOTSUP },
	{ MBX_ECONNRESET, 104, ECONNRESET },
	{ MBX_ENOTCONN, 107, ENOTCONN },
	{ MBX_ETIMEDOUT, 110, ETIMEDOUT },
	{ MBX_ESTALE, 116, ESTALE },
	{ MBX_ECORRUPT, 117, EUCLEAN },
	{ MBX_ENOTREGION, 124, EMEDIUMTYPE },
};

static void test_error_numbers_are_those_of_linux(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		assert_int_equal(errors[i].err, -errors[i].pinned);
		assert_int_equal(errors[i].pinned, errors[i].here);
	}
}

static void test_strerror_has_one_text_for_each_error(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		const char *text = mbx_strerror(errors[i].err);

		assert_string_not_equal(text, mbx_strerror(0));
		assert_string_not_equal(text, mbx_strerror(-9999));
		for (k = 0; k < i; k++)
			assert_string_not_equal(text,
						mbx_strerror(errors[k].err));
	}
}

static void test_strerror_of_any_integer_is_a_text(void **state)
{
	static const int odd[] = { 1, 11, -3, -1000, INT32_MAX, INT32_MIN };
	size_t i;

	(void)state;
	assert_string_equal(mbx_strerror(0), "success");
	for (i = 0; i < ARRAY_SIZE(odd); i++)
		assert_string_equal(mbx_strerror(odd[i]), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_numbers_are_those_of_linux),
		cmocka_unit_test(test_strerror_has_one_text_for_each_error),
		cmocka_unit_test(test_strerror_of_any_integer_is_a_text),
	};

	return run_group("err", tests, NULL);
}
