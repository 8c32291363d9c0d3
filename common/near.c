/* What somebody may have meant: the nearest of some words. */
#include "common/near.h"

#include <stdbool.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool is_exchanged(const char *a, const char *b, size_t i, size_t j)
{
	return i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
}

unsigned near_distance(const char *a, const char *b)
{
	/* The rows of the table for a's first i - 2, i - 1 and i letters. */
	unsigned rows[3][NEAR_WORD_MAX + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > NEAR_WORD_MAX || m > NEAR_WORD_MAX)
		return 2 * NEAR_WORD_MAX;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(above[j] + 1, row[j - 1] + 1);
			row[j] = least(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
			if (is_exchanged(a, b, i, j))
				row[j] = least(row[j], rows[(i + 1) % 3][j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

void near_try(struct near *n, const char *word)
{
	size_t given = strlen(n->given), letters = strlen(word);
	unsigned distance = near_distance(n->given, word);
	unsigned most = (unsigned)(given < letters ? given : letters) / 3;
	bool begins = given >= 2 && strncmp(n->given, word, given) == 0;

	if (most == 0 && given > 1)
		most = 1;
	if (begins)
		distance = 0; /* what is cut short is meant before what is mistyped */
	if (distance <= most && (n->best == NULL || distance < n->distance)) {
		n->best = word;
		n->distance = distance;
	}
}
