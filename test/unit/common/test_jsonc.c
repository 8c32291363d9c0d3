/* common/jsonc: values, positions, and every refusal with its text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/jsonc.h"

struct faults {
	char text[2048];
};

static void on_fault(void *ctx, struct jsonc_pos pos, const char *text)
{
	struct faults *f = ctx;
	size_t n = strlen(f->text);

	snprintf(f->text + n, sizeof f->text - n, "%u:%u: %s\n", pos.line, pos.column,
		 text);
}

static struct jsonc_node *parse(struct str text, struct faults *f)
{
	struct jsonc_sink sink = {on_fault, f};

	f->text[0] = '\0';
	return jsonc_parse(text, &sink);
}

/* The tree as compact text: what a comparison reads best. */
static void print_node(const struct jsonc_node *node, struct sbuf *out)
{
	switch (node->type) {
	case JSONC_NULL:
		sbuf_lit(out, "null");
		break;
	case JSONC_BOOL:
		sbuf_str(out, node->boolean ? STR("true") : STR("false"));
		break;
	case JSONC_NUMBER:
		sbuf_printf(out, "%s=%g", node->text, node->number);
		break;
	case JSONC_STRING:
		sbuf_printf(out, "<%s>", node->text);
		break;
	case JSONC_ARRAY:
	case JSONC_OBJECT:
		sbuf_str(out, node->type == JSONC_ARRAY ? STR("[") : STR("{"));
		for (const struct jsonc_node *c = node->first; c != NULL; c = c->next) {
			if (c->key != NULL)
				sbuf_printf(out, "%s:", c->key);
			print_node(c, out);
			if (c->next != NULL)
				sbuf_lit(out, " ");
		}
		sbuf_str(out, node->type == JSONC_ARRAY ? STR("]") : STR("}"));
		break;
	}
}

static void check_value(const char *text, const char *expected)
{
	struct faults f;
	struct sbuf out;
	struct jsonc_node *root = parse(str_of(text), &f);

	assert_string_equal(f.text, "");
	assert_non_null(root);
	sbuf_init(&out, 65536);
	print_node(root, &out);
	sbuf_add(&out, "", 1);
	assert_string_equal(out.p, expected);
	sbuf_fini(&out);
	jsonc_free(&root);
	assert_null(root);
}

static void test_values(void **state)
{
	static const char *const t[][2] = {
		{"null", "null"},
		{"true", "true"},
		{" false ", "false"},
		{"0", "0=0"},
		{"-0", "-0=-0"},
		{"10", "10=10"},
		{"1.5", "1.5=1.5"},
		{"-12.25e2", "-12.25e2=-1225"},
		{"1E+3", "1E+3=1000"},
		{"2e-1", "2e-1=0.2"},
		{"\"\"", "<>"},
		{"\"a b\"", "<a b>"},
		{"[]", "[]"},
		{"[ ]", "[]"},
		{"{}", "{}"},
		{"{ }", "{}"},
		{"[1,[2],{\"a\":[]}]", "[1=1 [2=2] {a:[]}]"},
		{"{\"a\":1,\"A\":2}", "{a:1=1 A:2=2}"}, /* keys are case-sensitive */
		{"{\"\":null}", "{:null}"},
		{"\xef\xbb\xbf{}", "{}"}, /* a byte order mark */
		{"// c\n/* d\n * e */{// f\n\"a\":/**/1//\n}\n// end without newline",
		 "{a:1=1}"},
		{"\"http://x /* no comment */\"", "<http://x /* no comment */>"},
		{"[1\r\n,\t2]", "[1=1 2=2]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		check_value(t[i][0], t[i][1]);
}

static void test_strings(void **state)
{
	static const char *const t[][2] = {
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "<\"\\/\b\f\n\r\t>"},
		{"\"\\u0041\\u00e9\\u20AC\"", "<A\xc3\xa9\xe2\x82\xac>"},
		{"\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
		 "<\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf>"},
		{"\"\\ud83d\\ude00\"", "<\xf0\x9f\x98\x80>"},
		{"\"\\ud800\\udc00\\udbff\\udfff\"",
		 "<\xf0\x90\x80\x80\xf4\x8f\xbf\xbf>"},
		{"\"\xf0\x9f\x98\x80\xe8\xaa\xbf\"", "<\xf0\x9f\x98\x80\xe8\xaa\xbf>"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		check_value(t[i][0], t[i][1]);
}

static void test_refusals(void **state)
{
	static const char *const t[][2] = {
		{"", "1:1: the file is empty\n"},
		{" \n // x", "2:6: the file is empty\n"},
		{"{", "1:2: the file ends here; a key in double quotes was expected\n"},
		{"[", "1:2: the file ends here; a value was expected\n"},
		{"[1", "1:3: the file ends here; ',' or ']' was expected\n"},
		{"{\"a\"}", "1:5: unexpected '}'; ':' after the key was expected\n"},
		{"{\"a\":}", "1:6: unexpected '}'; a value was expected\n"},
		{"{\"a\":1 \"b\":2}", "1:8: unexpected '\"'; ',' or '}' was expected\n"},
		{"{a:1}", "1:2: unexpected 'a'; a key in double quotes was expected\n"},
		{"{'a':1}", "1:2: unexpected '''; a key in double quotes was expected\n"},
		{"{1:1}",
		 "1:2: unexpected '1'; a key in double quotes (or a number without commas) was expected\n"},
		{"[1,]", "1:3: a comma before ']'; remove it\n"},
		{"{\"a\":1,\n // last\n}", "1:7: a comma before '}'; remove it\n"},
		{"[,1]", "1:2: unexpected ','; a value was expected\n"},
		{"[1 2]", "1:4: unexpected '2'; ',' or ']' was expected\n"},
		{"{} {}", "1:4: unexpected '{'; the file's end was expected\n"},
		{"1 x", "1:3: unexpected 'x'; the file's end was expected\n"},
		{"01", "1:1: a number may not start with 0; remove the leading zero\n"},
		{"[-01]",
		 "1:2: a number may not start with 0; remove the leading zero\n"},
		{"+1",
		 "1:1: a number begins with a digit or -; write 1 or 0.5, for instance\n"},
		{".5",
		 "1:1: a number begins with a digit or -; write 1 or 0.5, for instance\n"},
		{"-", "1:2: the file ends here; a digit was expected\n"},
		{"1.", "1:3: the file ends here; a digit after the point was expected\n"},
		{"1.e1", "1:3: unexpected 'e'; a digit after the point was expected\n"},
		{"1e", "1:3: the file ends here; an exponent digit was expected\n"},
		{"1e+x", "1:4: unexpected 'x'; an exponent digit was expected\n"},
		{"0x10",
		 "1:1: text behind a number; write the number alone, in decimal digits and without a unit, or put a text in double quotes\n"},
		{"10s",
		 "1:1: text behind a number; write the number alone, in decimal digits and without a unit, or put a text in double quotes\n"},
		{"NaN", "1:1: a text must stand in double quotes; write \"text\"\n"},
		{"True", "1:1: this is no value here; write true\n"},
		{"truex", "1:1: a text must stand in double quotes; write \"text\"\n"},
		{"nul", "1:1: a text must stand in double quotes; write \"text\"\n"},
		{"# x\n1", "1:1: '#' starts no comment here; write // or /* */\n"},
		{"1 / 2", "1:3: unexpected '/'; the file's end was expected\n"},
		{"1\n /* x", "2:2: this comment is not closed; end it with */\n"},
		{"/*/ 1", "1:1: this comment is not closed; end it with */\n"},
		{"\"a", "1:1: this string is not closed on its line; end it with \"\n"},
		{"[\n \"a\nb\"]",
		 "2:2: this string is not closed on its line; end it with \"\n"},
		{"\"a\tb\"",
		 "1:3: control character 0x09 in a string; write it as an escape, like \\t\n"},
		{"\"\x7f\"",
		 "1:2: control character 0x7f in a string; write it as an escape, like \\t\n"},
		{"\"\\x41\"",
		 "1:2: no such escape in a string; write \\\\ for a backslash\n"},
		{"\"\\\n\"",
		 "1:2: no such escape in a string; write \\\\ for a backslash\n"},
		{"\"\\",
		 "1:3: the file ends here; the rest of the string was expected\n"},
		{"\"\\u12\"", "1:2: \\u needs four hexadecimal digits\n"},
		{"\"\\u00g0\"", "1:2: \\u needs four hexadecimal digits\n"},
		{"\"\\u12", "1:2: \\u needs four hexadecimal digits\n"},
		{"\"a\\u0000\"", "1:3: \\u0000 is not allowed in a string; remove it\n"},
		{"\"\\ud800\"",
		 "1:2: half of a surrogate pair; write the character itself, or both halves\n"},
		{"\"\\udc00\"",
		 "1:2: half of a surrogate pair; write the character itself, or both halves\n"},
		{"\"\\ud800\\u0041\"",
		 "1:2: half of a surrogate pair; write the character itself, or both halves\n"},
		{"\"\\udc00\\ud800\"",
		 "1:2: half of a surrogate pair; write the character itself, or both halves\n"},
		{"\x01",
		 "1:1: unexpected control character 0x01; a value was expected\n"},
		{"\xe2\x80\x9c"
		 "a\xe2\x80\x9d",
		 "1:1: unexpected character outside ASCII; a value was expected\n"},
		{"\"\xff\"", "1:2: byte 0xff is not UTF-8; save the file as UTF-8\n"},
		{"// \xe9\n1", "1:4: byte 0xe9 is not UTF-8; save the file as UTF-8\n"},
		{"\"\xc0\x80\"", "1:2: byte 0xc0 is not UTF-8; save the file as UTF-8\n"},
		{"\"\xe0\x9f\xbf\"",
		 "1:2: byte 0xe0 is not UTF-8; save the file as UTF-8\n"},
		{"\"\xed\xa0\x80\"",
		 "1:2: byte 0xed is not UTF-8; save the file as UTF-8\n"},
		{"\"\xf4\x90\x80\x80\"",
		 "1:2: byte 0xf4 is not UTF-8; save the file as UTF-8\n"},
		{"\"\xf0\x8f\x80\x80\"",
		 "1:2: byte 0xf0 is not UTF-8; save the file as UTF-8\n"},
		{"\"\xe2\x82", "1:2: byte 0xe2 is not UTF-8; save the file as UTF-8\n"},
		{"\"\xf0\x9f\x98\"",
		 "1:2: byte 0xf0 is not UTF-8; save the file as UTF-8\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct faults f;
		struct jsonc_node *root = parse(str_of(t[i][0]), &f);

		assert_null(root);
		assert_string_equal(f.text, t[i][1]);
	}
}

static void test_nul_byte(void **state)
{
	static const char text[] = "{\n\"a\": \"b\0c\"}";
	struct faults f;

	(void)state;
	assert_null(parse((struct str){text, sizeof text - 1}, &f));
	assert_string_equal(f.text,
			    "2:8: the file holds a NUL byte; save it as UTF-8 text\n");
}

static void test_text_without_terminator(void **state)
{
	static const char *const texts[] = {"12",        "\"ab\"",      "[1]",    "true",
					    "{\"a\":1}", "\"\\u0041\"", "/* */1", "1//"};
	struct faults f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts);
	     i++) /* a heap copy: asan sees any overread */
		for (size_t n = 0; n <= strlen(texts[i]); n++) {
			char *copy = xmalloc(n);
			struct jsonc_node *root;

			memcpy(copy, texts[i], n);
			root = parse((struct str){copy, n}, &f);
			assert_true((root != NULL) == (f.text[0] == '\0'));
			jsonc_free(&root);
			free(copy);
		}
}

static void test_duplicates_are_all_reported(void **state)
{
	struct faults f;
	struct jsonc_node *root = parse(STR("{\"a\":1,\n"
					    "\"b\":{\"x\":1, \"x\":2},\n"
					    " \"a\":3, \"\\u0061\":4}"),
					&f);

	(void)state;
	assert_string_equal(
		f.text,
		"2:13: duplicate key \"x\", first on line 2; remove one of them\n"
		"3:2: duplicate key \"a\", first on line 1; remove one of them\n"
		"3:9: duplicate key \"a\", first on line 1; remove one of them\n");
	assert_non_null(root);
	assert_int_equal(root->n, 2);
	assert_true(jsonc_get(root, "a")->number == 1);
	jsonc_free(&root);
}

static void test_positions(void **state)
{
	struct faults f;
	struct jsonc_node *root =
		parse(STR("\xef\xbb\xbf{\r\n"
			  "\t\"k\xc3\xa9y\": \"\xe8\xaa\xbf\", \"n\":  7,\n"
			  "/* x\n"
			  " */ \"list\": [true,\n"
			  "  {}]}"),
		      &f);
	const struct jsonc_node *list, *n;

	(void)state;
	assert_non_null(root);
	assert_int_equal(root->pos.line, 1);
	assert_int_equal(root->pos.column, 1);
	n = jsonc_get(root, "n");
	assert_int_equal(n->key_pos.line, 2);
	assert_int_equal(n->key_pos.column, 14); /* characters, not bytes */
	assert_int_equal(n->pos.column, 20);
	list = jsonc_get(root, "list");
	assert_int_equal(list->key_pos.line, 4);
	assert_int_equal(list->key_pos.column, 5);
	assert_int_equal(list->first->pos.column, 14);
	assert_int_equal(list->last->pos.line, 5);
	assert_int_equal(list->last->pos.column, 3);
	jsonc_free(&root);
}

static void nest(char *out, size_t levels, char open, char close)
{
	for (size_t i = 0; i < levels; i++) {
		out[i] = open;
		out[2 * levels - 1 - i] = close;
	}
	out[2 * levels] = '\0';
}

static void test_depth(void **state)
{
	char text[2 * JSONC_DEPTH_MAX + 8];
	struct jsonc_node *root;
	struct faults f;

	(void)state;
	nest(text, JSONC_DEPTH_MAX, '[', ']');
	root = parse(str_of(text), &f);
	assert_non_null(root);
	jsonc_free(&root);
	nest(text, JSONC_DEPTH_MAX + 1, '[', ']');
	assert_null(parse(str_of(text), &f));
	assert_string_equal(f.text, "1:33: nested deeper than 32 levels; nest less\n");
}

static void test_members_cap(void **state)
{
	struct jsonc_node *root;
	struct faults f;
	struct sbuf b;

	(void)state;
	for (unsigned n = JSONC_MEMBERS_MAX; n <= JSONC_MEMBERS_MAX + 1; n++) {
		sbuf_init(&b, 65536);
		for (unsigned i = 0; i < n; i++)
			sbuf_printf(&b, "%c\"k%u\":1", i ? ',' : '{', i);
		sbuf_lit(&b, "}");
		root = parse(sbuf_view(&b), &f);
		assert_int_equal(root != NULL, n == JSONC_MEMBERS_MAX);
		if (root == NULL)
			assert_non_null(
				strstr(f.text, "more than 1000 keys in one object"));
		jsonc_free(&root);
		sbuf_fini(&b);
	}
}

/* In whatever order many keys come, each is found again, and stays where it stood. */
static void test_doubled_keys_among_many(void **state)
{
	static const unsigned steps[] = {1, 7, 499, 998};
	struct jsonc_node *root, *at;
	struct faults f;
	struct sbuf b;

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(steps); s++)
		for (unsigned twin = 0; twin < 1000; twin += 111) {
			sbuf_init(&b, 65536);
			for (unsigned i = 0; i < 999; i++)
				sbuf_printf(&b, "%c\"k%u\":%u", i ? ',' : '{',
					    i * steps[s] % 999, i);
			sbuf_printf(&b, ",\"k%u\":1}", twin);
			root = parse(sbuf_view(&b), &f);
			assert_int_equal(strstr(f.text, "duplicate key") != NULL,
					 twin < 999);
			jsonc_free(&root);
			sbuf_fini(&b);
		}
	root = parse(STR("{\"b\":1,\"a\":2,\"c\":3}"), &f);
	at = root->first;
	assert_string_equal(at->key, "b");
	assert_string_equal(at->next->key, "a");
	assert_string_equal(at->next->next->key, "c");
	jsonc_free(&root);
}

static void test_get_take_append(void **state)
{
	struct faults f;
	struct jsonc_node *root = parse(STR("{\"a\":1,\"b\":2,\"c\":3}"), &f), *c;
	struct sbuf out;

	(void)state;
	assert_null(jsonc_get(root, "d"));
	assert_null(jsonc_get(root, "A"));
	assert_null(jsonc_get(NULL, "a"));
	c = jsonc_get(root, "c");
	assert_null(jsonc_get(c, "a")); /* no object */
	jsonc_take(root, c);
	assert_int_equal(root->n, 2);
	assert_ptr_equal(root->last, jsonc_get(root, "b"));
	jsonc_append(root, c);
	c = jsonc_get(root, "a");
	jsonc_take(root, c);
	jsonc_append(root, c);
	c = jsonc_get(root, "c");
	jsonc_take(root, c);
	jsonc_append(root, c);
	sbuf_init(&out, 100);
	print_node(root, &out);
	assert_true(str_eq(sbuf_view(&out), STR("{b:2=2 a:1=1 c:3=3}")));
	sbuf_fini(&out);
	while (root->first != NULL) {
		c = root->first;
		jsonc_take(root, c);
		jsonc_free(&c);
	}
	assert_null(root->last);
	assert_int_equal(root->n, 0);
	jsonc_free(&root);
	jsonc_free(&root); /* NULL is fine */
}

static void count_fault(void *ctx, struct jsonc_pos pos, const char *text)
{
	(void)pos;
	print_message("  %s\n", text);
	assert_null(strstr(text, "file"));
	++*(int *)ctx;
}

/* What is taken of a file only, or of neither. */
static void test_bodies(void **state)
{
	static const struct {
		struct str text;
		bool taken;
	} cases[] = {
		{STR("{\"a\": [1, -0.5e+3, \"x\\n\", null, true]}"), true},
		{STR("\xef\xbb\xbf{}"), true},
		{STR("\"\x7f\""), true},
		{STR("// x\n{}"), false},
		{STR("{} /* x */"), false},
		{STR("# x\n{}"), false},
		{STR(""), false},
		{STR("{"), false},
		{STR("{} {}"), false},
		{STR("\xff\xfe{\0"), false},
		{STR("{\"a\":\"\xff\"}"), false},
		{STR("{\"a\":\"\0\"}"), false},
		{STR("{\"a\":1,\"a\":1}"), false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int faults = 0;
		const struct jsonc_sink sink = {count_fault, &faults};
		struct jsonc_node *node = jsonc_parse_body(cases[i].text, &sink);

		print_message("%zu\n", i);
		assert_int_equal(faults == 0, cases[i].taken);
		jsonc_free(&node);
	}
}

static void test_objects(void **state)
{
	static const char *const refused[] = {
		"", "[]", "null", "{\"a\":1,\"a\":2}", "{,", "{} // more", "{}{}"};
	struct jsonc_node *node = jsonc_parse_object(STR("{\"a\":\"b\",\"n\":1}"));

	(void)state;
	assert_string_equal(jsonc_text(node, "a"), "b");
	assert_null(jsonc_text(node, "n"));
	assert_null(jsonc_text(node, "A"));
	assert_null(jsonc_text(NULL, "a"));
	jsonc_free(&node);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_null(jsonc_parse_object(str_of(refused[i])));
}

static void test_first_fault(void **state)
{
	struct sbuf first;
	const struct jsonc_sink sink = {jsonc_note_first, &first};
	struct jsonc_node *node;

	(void)state;
	sbuf_init(&first, 256);
	node = jsonc_parse_body(STR("{\"a\":1,\n \"a\":2,\n\"a\":3}"), &sink);
	jsonc_free(&node);
	assert_int_equal(strncmp(sbuf_text(&first), "line 2, column 2: ", 18), 0);
	assert_null(strstr(sbuf_text(&first), "line 3"));
	sbuf_fini(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_text_without_terminator),
		cmocka_unit_test(test_duplicates_are_all_reported),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_members_cap),
		cmocka_unit_test(test_doubled_keys_among_many),
		cmocka_unit_test(test_get_take_append),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_first_fault),
	};

	return cmocka_run_group_tests_name("jsonc", tests, NULL, NULL);
}
