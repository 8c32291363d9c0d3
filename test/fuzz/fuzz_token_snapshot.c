/* Fuzz target: the file of keys on disk. What is read must come out of being written as
 * the same.
 *
 * The first byte says whether the CRCs shall fit, so that what is behind them is reached;
 * the next one, how many keys the head claims in that case. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/check.h"
#include "common/crc32.h"
#include "gateway/token/token_snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As in token_snapshot.c. */
#define HEAD_BYTES 72u
#define AT_COUNT 8
#define AT_BODY_CRC 48
#define AT_HEAD_CRC 68

static char folder[64], path[80];

static void remove_folder(void)
{
	unlink(path);
	rmdir(folder);
}

static void make_folder(void)
{
	snprintf(folder, sizeof folder, "%s/tollgate-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof path, "%s/keys", folder);
	atexit(remove_folder);
}

static void put_u32(uint8_t *to, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(v >> 8 * i);
}

static void seal(uint8_t *file, size_t size, uint8_t count)
{
	memcpy(file, "TGKEYS\0\1", 8);
	memset(file + AT_COUNT, 0, 8);
	file[AT_COUNT] = count;
	put_u32(file + AT_BODY_CRC, crc32_add(0, file + HEAD_BYTES, size - HEAD_BYTES));
	put_u32(file + AT_HEAD_CRC, crc32_add(0, file, AT_HEAD_CRC));
}

static void write_file(const uint8_t *bytes, size_t n)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	close(fd);
}

static bool is_in(void *ctx, const struct token_row *row)
{
	struct token_view v;

	CHECK(token_table_find(ctx, row->hash, &v));
	CHECK(v.token_id == row->view.token_id && v.flags == row->view.flags);
	CHECK(v.expires_at_us == row->view.expires_at_us);
	CHECK(v.key_until_us == row->view.key_until_us);
	CHECK(str_eq(v.scopes, row->view.scopes));
	(void)token_has_scope(&v, STR("test"));
	return true;
}

static void check_round_trip(const struct token_table *t,
			     const struct token_snapshot *about)
{
	struct token_snapshot again;
	struct token_table *u;
	const char *why = NULL;

	CHECK(token_snapshot_write(path, t, about));
	u = token_snapshot_read(path, &again, &why);
	CHECK(u != NULL && token_table_count(u) == token_table_count(t));
	CHECK(again.generation == about->generation &&
	      again.right_at_us == about->right_at_us);
	CHECK(token_table_each(t, is_in, u));
	token_table_free(u);
	CHECK(token_snapshot_touch(path, 12345));
	u = token_snapshot_read(path, &again, &why);
	CHECK(u != NULL && again.right_at_us == 12345);
	token_table_free(u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct token_snapshot about;
	struct token_table *t;
	const char *why = NULL;
	uint8_t *file;

	if (size < 2)
		return 0;
	if (path[0] == '\0')
		make_folder();
	file = xcalloc(1, size);
	memcpy(file, data + 2, size - 2);
	if (data[0] % 2 == 0 && size - 2 >= HEAD_BYTES)
		seal(file, size - 2, data[1]);
	write_file(file, size - 2);
	free(file);
	t = token_snapshot_read(path, &about, &why);
	CHECK(t != NULL || why != NULL);
	if (t != NULL)
		check_round_trip(t, &about);
	token_table_free(t);
	return 0;
}
