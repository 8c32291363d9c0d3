/* What a node reports of its usage. */
#include "gateway/run/node_usage.h"

#include "common/check.h"
#include "gateway/journal/recording.h"
#include "gateway/recorder/recorder.h"

void node_usage_init(struct node_usage *u)
{
	*u = (struct node_usage){0};
	CHECK(pthread_mutex_init(&u->lock, NULL) == 0);
}

void node_usage_fini(struct node_usage *u)
{
	pthread_mutex_destroy(&u->lock);
}

void node_usage_ask(struct node_usage *u, struct recorder *recorder,
		    struct recording *recording)
{
	pthread_mutex_lock(&u->lock);
	u->recorder = recorder;
	u->recording = recording;
	pthread_mutex_unlock(&u->lock);
}

void node_usage_look(void *ctx, uint64_t *waiting_bytes, int64_t *oldest_us,
		     uint64_t *dropped)
{
	struct node_usage *u = ctx;
	struct recorder_stats stats;
	struct recording_view view;

	pthread_mutex_lock(&u->lock);
	if (u->recorder != NULL) {
		recorder_stats(u->recorder, &stats);
		recording_look(u->recording, &view);
		*waiting_bytes = view.waiting_bytes;
		*oldest_us = view.oldest_us;
		*dropped = stats.dropped;
	}
	pthread_mutex_unlock(&u->lock);
}
