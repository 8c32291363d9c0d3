/* GET /api/openapi.json: what the manager's API is (docs/openapi.yaml), for programs. */
#include "common/embedded.h"
#include "gateway/api/operations.h"

void api_get_openapi(struct call *c)
{
	static const char *const known[] = {NULL};
	const struct embedded_file *file;
	size_t n;

	call_query(c, known);
	if (call_is_faulty(c))
		return;
	file = embedded_openapi(&n);
	call_reply_json(c, 200, (struct str){file->text, file->n});
}
