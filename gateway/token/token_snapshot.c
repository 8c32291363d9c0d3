/* The key table on disk. */
#include "gateway/token/token_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/crc32.h"

#define MAGIC "TGKEYS\0\4" /* the last byte is the format's version */
#define AT_VERSION 7
#define NAMELESS 1
#define WITHOUT_RANGES 2
#define WITHOUT_TEAMS 3
#define HEAD_BYTES 72
#define RECORD_BYTES 74 /* before the scopes */
#define RECORD_BYTES_WITHOUT_TEAMS 66
#define RECORD_BYTES_WITHOUT_RANGES 64
#define KEYS_MAX (100u * 1000 * 1000)

/* magic 8, count 8, right_at 8, generation 8, instance 16, body's CRC 4, 16 free, head's
 * CRC 4 */
enum {
	AT_COUNT = 8,
	AT_RIGHT = 16,
	AT_GENERATION = 24,
	AT_INSTANCE = 32,
	AT_BODY_CRC = 48
};
#define AT_HEAD_CRC (HEAD_BYTES - 4)

static void put_le(unsigned char *to, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		to[i] = (unsigned char)(v >> 8 * i);
}

static uint64_t get_le(const unsigned char *from, int bytes)
{
	uint64_t v = 0;

	for (int i = bytes; i-- > 0;)
		v = v << 8 | from[i];
	return v;
}

static void seal_head(unsigned char head[HEAD_BYTES])
{
	put_le(head + AT_HEAD_CRC, crc32_add(0, head, AT_HEAD_CRC), 4);
}

static bool is_head(const unsigned char head[HEAD_BYTES])
{
	return memcmp(head, MAGIC, AT_VERSION) == 0 && head[AT_VERSION] >= NAMELESS &&
	       head[AT_VERSION] <= (unsigned char)MAGIC[AT_VERSION] &&
	       get_le(head + AT_COUNT, 8) <= KEYS_MAX &&
	       get_le(head + AT_HEAD_CRC, 4) == crc32_add(0, head, AT_HEAD_CRC);
}

struct body {
	FILE *file;
	uint32_t crc;
	uint64_t count;
	size_t record_bytes;
};

static bool write_bytes(struct body *b, const void *bytes, size_t n)
{
	b->crc = crc32_add(b->crc, bytes, n);
	return fwrite(bytes, 1, n, b->file) == n;
}

/* hash 32, id 8, expires 8, until 8, flags 4, length of scopes 2, of the name 2 (both as
 * one before there were names), number of address ranges 2 (since version 3), team 8
 * (since version 4); scopes, name, ranges as memory has them: family 1, address 16,
 * prefix length 1 */
static bool write_key(void *ctx, const struct token_row *row)
{
	struct body *b = ctx;
	unsigned char record[RECORD_BYTES];

	memcpy(record, row->hash, KEY_HASH_BYTES);
	put_le(record + 32, (uint64_t)row->view.token_id, 8);
	put_le(record + 40, (uint64_t)row->view.expires_at_us, 8);
	put_le(record + 48, (uint64_t)row->view.key_until_us, 8);
	put_le(record + 56, row->view.flags, 4);
	put_le(record + 60, row->view.scopes.n, 2);
	put_le(record + 62, row->view.name.n, 2);
	put_le(record + 64, row->view.ranges.n, 2);
	put_le(record + 66, (uint64_t)row->view.team_id, 8);
	b->count++;
	return write_bytes(b, record, sizeof record) &&
	       write_bytes(b, row->view.scopes.p, row->view.scopes.n) &&
	       write_bytes(b, row->view.name.p, row->view.name.n) &&
	       write_bytes(b, row->view.ranges.items,
			   row->view.ranges.n * sizeof row->view.ranges.items[0]);
}

static void make_head(unsigned char head[HEAD_BYTES], const struct body *b,
		      const struct token_snapshot *about)
{
	memset(head, 0, HEAD_BYTES);
	memcpy(head, MAGIC, 8);
	put_le(head + AT_COUNT, b->count, 8);
	put_le(head + AT_RIGHT, (uint64_t)about->right_at_us, 8);
	put_le(head + AT_GENERATION, about->generation, 8);
	memcpy(head + AT_INSTANCE, about->instance, TOKEN_INSTANCE_BYTES);
	put_le(head + AT_BODY_CRC, b->crc, 4);
	seal_head(head);
}

/* The body first; a head before it would be a promise. */
static bool write_file(int fd, const struct token_table *t,
		       const struct token_snapshot *about)
{
	unsigned char head[HEAD_BYTES] = {0};
	struct body b = {.file = fdopen(fd, "wb")};
	bool ok;

	if (b.file == NULL) {
		close(fd);
		return false;
	}
	ok = fwrite(head, 1, sizeof head, b.file) == sizeof head &&
	     token_table_each(t, write_key, &b) && fflush(b.file) == 0;
	make_head(head, &b, about);
	ok = ok && pwrite(fd, head, sizeof head, 0) == sizeof head && fsync(fd) == 0;
	return fclose(b.file) == 0 && ok;
}

/* The new name must be on disk too. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

bool token_snapshot_write(const char *path, const struct token_table *t,
			  const struct token_snapshot *about)
{
	/* By process: an old and a new one may overlap while the program is replaced. */
	char *aside = xasprintf("%s.%ld", path, (long)getpid());
	int fd, reason;
	bool ok;

	unlink(aside); /* of a process that died in here */
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ok = fd >= 0 && write_file(fd, t, about) && rename(aside, path) == 0;
	reason = errno;
	if (ok)
		sync_folder(path);
	else
		unlink(aside);
	free(aside);
	errno = reason;
	return ok;
}

bool token_snapshot_touch(const char *path, int64_t right_at_us)
{
	unsigned char head[HEAD_BYTES];
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	errno = EBADMSG;
	ok = pread(fd, head, sizeof head, 0) == sizeof head && is_head(head);
	if (ok) {
		put_le(head + AT_RIGHT, (uint64_t)right_at_us, 8);
		seal_head(head);
		/* Within one sector: a power cut leaves the one or the other. */
		ok = pwrite(fd, head, sizeof head, 0) == sizeof head;
	}
	close(fd);
	return ok;
}

static bool read_bytes(struct body *b, void *bytes, size_t n)
{
	if (fread(bytes, 1, n, b->file) != n)
		return false;
	b->crc = crc32_add(b->crc, bytes, n);
	return true;
}

/* Ranges come behind scopes and name. */
static bool read_ranges(struct body *b, struct net_cidrs *to, size_t n)
{
	if (n > TOKEN_RANGES_MAX || !read_bytes(b, to->items, n * sizeof to->items[0]))
		return false;
	to->n = n;
	for (size_t i = 0; i < n; i++) {
		const struct net_cidr *c = &to->items[i];

		if (!(c->ip.family == 4 && c->bits <= 32) &&
		    !(c->ip.family == 6 && c->bits <= 128))
			return false;
	}
	return true;
}

static bool read_key(struct body *b, struct token_builder *to)
{
	unsigned char record[RECORD_BYTES] = {0};
	char scopes[TOKEN_SCOPES_MAX], name[TOKEN_NAME_SHOWN_MAX];
	struct net_cidr ranges[TOKEN_RANGES_MAX];
	struct token_row row = {.view.ranges.items = ranges};
	size_t n, name_n;

	if (!read_bytes(b, record, b->record_bytes))
		return false;
	n = (size_t)get_le(record + 60, 2);
	name_n = (size_t)get_le(record + 62, 2);
	if (n > sizeof scopes || name_n > sizeof name || !read_bytes(b, scopes, n) ||
	    !read_bytes(b, name, name_n) ||
	    !read_ranges(b, &row.view.ranges, (size_t)get_le(record + 64, 2)))
		return false;
	memcpy(row.hash, record, KEY_HASH_BYTES);
	row.view.token_id = (int64_t)get_le(record + 32, 8);
	row.view.expires_at_us = (int64_t)get_le(record + 40, 8);
	row.view.key_until_us = (int64_t)get_le(record + 48, 8);
	row.view.flags = (uint32_t)get_le(record + 56, 4);
	row.view.team_id = (int64_t)get_le(record + 66, 8);
	row.view.scopes = (struct str){scopes, n};
	row.view.name = (struct str){name, name_n};
	token_builder_add(to, &row);
	return true;
}

static size_t record_bytes_of(int version)
{
	if (version <= WITHOUT_RANGES)
		return RECORD_BYTES_WITHOUT_RANGES;
	return version <= WITHOUT_TEAMS ? RECORD_BYTES_WITHOUT_TEAMS : RECORD_BYTES;
}

static struct token_table *read_body(struct body *b, uint32_t crc)
{
	struct token_builder *to = token_builder_new();
	uint64_t i = 0;

	while (i < b->count && read_key(b, to))
		i++;
	if (i == b->count && b->crc == crc && fgetc(b->file) == EOF)
		return token_builder_finish(&to);
	token_builder_free(&to);
	return NULL;
}

/* Whoever may write the file decides which keys count. NULL: it is ours alone. */
static const char *fault_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return "it is no regular file";
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "it belongs to another user, or others may write it";
	return NULL;
}

/* Never waits, as a named pipe would have it. */
static FILE *open_ours(const char *path, const char **why)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	FILE *file;

	if (fd < 0) {
		*why = errno == ENOENT  ? TOKEN_SNAPSHOT_NONE
		       : errno == ELOOP ? "it is a symbolic link"
					: "it cannot be opened, or is no regular file";
		return NULL;
	}
	*why = fault_of(fd);
	if (*why != NULL || (file = fdopen(fd, "rb")) == NULL) {
		close(fd);
		return NULL;
	}
	return file;
}

struct token_table *token_snapshot_read(const char *path, struct token_snapshot *about,
					const char **why)
{
	struct body b = {.file = open_ours(path, why)};
	struct token_table *t = NULL;
	unsigned char head[HEAD_BYTES];

	if (b.file == NULL)
		return NULL;
	*why = "it is damaged, or of another version";
	if (fread(head, 1, sizeof head, b.file) == sizeof head && is_head(head)) {
		b.count = get_le(head + AT_COUNT, 8);
		b.record_bytes = record_bytes_of(head[AT_VERSION]);
		about->right_at_us = (int64_t)get_le(head + AT_RIGHT, 8);
		about->generation = get_le(head + AT_GENERATION, 8);
		memcpy(about->instance, head + AT_INSTANCE, TOKEN_INSTANCE_BYTES);
		t = read_body(&b, (uint32_t)get_le(head + AT_BODY_CRC, 4));
	}
	fclose(b.file);
	return t;
}
