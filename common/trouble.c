/* What the log hears of a fault. */
#include "common/trouble.h"

#define CHANGE_US UINT64_C(60000000)
#define AGAIN_US UINT64_C(600000000)

bool trouble_note(struct trouble *t, int kind, uint64_t now_us)
{
	bool is_change;

	if (t->since_us == 0)
		t->since_us = now_us;
	is_change = t->told_us < t->since_us || kind != t->kind;
	if (t->told_us != 0 && now_us - t->told_us < (is_change ? CHANGE_US : AGAIN_US))
		return false;
	t->kind = kind;
	t->told_us = now_us;
	return true;
}

bool trouble_over(struct trouble *t, uint64_t now_us, uint64_t *lasted_s)
{
	bool was_told = t->since_us != 0 && t->told_us >= t->since_us;

	*lasted_s = trouble_age_s(t, now_us);
	t->since_us = 0;
	return was_told;
}

bool trouble_happened(struct trouble *t, uint64_t now_us)
{
	bool tell = trouble_note(t, 0, now_us);

	t->since_us = 0;
	return tell;
}

uint64_t trouble_age_s(const struct trouble *t, uint64_t now_us)
{
	return t->since_us ? (now_us - t->since_us) / 1000000 : 0;
}
