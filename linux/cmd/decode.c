/* SPDX-License-Identifier: BSD-2-Clause */
/* Type texts, "u32 op, char text[]": values to bytes, and bytes to values. */
#include "cmd.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static bool parse_base(struct field *f, const char *p, size_t n)
{
	static const struct {
		const char *name;
		char base;
		uint8_t size;
	} bases[] = {
		{ "u8", 'u', 1 },  { "i8", 'i', 1 },  { "x8", 'x', 1 },
		{ "u16", 'u', 2 }, { "i16", 'i', 2 }, { "x16", 'x', 2 },
		{ "u32", 'u', 4 }, { "i32", 'i', 4 }, { "x32", 'x', 4 },
		{ "u64", 'u', 8 }, { "i64", 'i', 8 }, { "x64", 'x', 8 },
		{ "f32", 'f', 4 }, { "f64", 'f', 8 }, { "char", 'c', 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		if (strlen(bases[i].name) == n &&
		    memcmp(bases[i].name, p, n) == 0) {
			f->base = bases[i].base;
			f->size = bases[i].size;
			return true;
		}
	return false;
}

static size_t word_length(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && (isalnum((unsigned char)p[n]) || p[n] == '_'))
		n++;
	return n;
}

/* "[8]" or "[]" at @p; NULL if it is neither. */
static const char *parse_brackets(struct field *f, const char *p,
				  const char *end)
{
	uint32_t n = 0;
	const char *digits = ++p;

	for (; p < end && isdigit((unsigned char)*p); p++) {
		n = n * 10 + (uint32_t)(*p - '0');
		if (n > MBX_MAX_MESSAGE)
			return NULL;
	}
	if (p == end || *p != ']' || (p > digits && n == 0))
		return NULL;
	f->count = n;
	f->array = true;
	return p + 1;
}

/* One field from @p to @end; what is wrong with it, or NULL. */
static const char *parse_field(struct type *t, const char *p, const char *end)
{
	struct field *f = &t->field[t->count];
	size_t n;

	if (t->count == MAX_FIELDS)
		return "too many fields";
	if (t->open)
		return "only the last field may have []";
	memset(f, 0, sizeof(*f));
	f->count = 1;
	p = skip_space(p, end);
	n = word_length(p, end);
	if (!parse_base(f, p, n))
		return "no such type (u8 i8 x8 u16 ... x64 f32 f64 char)";
	p = skip_space(p + n, end);
	n = word_length(p, end);
	if (n == 0 || n >= sizeof(f->name))
		return "a field needs a name of 1 to 31 letters";
	memcpy(f->name, p, n);
	p = skip_space(p + n, end);
	if (p < end && *p == '[') {
		p = parse_brackets(f, p, end);
		if (!p)
			return "expected [N] or []";
	}
	if (skip_space(p, end) != end)
		return "expected a comma";
	t->open = f->count == 0;
	if (f->count > (MBX_MAX_MESSAGE - t->fixed) / f->size)
		return "longer than any message";
	t->fixed += f->count * f->size;
	t->count++;
	return NULL;
}

static void choose_part(const char **p, const char **end, enum part part)
{
	const char *arrow = strstr(*p, "->");

	if (part == REQUEST && arrow)
		*end = arrow;
	if (part == REPLY)
		*p = arrow ? arrow + 2 : *end;
}

const char *type_parse(struct type *t, const char *text, enum part part)
{
	const char *p = text, *end = text + strlen(text), *comma, *why = NULL;

	memset(t, 0, sizeof(*t));
	choose_part(&p, &end, part);
	if (skip_space(p, end) == end)
		return NULL;
	do {
		comma = memchr(p, ',', (size_t)(end - p));
		why = parse_field(t, p, comma ? comma : end);
		if (comma)
			p = comma + 1;
	} while (comma && !why);
	if (why)
		memset(t, 0, sizeof(*t));
	return why;
}

/* ---- values to bytes ---- */

struct encoder {
	const struct type *t;
	const char *text; /* the type text, to show */
	uint8_t *buf;
	uint32_t cap, at;
};

static void put_bytes(struct encoder *e, const void *data, size_t n)
{
	if (n > e->cap - e->at)
		fail(USAGE,
		     "%zu bytes are too long: this channel's messages have at "
		     "most %u",
		     e->at + n, e->cap);
	memcpy(e->buf + e->at, data, n);
	e->at += (uint32_t)n;
}

/* The largest number that a field can have. */
static uint64_t top_of(const struct field *f)
{
	return UINT64_MAX >> (64 - f->size * 8) >> (f->base == 'i');
}

static bool is_integer(const char *s)
{
	s += *s == '-';
	return *s && !s[strspn(s, "0123456789")];
}

static _Noreturn void bad_value(const struct encoder *e, const struct field *f,
				const char *value)
{
	static const char *const names[] = {
		['u'] = "u", ['i'] = "i", ['x'] = "x", ['f'] = "f"
	};

	if (f->base == 'c')
		fail(USAGE,
		     "\"%s\" does not fit field \"%s\" of %u characters; the "
		     "channel carries \"%s\"",
		     value, f->name, f->count, e->text);
	if (f->base != 'f' && is_integer(value))
		fail(USAGE,
		     "%s is out of range for field \"%s\", %s%u: %s%llu to "
		     "%llu; the channel carries \"%s\"",
		     value, f->name, names[(int)f->base], f->size * 8,
		     f->base == 'i' ? "-" : "",
		     f->base == 'i' ? top_of(f) + 1ull : 0ull,
		     (unsigned long long)top_of(f), e->text);
	fail(USAGE,
	     "\"%s\" is no %s%u for field \"%s\"; the channel carries \"%s\" "
	     "(raw bytes: --hex, --file)",
	     value, names[(int)f->base], f->size * 8, f->name, e->text);
}

/* Does the 64-bit @v, as written down, fit the field? */
static bool in_range(const struct field *f, bool negative, uint64_t v)
{
	uint64_t top = top_of(f);

	if (negative)
		return f->base == 'i' && v <= top + 1;
	return v <= top;
}

/* The low @n bytes of @v, the lowest first. */
static void put_little(struct encoder *e, uint64_t v, size_t n)
{
	v = htole64(v);
	put_bytes(e, &v, n);
}

static void put_float(struct encoder *e, const struct field *f, const char *s)
{
	char *end;
	double d = strtod(s, &end);
	float narrow = (float)d;
	uint32_t word;
	uint64_t v;

	if (!*s || *end)
		bad_value(e, f, s);
	memcpy(&word, &narrow, sizeof(word));
	memcpy(&v, &d, sizeof(v));
	put_little(e, f->size == 4 ? word : v, f->size);
}

static void put_integer(struct encoder *e, const struct field *f, const char *s)
{
	bool negative = *s == '-';
	const char *digits = s + (negative || *s == '+');
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(digits, &end, 0);
	if (!isdigit((unsigned char)*digits) || *end || errno ||
	    !in_range(f, negative, v))
		bad_value(e, f, s);
	if (negative)
		v = 0 - v;
	put_little(e, v, f->size);
}

static void put_text(struct encoder *e, const struct field *f, const char *s)
{
	static const uint8_t zeros[64];
	size_t n = strlen(s), left;

	if (f->count && n > f->count)
		bad_value(e, f, s);
	put_bytes(e, s, n);
	for (left = f->count ? f->count - n : 0; left; left -= n) {
		n = left < sizeof(zeros) ? left : sizeof(zeros);
		put_bytes(e, zeros, n);
	}
}

static void put_list(struct encoder *e, const struct field *f, const char *s)
{
	char *copy = copy_text(s), *p = copy, *item;
	uint32_t n = 0;

	while (*s && (item = strsep(&p, ",")) != NULL) {
		if (f->base == 'f')
			put_float(e, f, item);
		else
			put_integer(e, f, item);
		n++;
	}
	free(copy);
	if (f->count && n != f->count)
		fail(USAGE,
		     "field \"%s\" has %u elements, \"%s\" has %u; the channel "
		     "carries \"%s\"",
		     f->name, f->count, s, n, e->text);
}

static void put_field(struct encoder *e, const struct field *f, const char *s)
{
	uint32_t n;

	if (f->base == 'c') {
		put_text(e, f, s);
	} else if (f->base == 'x' && f->size == 1 && f->array) {
		n = parse_hex(s, e->buf + e->at, e->cap - e->at);
		e->at += n;
		if (f->count && n != f->count)
			fail(USAGE, "field \"%s\" has %u bytes, \"%s\" has %u",
			     f->name, f->count, s, n);
	} else if (f->array) {
		put_list(e, f, s);
	} else if (f->base == 'f') {
		put_float(e, f, s);
	} else {
		put_integer(e, f, s);
	}
}

/* The field that "name=value" names; what stands behind the "=" to *value. */
static int named_field(const struct type *t, const char *arg,
		       const char **value)
{
	const char *eq = strchr(arg, '=');
	unsigned int i;

	for (i = 0; eq && i < t->count; i++)
		if (strlen(t->field[i].name) == (size_t)(eq - arg) &&
		    memcmp(t->field[i].name, arg, (size_t)(eq - arg)) == 0) {
			*value = eq + 1;
			return (int)i;
		}
	return -1;
}

static char *join(int argc, char **argv)
{
	size_t n = 1;
	char *s;
	int i;

	for (i = 0; i < argc; i++)
		n += strlen(argv[i]) + 1;
	s = buffer(n);
	*s = 0;
	for (i = 0; i < argc; i++) {
		if (i)
			strcat(s, " ");
		strcat(s, argv[i]);
	}
	return s;
}

/*
 * Sort the arguments to their fields. Returns the words of a last text, joined,
 * to be freed; or NULL.
 */
static char *assign(const struct encoder *e, int argc, char **argv,
		    const char *value[MAX_FIELDS])
{
	const struct type *t = e->t;
	unsigned int next = 0;
	int i, f;

	for (i = 0; i < argc; i++) {
		const char *v = argv[i];

		f = named_field(t, argv[i], &v);
		if (f < 0) {
			while (next < t->count && value[next])
				next++;
			f = (int)next;
		}
		if (f == (int)t->count)
			fail(USAGE,
			     "\"%s\" is one value too many; the channel carries "
			     "\"%s\"",
			     v, e->text);
		if (value[f])
			fail(USAGE, "field \"%s\" is given twice",
			     t->field[f].name);
		value[f] = v;
		if (f == (int)t->count - 1 && t->field[f].base == 'c' &&
		    v == argv[i]) {
			char *joined = join(argc - i, argv + i);

			value[f] = joined;
			return joined;
		}
	}
	return NULL;
}

uint32_t type_encode(const struct type *t, const char *text, int argc,
		     char **argv, uint8_t *buf, uint32_t cap)
{
	struct encoder e = { t, text, buf, cap, 0 };
	const char *value[MAX_FIELDS] = { NULL };
	unsigned int i;
	char *joined;

	if (t->count == 0) {
		char *s = join(argc, argv);

		put_bytes(&e, s, strlen(s));
		free(s);
		return e.at;
	}
	joined = assign(&e, argc, argv, value);
	for (i = 0; i < t->count; i++) {
		if (!value[i])
			fail(USAGE,
			     "no value for field \"%s\"; the channel carries "
			     "\"%s\"",
			     t->field[i].name, text);
		put_field(&e, &t->field[i], value[i]);
	}
	free(joined);
	return e.at;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

uint32_t parse_hex(const char *s, uint8_t *buf, uint32_t cap)
{
	uint32_t n = 0;
	const char *p = s;

	while (*p) {
		if (isspace((unsigned char)*p) || *p == ':') {
			p++;
			continue;
		}
		if (hex_digit(p[0]) < 0 || hex_digit(p[1]) < 0)
			fail(USAGE,
			     "\"%.32s\" is not hexadecimal, two digits a byte, "
			     "as in \"0a ff\"",
			     p);
		if (n == cap)
			fail(USAGE, "too long: the channel takes %u bytes",
			     cap);
		buf[n++] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
		p += 2;
	}
	return n;
}

/* ---- bytes to values ---- */

uint64_t little(const uint8_t *p, uint32_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return le64toh(v);
}

/* A number of a field as JSON, and as text to @out. */
static json_t *element(const struct field *f, const uint8_t *p, FILE *out)
{
	uint64_t v = little(p, f->size);
	uint32_t word = (uint32_t)v;
	double d;
	float narrow;
	char s[32];

	if (f->base == 'f') {
		memcpy(&narrow, &word, sizeof(narrow));
		d = (double)narrow;
		if (f->size == 8)
			memcpy(&d, &v, sizeof(d));
		snprintf(s, sizeof(s), "%.*g", f->size == 4 ? 7 : 15, d);
		fputs(s, out);
		return isfinite(d) ? json_real(d) : json_string(s);
	}
	if (f->base == 'x') {
		snprintf(s, sizeof(s), "0x%0*llx", (int)f->size * 2,
			 (unsigned long long)v);
		fputs(s, out);
		return json_string(s);
	}
	if (f->base == 'i') {
		unsigned int unused = 64 - f->size * 8;
		int64_t i = (int64_t)(v << unused) >> unused;

		fprintf(out, "%lld", (long long)i);
		return json_integer(i);
	}
	snprintf(s, sizeof(s), "%llu", (unsigned long long)v);
	fputs(s, out);
	/* JSON numbers end at 2^63 in the library that prints them */
	return v > INT64_MAX ? json_string(s) : json_integer((json_int_t)v);
}

static json_t *text_value(const struct field *f, const uint8_t *p, uint32_t n,
			  FILE *out)
{
	char *s;

	while (f->count && n && p[n - 1] == 0) /* what pads a fixed array */
		n--;
	s = printable(p, n);
	fprintf(out, "\"%s\"", s);
	free(s);
	return json_untrusted(p, n);
}

static json_t *field_value(const struct field *f, const uint8_t *p, uint32_t n,
			   FILE *out)
{
	uint32_t i;
	json_t *list;
	char *s;

	if (f->base == 'c')
		return text_value(f, p, n, out);
	if (!f->array)
		return element(f, p, out);
	if (f->base == 'x' && f->size == 1) {
		s = hex_of(p, n);
		fputs(s, out);
		list = json_string(s);
		free(s);
		return list;
	}
	list = json_array();
	for (i = 0; i + f->size <= n; i += f->size) {
		if (i)
			fputc(',', out);
		json_array_append_new(list, element(f, p + i, out));
	}
	return list;
}

/* How many bytes of @left the field takes; 0 with !*whole: it is cut short. */
static uint32_t extent(const struct field *f, uint32_t left, bool *whole)
{
	uint32_t n = f->count ? f->count * f->size : left - left % f->size;

	*whole = n <= left;
	return *whole ? n : 0;
}

static json_t *fields_json(const struct type *t, const uint8_t *buf,
			   uint32_t bytes, FILE *out)
{
	json_t *o = json_object();
	uint32_t at = 0;
	unsigned int i;
	bool whole = true;

	for (i = 0; i < t->count; i++) {
		const struct field *f = &t->field[i];
		uint32_t n = extent(f, bytes - at, &whole);

		if (!whole)
			break;
		fprintf(out, "%s%s=", i ? " " : "", f->name);
		json_object_set_new(o, f->name,
				    field_value(f, buf + at, n, out));
		at += n;
	}
	if (!whole)
		fprintf(out, "%s(cut short before \"%s\")", i ? " " : "",
			t->field[i].name);
	if (at < bytes) {
		char *s = hex_of(buf + at, bytes - at);

		fprintf(out, " (%u bytes more: %s)", bytes - at, s);
		free(s);
	}
	return o;
}

/* Bytes of no declared type: as text where that is what they look like. */
static void show_bytes(const uint8_t *buf, uint32_t bytes, FILE *out)
{
	char *s = printable(buf, bytes);

	if (strstr(s, "\\x")) {
		free(s);
		s = hex_of(buf, bytes);
		fputs("hex ", out);
	}
	fputs(s, out);
	free(s);
}

json_t *message_json(const struct type *t, const uint8_t *buf, uint32_t bytes)
{
	json_t *o = json_object(), *fields = NULL;
	char *text = NULL, *s;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		fail(FAILED, "out of memory");
	if (t->count)
		fields = fields_json(t, buf, bytes, out);
	else
		show_bytes(buf, bytes, out);
	fclose(out);
	set_num(o, "bytes", bytes);
	json_object_set_new(o, "text", json_untrusted(text, n));
	s = hex_of(buf, bytes);
	set_text(o, "hex", s);
	if (fields)
		json_object_set_new(o, "fields", fields);
	free(s);
	free(text);
	return o;
}
