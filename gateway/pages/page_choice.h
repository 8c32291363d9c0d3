/* Which file of the pages a request gets.
 *
 * Pure; any thread. */
#ifndef GATEWAY_PAGES_PAGE_CHOICE_H
#define GATEWAY_PAGES_PAGE_CHOICE_H

#include "gateway/http/request_head.h"
#include "gateway/pages/page_files.h"

enum page_verdict {
	PAGE_NONE,   /* the path is none of the pages': others answer */
	PAGE_HOME,   /* of a browser at "/": on to the first page */
	PAGE_FILE,   /* 200, or what page_choose_unknown is for */
	PAGE_SAME,   /* 304: the client has it */
	PAGE_METHOD, /* 405: neither GET nor HEAD */
	PAGE_GONE,   /* 404: an asset that is not in this build */
};

/* Of Content-Encoding, and behind the tag; NULL and "" of the plain form. */
const char *page_form_coding(enum page_form form);
const char *page_form_suffix(enum page_form form);

struct page_choice {
	enum page_verdict verdict;
	const struct page_file *file; /* of PAGE_FILE and PAGE_SAME */
	enum page_form form;
	bool is_asset;
};

/* Of the paths in pages.def, "/" as a browser asks for it, and /assets/. */
struct page_choice page_choose(const struct page_files *files,
			       const struct request_head *h);
/* Of a path that nobody knows: a browser outside of /api gets index.html, which says so;
 * PAGE_NONE for others. */
struct page_choice page_choose_unknown(const struct page_files *files,
				       const struct request_head *h);

#endif
