/* Posts forms to providers.
 *
 * An errand is its sender's until the thread takes it from the list `waiting`, the
 * thread's until it puts it into `done`, and the sender's again from then on. */
#include "gateway/sign_in/errands.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/check.h"
#include "common/thread_start.h"
#include "gateway/sign_in/fetch_priv.h"

#define POLL_MS 1000

struct job {
	struct job *next;      /* in waiting or done */
	struct job *next_sent; /* in sent */
	char *url, *ca_file, *user, *password, *form, *whose;
	void (*done)(void *ctx, const struct errand_answer *answer);
	void *ctx;
	CURL *curl;
	char why[CURL_ERROR_SIZE];
	long status;
	struct sbuf body, error;
};

struct errands {
	struct event *on_done;
	int done_fd;
	struct job *sent;     /* all that nobody was told of yet; the loop's alone */
	pthread_mutex_t lock; /* of the two lists */
	struct job *waiting, *done;
	CURLM *multi;
	pthread_t thread;
	bool has_thread;
	_Atomic bool stop;
};

/* --- one --- */

static char *copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static void wipe(char *text)
{
	if (text != NULL)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}

static struct job *make_job(const struct errand *what)
{
	struct job *j = xcalloc(1, sizeof *j);

	j->url = xstrdup(what->url);
	j->ca_file = copy(what->ca_file);
	j->user = copy(what->user);
	j->password = copy(what->password);
	j->form = xstrndup(what->form.p, what->form.n);
	j->whose = xstrdup(what->whose);
	j->done = what->done;
	j->ctx = what->ctx;
	sbuf_init(&j->body, ERRANDS_ANSWER_MAX);
	sbuf_init(&j->error, 1024);
	return j;
}

static void free_job(struct job *j)
{
	free(j->url);
	free(j->ca_file);
	wipe(j->user);
	wipe(j->password);
	wipe(j->form);
	free(j->whose);
	if (j->body.p != NULL)
		OPENSSL_cleanse(j->body.p, j->body.n);
	sbuf_fini(&j->body);
	sbuf_fini(&j->error);
	free(j);
}

/* --- on the thread --- */

static void begin(struct errands *e, struct job *j)
{
	const struct fetch f = {.url = j->url, .ca_file = j->ca_file};
	CURLcode bad = CURLE_OK;

	j->curl = fetch_prepare(&f, &j->body, j->why);
#define SET(option, value) bad |= curl_easy_setopt(j->curl, (option), (value))
	SET(CURLOPT_PRIVATE, (void *)j);
	SET(CURLOPT_POSTFIELDS, j->form);
	SET(CURLOPT_POSTFIELDSIZE, (long)strlen(j->form));
	if (j->user != NULL) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(CURLOPT_USERNAME, j->user);
		SET(CURLOPT_PASSWORD, j->password);
	}
#undef SET
	CHECK(bad == CURLE_OK);
	CHECK(curl_multi_add_handle(e->multi, j->curl) == CURLM_OK);
}

static struct job *take_waiting(struct errands *e)
{
	struct job *j;

	pthread_mutex_lock(&e->lock);
	j = e->waiting;
	if (j != NULL)
		e->waiting = j->next;
	pthread_mutex_unlock(&e->lock);
	return j;
}

static void put_done(struct errands *e, struct job *j)
{
	uint64_t one = 1;

	pthread_mutex_lock(&e->lock);
	j->next = e->done;
	e->done = j;
	pthread_mutex_unlock(&e->lock);
	CHECK(write(e->done_fd, &one, sizeof one) == sizeof one);
}

static void end_finished(struct errands *e)
{
	const CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(e->multi, &left)) != NULL) {
		CURLcode code = m->data.result;
		CURL *curl = m->easy_handle;
		struct job *j = NULL;

		CHECK(curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&j) == CURLE_OK);
		j->status = fetch_status(curl, code, j->why, &j->body, &j->error);
		curl_multi_remove_handle(e->multi, curl);
		curl_easy_cleanup(curl);
		j->curl = NULL;
		put_done(e, j);
	}
}

static void *run(void *arg)
{
	struct errands *e = arg;
	struct job *j;
	int active;

	while (!atomic_load(&e->stop)) {
		while ((j = take_waiting(e)) != NULL)
			begin(e, j);
		CHECK(curl_multi_perform(e->multi, &active) == CURLM_OK);
		end_finished(e);
		CHECK(curl_multi_poll(e->multi, NULL, 0, POLL_MS, NULL) == CURLM_OK);
	}
	return NULL;
}

/* --- on the sender's loop --- */

/* Leaves the list first: whoever is told may send another. */
static void tell(struct errands *e, struct job *j)
{
	struct errand_answer a = {.status = j->status, .body = sbuf_view(&j->body)};
	struct job **at = &e->sent;

	while (*at != j)
		at = &(*at)->next_sent;
	*at = j->next_sent;
	if (j->status == 0)
		a.why = sbuf_text(&j->error);
	j->done(j->ctx, &a);
	free_job(j);
}

static struct job *take_done(struct errands *e)
{
	struct job *j;

	pthread_mutex_lock(&e->lock);
	j = e->done;
	if (j != NULL)
		e->done = j->next;
	pthread_mutex_unlock(&e->lock);
	return j;
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
	struct errands *e = arg;
	struct job *j;
	uint64_t n;

	(void)what;
	(void)!read(fd, &n, sizeof n);
	while ((j = take_done(e)) != NULL)
		tell(e, j);
}

static bool has_room(const struct errands *e, const char *whose)
{
	size_t all = 0, of_one = 0;

	for (const struct job *j = e->sent; j != NULL; j = j->next_sent) {
		all++;
		of_one += strcmp(j->whose, whose) == 0;
	}
	return all < ERRANDS_MAX && of_one < ERRANDS_OF_ONE_MAX;
}

static bool has_thread(struct errands *e)
{
	if (!e->has_thread)
		e->has_thread = thread_start(&e->thread, "sign-in", run, e);
	return e->has_thread;
}

bool errands_send(struct errands *e, const struct errand *what)
{
	struct job *j;

	CHECK(fetch_url_is_allowed(what->url));
	if (!has_room(e, what->whose) || !has_thread(e))
		return false;
	j = make_job(what);
	j->next_sent = e->sent;
	e->sent = j;
	pthread_mutex_lock(&e->lock);
	j->next = e->waiting;
	e->waiting = j;
	pthread_mutex_unlock(&e->lock);
	CHECK(curl_multi_wakeup(e->multi) == CURLM_OK);
	return true;
}

/* --- life --- */

struct errands *errands_new(struct event_base *base)
{
	struct errands *e = xcalloc(1, sizeof *e);

	e->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	CHECK(e->done_fd >= 0);
	e->on_done = event_new(base, e->done_fd, EV_READ | EV_PERSIST, on_done, e);
	CHECK(e->on_done != NULL && event_add(e->on_done, NULL) == 0);
	CHECK(pthread_mutex_init(&e->lock, NULL) == 0);
	e->multi = curl_multi_init();
	CHECK(e->multi != NULL);
	return e;
}

/* The thread has ended: its errands are nobody's else. */
static void break_off(struct errands *e, struct job *j)
{
	if (j->curl != NULL) {
		curl_multi_remove_handle(e->multi, j->curl);
		curl_easy_cleanup(j->curl);
		j->curl = NULL;
	}
	j->status = 0;
	if (j->error.n == 0)
		sbuf_lit(&j->error, "the gateway is stopping");
	tell(e, j);
}

void errands_free(struct errands **errands)
{
	struct errands *e = *errands;

	*errands = NULL;
	if (e == NULL)
		return;
	atomic_store(&e->stop, true);
	if (e->has_thread) {
		CHECK(curl_multi_wakeup(e->multi) == CURLM_OK);
		CHECK(pthread_join(e->thread, NULL) == 0);
	}
	while (e->sent != NULL)
		break_off(e, e->sent);
	curl_multi_cleanup(e->multi);
	event_free(e->on_done);
	close(e->done_fd);
	pthread_mutex_destroy(&e->lock);
	free(e);
}
