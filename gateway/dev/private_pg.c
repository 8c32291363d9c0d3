/* A PostgreSQL server of our own, for `tollgate dev`. */
#include "gateway/dev/private_pg.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/dev/files.h"
#include "gateway/dev/pg_find.h"
#include "gateway/dev/pg_leftover.h"
#include "gateway/dev/pg_place.h"
#include "gateway/dev/say.h"

#define SUPERUSER "postgres"
#define DATABASE "tollgate"
#define PASSWORD_BYTES 16
#define PASSWORD_LENGTH (2 * PASSWORD_BYTES)
#define READY_TIMEOUT_US 120000000 /* crash recovery may take its time */
#define STOP_FAST_MS 3000
#define STOP_IMMEDIATE_MS 700
#define POLL_INTERVAL_US 10000
#define LAUNCH_INTERVAL_US 2000000
#define LOG_MAX_BYTES 10000000
#define LOG_TAIL_BYTES 2000
#define URL_MAX 512

struct private_pg {
	struct pg_place place;
	struct pg_programs programs;
	char *log_file;
	char *port_file;
	char password[PASSWORD_LENGTH + 1];
	uint16_t port;
	pid_t pid; /* 0: not running */
	/* monotonic: private_pg_watch does not start it before */
	uint64_t next_launch_us;
	char url[URL_MAX], gateway_url[URL_MAX], tcp_url[URL_MAX];
};

/* --- small parts --- */

/* The last port if nobody took it meanwhile, so that URLs stay right over restarts. */
static uint16_t free_port(uint16_t wanted)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(wanted)};
	socklen_t len = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	bool ok;

	CHECK(fd >= 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	ok = bind(fd, (struct sockaddr *)&sa, len) == 0 &&
	     getsockname(fd, (struct sockaddr *)&sa, &len) == 0;
	close(fd);
	if (ok)
		return ntohs(sa.sin_port);
	CHECK(wanted != 0);
	return free_port(0);
}

static uint16_t remembered_port(const struct private_pg *pg)
{
	char line[16];
	uint64_t port;

	if (!file_read_line(pg->port_file, line, sizeof line) ||
	    !str_to_u64(str_of(line), &port) || port < 1024 || port > 65535)
		return 0;
	return (uint16_t)port;
}

static void remember_port(const struct private_pg *pg)
{
	char line[16];

	snprintf(line, sizeof line, "%u\n", (unsigned)pg->port);
	if (!file_write_private(pg->port_file, str_of(line)))
		complain("cannot write %s: %s", pg->port_file, strerror(errno));
}

static bool load_password(struct private_pg *pg, const char *state)
{
	char *file = path_join(state, "pg.password");
	unsigned char bytes[PASSWORD_BYTES];
	bool ok;

	if (pg->place.is_new) {
		CHECK(RAND_bytes(bytes, sizeof bytes) == 1);
		hex_encode(pg->password, bytes, sizeof bytes);
		OPENSSL_cleanse(bytes, sizeof bytes);
		ok = file_write_private(file, str_of(pg->password));
	} else {
		ok = file_read_line(file, pg->password, sizeof pg->password);
	}
	if (!ok)
		complain("%s: %s%s", file, strerror(errno),
			 pg->place.is_new ? "" : "; --fresh makes a new database");
	free(file);
	return ok;
}

/* The socket's folder, percent-encoded as a URL needs it. */
static void socket_url(const struct private_pg *pg, const char *user, char url[URL_MAX])
{
	struct sbuf dir;

	sbuf_init(&dir, URL_MAX);
	for (const char *c = pg->place.socket_dir; *c != '\0'; c++) {
		if (*c == '/')
			sbuf_lit(&dir, "%2F");
		else
			sbuf_add(&dir, c, 1);
	}
	snprintf(url, URL_MAX,
		 "postgresql://%s:%s@/" DATABASE "?host=" STR_FMT "&port=%u", user,
		 pg->password, STR_ARG(sbuf_view(&dir)), (unsigned)pg->port);
	sbuf_fini(&dir);
}

static void make_urls(struct private_pg *pg)
{
	socket_url(pg, SUPERUSER, pg->url);
	socket_url(pg, PRIVATE_PG_GATEWAY_ROLE, pg->gateway_url);
	snprintf(pg->tcp_url, sizeof pg->tcp_url,
		 "postgresql://" SUPERUSER ":%s@127.0.0.1:%u/" DATABASE, pg->password,
		 (unsigned)pg->port);
}

/* --- initdb --- */

/* Readable by the server's user only: initdb runs as that user. */
static bool write_password_file(const struct private_pg *pg, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write(fd, pg->password, PASSWORD_LENGTH) == PASSWORD_LENGTH;

	if (ok && pg->place.user.change)
		ok = fchown(fd, pg->place.user.uid, pg->place.user.gid) == 0;
	if (fd >= 0)
		close(fd);
	if (!ok)
		complain("cannot write %s: %s", path, strerror(errno));
	return ok;
}

static bool run_as_owner(const struct private_pg *pg, const char *const *argv)
{
	struct child_options o = {
		.argv = argv, .user = pg->place.user, .parent_death_signal = SIGTERM};
	struct sbuf out;
	bool ok;

	sbuf_init(&out, 65536);
	ok = child_run(&o, &out) == 0;
	if (!ok)
		complain("%s failed:\n" STR_FMT, argv[0], STR_ARG(sbuf_view(&out)));
	sbuf_fini(&out);
	return ok;
}

/* Made beside its place and renamed, so that an interrupted initdb leaves nothing that
 * looks like a cluster. */
static bool init_cluster(const struct private_pg *pg)
{
	char *initdb = path_join(pg->programs.bin, "initdb");
	char *new_data = path_join(pg->place.base, "data.new");
	char *password_file = path_join(pg->place.socket_dir, "initdb.password");
	char *pwfile = xasprintf("--pwfile=%s", password_file);
	const char *const clean[] = {"/bin/rm", "-rf",         "--",
				     new_data,  password_file, NULL};
	const char *const init[] = {initdb,
				    "-D",
				    new_data,
				    "-U",
				    SUPERUSER,
				    pwfile,
				    "--auth=scram-sha-256",
				    "--encoding=UTF8",
				    "--locale=C",
				    "--no-instructions",
				    NULL};
	const char *const move[] = {"/bin/mv", "-T",           "--",
				    new_data,  pg->place.data, NULL};
	bool ok = run_as_owner(pg, clean) && write_password_file(pg, password_file) &&
		  run_as_owner(pg, init) && run_as_owner(pg, move);

	unlink(password_file);
	free(initdb);
	free(new_data);
	free(password_file);
	free(pwfile);
	return ok;
}

/* --- the server --- */

static int open_log(const struct private_pg *pg)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;

	if (stat(pg->log_file, &st) == 0 && st.st_size > LOG_MAX_BYTES)
		flags |= O_TRUNC;
	return open(pg->log_file, flags, 0600);
}

static bool launch(struct private_pg *pg)
{
	char *postgres = path_join(pg->programs.bin, "postgres");
	char *sockets = xasprintf("unix_socket_directories=%s", pg->place.socket_dir);
	char *port = xasprintf("port=%u", (unsigned)pg->port);
	const char *const argv[] = {postgres,
				    "-D",
				    pg->place.data,
				    "-c",
				    sockets,
				    "-c",
				    port,
				    "-c",
				    "listen_addresses=127.0.0.1",
				    "-c",
				    "unix_socket_permissions=0700",
				    "-c",
				    "logging_collector=off",
				    "-c",
				    "log_destination=stderr",
				    "-c",
				    "cluster_name=tollgate-dev",
				    NULL};
	/* SIGINT is PostgreSQL's fast shutdown: a kill -9 of this process stops it in
	 * order. */
	struct child_options o = {.argv = argv,
				  .user = pg->place.user,
				  .parent_death_signal = SIGINT,
				  .output_fd = open_log(pg)};

	pg->pid = o.output_fd >= 0 ? child_start(&o) : -1;
	if (pg->pid < 0) {
		complain("cannot start PostgreSQL (log: %s): %s", pg->log_file,
			 strerror(errno));
		pg->pid = 0;
	}
	if (o.output_fd >= 0)
		close(o.output_fd);
	free(postgres);
	free(sockets);
	free(port);
	return pg->pid > 0;
}

static void show_log_tail(const struct private_pg *pg)
{
	char tail[LOG_TAIL_BYTES + 1];
	int fd = open(pg->log_file, O_RDONLY | O_CLOEXEC);
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	ssize_t n;

	if (fd < 0)
		return;
	n = pread(fd, tail, LOG_TAIL_BYTES,
		  end > LOG_TAIL_BYTES ? end - LOG_TAIL_BYTES : 0);
	close(fd);
	if (n > 0)
		complain("the end of %s:\n%.*s", pg->log_file, (int)n, tail);
}

/* What pg_ctl looks at as well (pidfile.h): line 1 of postmaster.pid is the server's
 * process, line 8 its state. Asking over the socket would fill the log during a
 * recovery. */
static bool is_ready(const struct private_pg *pg)
{
	char *file = path_join(pg->place.data, "postmaster.pid");
	struct sbuf text;
	const char *line;
	bool ready = false;

	sbuf_init(&text, 4096);
	if (file_read(file, &text)) {
		line = sbuf_text(&text);
		for (int i = 1; i < 8 && line != NULL; i++) {
			line = strchr(line, '\n');
			line = line != NULL ? line + 1 : NULL;
		}
		ready = line != NULL && strncmp(line, "ready", 5) == 0 &&
			strtol(text.p, NULL, 10) == pg->pid;
	}
	sbuf_fini(&text);
	free(file);
	return ready;
}

static bool wait_ready(struct private_pg *pg)
{
	uint64_t started_us = clock_mono_us();

	while (!is_ready(pg)) {
		if (waitpid(pg->pid, NULL, WNOHANG) == pg->pid) {
			pg->pid = 0;
			return false;
		}
		if (clock_mono_us() - started_us > READY_TIMEOUT_US)
			return false;
		usleep(POLL_INTERVAL_US);
	}
	return true;
}

/* A port can be taken between the look and PostgreSQL's bind: another one is tried. */
static bool start_server(struct private_pg *pg)
{
	uint16_t wanted = remembered_port(pg);

	for (int attempt = 0; attempt < 3; attempt++, wanted = 0) {
		pg->port = free_port(wanted);
		make_urls(pg);
		if (!launch(pg))
			return false;
		if (wait_ready(pg)) {
			remember_port(pg);
			return true;
		}
		if (pg->pid != 0)
			break;
	}
	complain("PostgreSQL %d does not start", pg->programs.major);
	show_log_tail(pg);
	return false;
}

/* --- the database --- */

static bool create_database(const struct private_pg *pg)
{
	char *url = xstrdup(pg->url), *name = strstr(url, "/" DATABASE "?");
	PGconn *conn;
	PGresult *result = NULL;
	bool ok, exists;

	CHECK(name != NULL);
	memcpy(name, "/postgres", strlen("/postgres")); /* the names are of one length */
	conn = PQconnectdb(url);
	ok = PQstatus(conn) == CONNECTION_OK;
	if (ok)
		result = PQexec(conn,
				"SELECT FROM pg_database WHERE datname = '" DATABASE "'");
	ok = ok && PQresultStatus(result) == PGRES_TUPLES_OK;
	exists = ok && PQntuples(result) > 0;
	PQclear(result);
	if (ok && !exists) {
		result = PQexec(conn, "CREATE DATABASE " DATABASE
				      " TEMPLATE template0 ENCODING 'UTF8'");
		ok = PQresultStatus(result) == PGRES_COMMAND_OK;
		PQclear(result);
	}
	if (!ok)
		complain("cannot make the database: %s", PQerrorMessage(conn));
	PQfinish(conn);
	OPENSSL_cleanse(url, strlen(url));
	free(url);
	return ok;
}

static bool find_programs(struct private_pg *pg)
{
	char *version_file = path_join(pg->place.data, "PG_VERSION"), line[16] = "0";
	uint64_t major = 0;

	if (!pg->place.is_new && file_read_line(version_file, line, sizeof line))
		str_to_u64(str_of(line), &major);
	free(version_file);
	if (pg_find(&pg->programs, (int)major))
		return true;
	if (major != 0)
		complain("the data in %s is of PostgreSQL %s, which is not installed; "
			 "install it, or start over with --fresh",
			 pg->place.data, line);
	else
		complain("no PostgreSQL from version %d on is installed (Debian: apt-get "
			 "install postgresql)",
			 PG_OLDEST);
	return false;
}

static bool open_cluster(struct private_pg *pg, const char *state)
{
	if (!find_programs(pg) || !load_password(pg, state))
		return false;
	if (!pg->place.is_new)
		return pg_leftover_stop(pg->place.data);
	say("Making a PostgreSQL %d cluster in %s", pg->programs.major, pg->place.base);
	return init_cluster(pg);
}

struct private_pg *private_pg_start(const char *state, bool fresh)
{
	struct private_pg *pg = xcalloc(1, sizeof *pg);

	pg->log_file = path_join(state, "postgres.log");
	pg->port_file = path_join(state, "pg.port");
	if (pg_place_open(&pg->place, state, fresh) && open_cluster(pg, state) &&
	    start_server(pg) && create_database(pg))
		return pg;
	private_pg_stop(&pg);
	return NULL;
}

const char *private_pg_url(const struct private_pg *pg)
{
	return pg->url;
}

const char *private_pg_gateway_url(const struct private_pg *pg)
{
	return pg->gateway_url;
}

const char *private_pg_password(const struct private_pg *pg)
{
	return pg->password;
}

const char *private_pg_tcp_url(const struct private_pg *pg)
{
	return pg->tcp_url;
}

void private_pg_watch(struct private_pg *pg)
{
	if (pg->pid != 0) {
		if (waitpid(pg->pid, NULL, WNOHANG) != pg->pid)
			return;
		complain("PostgreSQL ended by itself (log: %s); starting it again",
			 pg->log_file);
		pg->pid = 0;
	}
	if (clock_mono_us() < pg->next_launch_us)
		return;
	pg->next_launch_us = clock_mono_us() + LAUNCH_INTERVAL_US;
	/* Orphans of a killed postmaster hold the data folder until they notice. */
	if (pg_leftover_stop(pg->place.data))
		launch(pg);
}

void private_pg_stop(struct private_pg **pg)
{
	struct private_pg *p = *pg;

	*pg = NULL;
	if (p == NULL)
		return;
	if (p->pid > 0) {
		kill(p->pid, SIGINT);
		if (!child_wait(p->pid, STOP_FAST_MS, NULL)) {
			kill(p->pid, SIGQUIT);
			if (!child_wait(p->pid, STOP_IMMEDIATE_MS, NULL)) {
				kill(p->pid, SIGKILL);
				child_wait(p->pid, STOP_IMMEDIATE_MS, NULL);
			}
		}
	}
	pg_place_close(&p->place);
	OPENSSL_cleanse(p->password, sizeof p->password);
	OPENSSL_cleanse(p->url, sizeof p->url);
	OPENSSL_cleanse(p->gateway_url, sizeof p->gateway_url);
	OPENSSL_cleanse(p->tcp_url, sizeof p->tcp_url);
	free(p->log_file);
	free(p->port_file);
	free(p);
}

bool private_pg_set_aside(struct private_pg **pg, const char *state)
{
	struct pg_place place = (*pg)->place;
	char where[PATH_MAX];

	private_pg_stop(pg);
	if (!pg_place_set_aside(&place, state, where))
		return false;
	say("The private database was made by a build before 0.1.0: it is kept in %s, and a "
	    "new one is made",
	    where);
	return true;
}
