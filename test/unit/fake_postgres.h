/* A server that speaks as much of PostgreSQL's protocol (manual, chapter 55) as tests of
 * the client side need, and misbehaves on command. One thread, one connection at a
 * time. */
#ifndef TEST_UNIT_FAKE_POSTGRES_H
#define TEST_UNIT_FAKE_POSTGRES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Statements that start with one of these words are answered so:
 *   ping    one row "pong"          fail    ERROR 22012
 *   die     closes                  fatal   FATAL 57P01, closes
 *   hang    nothing                 notify  NOTIFY with payload 7, then as ping
 *   copy    COPY FROM STDIN         two     a row, then ERROR 42P01
 *   standby ERROR 25006             leave   done, then FATAL 57P05, closes
 *   last    done, then, once `ends` is set, FATAL 57P01, closes
 *   column  ERROR TG400 of column "name"
 *   wait    ERROR 57014 and NOTIFY once a request to cancel has come; the requester
 *           waits as long as hold_cancel is set
 * and all others are done. Of the recorder it takes batches of one lane, and has no time
 * for its upkeep. */
#define FAKE_BATCHES_MAX 64

struct fake_postgres {
	int listener;
	int port;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic int sessions;       /* begun so far */
	_Atomic size_t copied;      /* bytes of COPY data of the latest */
	_Atomic int refuse;         /* this many connections are closed at once */
	_Atomic bool refuse_set_up; /* the first statement of a session fails */
	_Atomic bool hold_cancel;
	_Atomic int cancels;      /* requests so far */
	_Atomic bool slow_reader; /* lets COPY data wait until told otherwise */
	char first_sql[1024];     /* the latest session's set-up */
	char application_name[64];
	_Atomic bool read_only; /* says so when it is asked at a session's set-up */
	/* Bytes; the start of each session is refused with them. */
	const char *_Atomic refuse_login;
	_Atomic bool ends;
	_Atomic bool ends_at_once;  /* FATAL 57P01 behind the start of each session */
	_Atomic int closed;         /* sessions */
	_Atomic bool leave_in_copy; /* FATAL 57P01 instead of taking rows */
	_Atomic int refuse_batches; /* this many are refused at their BEGIN: 53100 */
	_Atomic int refuse_copies;  /* this many at their rows, as refuse_copies_state */
	const char *refuse_copies_state;
	_Atomic size_t n_begun, n_batches;
	uint64_t begun_us[FAKE_BATCHES_MAX]; /* monotonic */
	size_t batches[FAKE_BATCHES_MAX];    /* rows of each */
	size_t refused[FAKE_BATCHES_MAX];    /* of those that were refused */
	_Atomic size_t n_refused;
};

void fake_postgres_start(struct fake_postgres *f);
void fake_postgres_stop(struct fake_postgres *f);

#endif
