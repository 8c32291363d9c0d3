/* One line per event on stderr: straight, or through memory and the writer's thread. */
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/console.h"
#include "common/line_ring.h"
#include "common/log_writer.h"

#define ERROR_RING_BYTES (256 * 1024)
#define OUTPUT_RING_BYTES (64 * 1024)
#define LINE_START_MAX 64
#define TEXT_PIECE_MAX (8 * 1024) /* of a report: whole lines, where they are shorter */

enum log_mode {
	MODE_DIRECT, /* each line is written at once */
	MODE_QUEUED, /* the writer's thread writes */
	MODE_ENDED,  /* at once, unless that would block */
};

/* Both are kept until the process ends, as is the writer: a thread that nobody joins may
 * log at any time. */
struct log_stream {
	int fd;
	struct line_ring *ring;
};

static _Atomic int log_min = LOG_INFO;
static _Atomic int log_mode = MODE_DIRECT;
static struct log_writer *_Atomic log_thread;
static struct log_stream streams[] = {{.fd = STDERR_FILENO}, {.fd = STDOUT_FILENO}};

void log_set_level(enum log_level level)
{
	atomic_store(&log_min, (int)level);
}

/* --- the line's form --- */

static size_t put_priority(char *out, enum log_level level)
{
	static const char priorities[] = "7643"; /* syslog(3) */

	return console_put_priority(out, priorities[level]);
}

static size_t put_start(char *out, size_t size, enum log_level level)
{
	static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
	size_t n = put_priority(out, level);
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n += strftime(out + n, size - n, "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(out + n, size - n, ".%03ldZ %s ", now.tv_nsec / 1000000,
			      names[level]);
	return n;
}

/* Behind n bytes; cut to fit, its line breaks made spaces, and one at the end. */
static size_t put_message(char *line, size_t size, size_t n, const char *format,
			  va_list ap) __attribute__((format(printf, 4, 0)));

static size_t put_message(char *line, size_t size, size_t n, const char *format,
			  va_list ap)
{
	int k = vsnprintf(line + n, size - n - 1, format, ap);
	size_t end = n;

	if (k > 0)
		end += (size_t)k < size - n - 1 ? (size_t)k : size - n - 2;
	for (; n < end; n++)
		if (line[n] == '\n')
			line[n] = ' ';
	line[n++] = '\n';
	return n;
}

/* --- ways out --- */

static void emit(struct log_stream *s, struct str text)
{
	switch ((enum log_mode)atomic_load(&log_mode)) {
	case MODE_DIRECT:
		console_write(s->fd, text.p, text.n);
		break;
	case MODE_QUEUED:
		line_ring_put(s->ring, text);
		log_writer_wake(atomic_load(&log_thread));
		break;
	case MODE_ENDED:
		if (console_takes(s->fd, 0))
			console_write(s->fd, text.p, text.n);
		break;
	}
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	va_list ap;
	size_t n;

	if ((int)level < atomic_load_explicit(&log_min, memory_order_relaxed))
		return;
	n = put_start(line, sizeof line, level);
	va_start(ap, format);
	n = put_message(line, sizeof line, n, format, ap);
	va_end(ap);
	emit(&streams[0], (struct str){line, n});
}

/* Whole lines, of up to TEXT_PIECE_MAX bytes together; a longer one in pieces. */
static struct str take_piece(struct str *text)
{
	size_t n = text->n < TEXT_PIECE_MAX ? text->n : TEXT_PIECE_MAX;
	const char *end = memrchr(text->p, '\n', n);
	struct str piece = {text->p, end != NULL ? (size_t)(end - text->p) + 1 : n};

	*text = (struct str){text->p + piece.n, text->n - piece.n};
	return piece;
}

static void emit_lines(struct log_stream *s, struct str text)
{
	while (text.n > 0)
		emit(s, take_piece(&text));
}

void log_output(struct str lines)
{
	emit_lines(&streams[1], lines);
}

void log_text(enum log_level level, struct str lines)
{
	char priority[4];
	size_t n = put_priority(priority, level);
	struct sbuf out;

	if (n == 0) {
		emit_lines(&streams[0], lines);
		return;
	}
	sbuf_init(&out, 2 * lines.n + 4 * n);
	for (const char *p = lines.p, *end = p + lines.n, *next; p < end; p = next) {
		next = memchr(p, '\n', (size_t)(end - p));
		next = next != NULL ? next + 1 : end;
		sbuf_add(&out, priority, n);
		sbuf_add(&out, p, (size_t)(next - p));
	}
	emit_lines(&streams[0], sbuf_view(&out));
	sbuf_fini(&out);
}

/* --- the writer's source --- */

static void take_lines(void *ctx, struct sbuf *out)
{
	struct log_stream *s = ctx;

	line_ring_take(s->ring, out, LOG_WRITER_BATCH);
}

static uint64_t lost_lines(void *ctx)
{
	const struct log_stream *s = ctx;

	return line_ring_lost(s->ring);
}

static void tell_lost(void *ctx, struct sbuf *out, uint64_t n)
{
	const struct log_stream *s = ctx;
	char start[LINE_START_MAX];

	if (s->fd == STDERR_FILENO)
		sbuf_add(out, start, put_start(start, sizeof start, LOG_WARN));
	sbuf_printf(out, "log: %llu lines were lost, since nobody read them in time\n",
		    (unsigned long long)n);
}

/* --- start and end --- */

/* A child has no thread of ours; what waits in memory is the parent's to write. */
static void forked(void)
{
	int queued = MODE_QUEUED;

	atomic_compare_exchange_strong(&log_mode, &queued, MODE_DIRECT);
}

static void add_stream(struct log_writer *w, struct log_stream *s, size_t bytes)
{
	const struct log_source source = {.fd = s->fd,
					  .take = take_lines,
					  .lost = lost_lines,
					  .tell = tell_lost,
					  .ctx = s};

	s->ring = line_ring_new(bytes);
	log_writer_add(w, &source);
}

bool log_start(void)
{
	struct log_writer *w;

	if (atomic_load(&log_mode) != MODE_DIRECT)
		return true;
	w = log_writer_start();
	if (w == NULL) {
		log_error("cannot start the log's thread: %s; raise the limit of threads "
			  "(ulimit -u, TasksMax=) or of memory",
			  strerror(errno));
		return false;
	}
	CHECK(pthread_atfork(NULL, NULL, forked) == 0);
	add_stream(w, &streams[0], ERROR_RING_BYTES);
	add_stream(w, &streams[1], OUTPUT_RING_BYTES);
	atomic_store(&log_thread, w);
	check_set_flush(log_flush);
	atomic_store(&log_mode, MODE_QUEUED);
	return true;
}

struct log_writer *log_writer_get(void)
{
	return atomic_load(&log_mode) == MODE_QUEUED ? atomic_load(&log_thread) : NULL;
}

void log_flush(void)
{
	if (atomic_load(&log_mode) == MODE_QUEUED)
		log_writer_flush(atomic_load(&log_thread), LOG_END_MS);
}

void log_stop(void)
{
	int queued = MODE_QUEUED;

	if (atomic_compare_exchange_strong(&log_mode, &queued, MODE_ENDED))
		log_writer_stop(atomic_load(&log_thread), LOG_END_MS);
}

char *log_escape(char *out, size_t size, struct str s)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		int plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';

		if (n + (plain ? 1 : 4) + 4 > size) {
			for (int d = 0; d < 3 && n + 1 < size; d++)
				out[n++] = '.';
			break;
		}
		if (plain) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	if (size)
		out[n] = '\0';
	return out;
}
