/* What a client says that it accepts. */
#include "gateway/http/accepted.h"

#include <string.h>

/* A quality of 0, as in ";q=0.000" (RFC 9110 12.4.2), says "not this one". */
static bool is_refused(struct str parameters)
{
	while (parameters.n) {
		const char *semi = memchr(parameters.p, ';', parameters.n);
		size_t n = semi ? (size_t)(semi - parameters.p) : parameters.n;
		struct str one = str_trim((struct str){parameters.p, n});

		if (one.n > 2 && (one.p[0] | 0x20) == 'q' && one.p[1] == '=') {
			one = (struct str){one.p + 2, one.n - 2};
			while (one.n && (*one.p == '0' || *one.p == '.'))
				one = (struct str){one.p + 1, one.n - 1};
			return one.n == 0;
		}
		n = semi ? n + 1 : n;
		parameters = (struct str){parameters.p + n, parameters.n - n};
	}
	return false;
}

enum accepted accepted_item(const struct request_head *h, struct str field,
			    struct str item)
{
	for (unsigned i = 0; i < h->n_fields; i++) {
		struct str list = h->fields[i].value, one;

		if (!str_ieq(h->fields[i].name, field))
			continue;
		while (str_list_next(&list, &one)) {
			const char *semi = memchr(one.p, ';', one.n);
			size_t n = semi ? (size_t)(semi - one.p) : one.n;

			if (str_ieq(str_trim((struct str){one.p, n}), item))
				return is_refused((struct str){one.p + n, one.n - n})
					       ? ACCEPTED_NO
					       : ACCEPTED_YES;
		}
	}
	return ACCEPTED_UNNAMED;
}
