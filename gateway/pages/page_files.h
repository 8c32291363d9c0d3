/* The files of the pages, built into the program (gateway/pages/embed.py). Constant. */
#ifndef GATEWAY_PAGES_PAGE_FILES_H
#define GATEWAY_PAGES_PAGE_FILES_H

#include <stdbool.h>

#include "common/str.h"

enum page_form {
	PAGE_PLAIN,
	PAGE_GZIP,   /* RFC 1952 */
	PAGE_BROTLI, /* RFC 7932 */
};
#define PAGE_FORMS 3

struct page_file {
	const char *path; /* "/assets/main-ABCD1234.js"; of index.html "/index.html" */
	const char *type; /* its Content-Type */
	/* The digest of all forms, as hex: in quotes the entity tag of the plain one, and
	 * with the coding's suffix behind it that of another. */
	const char *tag;
	struct str
		forms[PAGE_FORMS]; /* n 0: it would not be smaller than the plain one */
};

struct page_files {
	const struct page_file *index;  /* what every page begins with */
	const struct page_file *assets; /* their names change with what is in them */
	size_t n_assets;
	/* There was no Node when the program was built: index says what to install, and
	 * there are no assets. */
	bool are_absent;
};

const struct page_files *page_files(void);

#endif
